"""What the pictures of a set hold, known without reading again those that have not been touched.

Beside the prepared pictures of a set lie, by row, what the system says of each file (`STATUS`), the hash of its bytes
as of then, and the hash that its cell was prepared from. A file whose status is another is hashed again, and prepared
again if its bytes are others: a picture that was replaced in place is seen, one that was only touched is no other.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.storage.atomic import sha256_of
from sinonom_cli.storage.fingerprints import each
from sinonom_cli.storage.walk import look

if TYPE_CHECKING:
    from sinonom_cli.storage.image_set import ImageSet

STATUS = np.dtype([("size", "<i8"), ("changed", "<i8"), ("status_changed", "<i8"), ("file", "<u8")])
"""Bytes, time of the last change of the content and of the file's entry (on Windows: when it was made) in ns, inode.
A program can set the first time back, but not the second."""
_INODE = 2**64 - 1  # some disks of Windows have longer ones
SUM = 16
"""Bytes that are kept of a SHA-256."""


@dataclass(frozen=True)
class Contents:
    """The three tables of a set, mapped; zeros where nothing is known.

    Attributes
    ----------
    statuses : (N,) of `STATUS`.
    sums : (N, SUM) uint8, hash of the file's bytes when it had that status.
    prepared : (N, SUM) uint8, hash of the bytes that its cell was made from.
    BYTES : of the three together, for each picture.
    """

    statuses: NDArray[np.void]
    sums: NDArray[np.uint8]
    prepared: NDArray[np.uint8]

    BYTES: ClassVar[int] = STATUS.itemsize + 2 * SUM

    @staticmethod
    def files(entry: Path, count: int) -> dict[Path, int]:
        """Return the files of a set of `count` pictures, and the bytes of each."""
        return {
            entry / "pictures.status": count * STATUS.itemsize,
            entry / "pictures.sums": count * SUM,
            entry / "pictures.prepared": count * SUM,
        }

    @staticmethod
    def of(entry: Path, count: int) -> Contents:
        """Map the tables, which are there."""
        status, sums, prepared = Contents.files(entry, count)
        return Contents(
            np.memmap(status, STATUS, "r+", shape=(count,)),
            np.memmap(sums, np.uint8, "r+", shape=(count, SUM)),
            np.memmap(prepared, np.uint8, "r+", shape=(count, SUM)),
        )

    def look(self, images: ImageSet, rows: NDArray[np.int64]) -> None:
        """Hash what has another status than it had, or has none yet; what cannot be read has a hash of zeros."""
        now = statuses(images, rows)
        others = np.flatnonzero(now != self.statuses[rows])
        if len(others):
            self.sums[rows[others]] = sums_of(images, rows[others])
            self.statuses[rows[others]] = now[others]

    def stale(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which cells were made from other bytes than the files hold, (n,) bool."""
        return (self.sums[rows] != self.prepared[rows]).any(axis=1)


def statuses(images: ImageSet, rows: NDArray[np.int64]) -> NDArray[np.void]:
    """Return what the system says of the files of these rows, (n,) of `STATUS`; zeros for one that is not there."""
    found = np.zeros(len(rows), STATUS)
    folder, pictures = str(images.path), images.pictures
    for place, row in enumerate(rows.tolist()):
        try:
            status = os.stat(f"{folder}/{pictures[row].file_name}")  # noqa: PTH116  # a million of them
        except OSError:
            continue
        found[place] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & _INODE)
    return found


def digest_of(images: ImageSet, rows: NDArray[np.int64], sums: NDArray[np.uint8]) -> str:
    """Return a SHA-256, in hexadecimal, of the pictures of these rows: names, labels and the hashes of their bytes.

    Parameters
    ----------
    sums : (n, SUM) uint8, one for each row.
    """
    digest = hashlib.sha256()
    for row in rows.tolist():
        picture = images.pictures[row]
        digest.update(f"{picture.file_name}\0{picture.label}\0".encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(sums).tobytes())
    return digest.hexdigest()


def sums_of(images: ImageSet, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Hash the pictures of these rows, (n, SUM) uint8."""
    paths = [images.path / images.pictures[row].file_name for row in rows.tolist()]
    return np.frombuffer(b"".join(each(sum_of, paths)), np.uint8).reshape(-1, SUM)


def sum_of(path: Path) -> bytes:
    """Return the hash of a file's bytes, `SUM` bytes; zeros, if it cannot be read."""
    try:
        return bytes(SUM) if look(path)[1] else bytes.fromhex(sha256_of(path))[:SUM]
    except OSError:
        return bytes(SUM)


def rows_of(images: ImageSet, limit: int | None) -> NDArray[np.int64]:
    """Return the rows of the pictures that have a label, among the first `limit`."""
    return np.array([row for row, picture in enumerate(images.pictures[:limit]) if picture.label], dtype=np.int64)
