"""Know the content of a set's pictures without reading unchanged files again.

Three tables beside the prepared pictures of a set have, for each row: the status of the file (`STATUS`), the hash that
its bytes had then, and the hash of the bytes that its cell was prepared from. A file with another status is hashed
again, and it is prepared again if its bytes have changed. So a picture that was replaced is noticed, and one that was
only touched is not prepared again.
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
"""Status of a file: its size in bytes, the times in ns of the last change of its content and of its entry (on Windows:
when it was made), and its inode. A program can set the first time back, but not the second."""
_INODE = 2**64 - 1  # some disks on Windows have longer inodes
SUM = 16
"""Number of bytes that are kept of a SHA-256."""


@dataclass(frozen=True)
class Contents:
    """Three tables of a set, mapped into memory; a row is zeros if nothing is known.

    Attributes
    ----------
    statuses : (N,) of `STATUS`.
    sums : (N, SUM) uint8, hash of the file's bytes when it had that status.
    prepared : (N, SUM) uint8, hash of the bytes that the picture's cell was made from.
    BYTES : bytes for each picture in the three tables together.
    """

    statuses: NDArray[np.void]
    sums: NDArray[np.uint8]
    prepared: NDArray[np.uint8]

    BYTES: ClassVar[int] = STATUS.itemsize + 2 * SUM

    @staticmethod
    def files(entry: Path, count: int) -> dict[Path, int]:
        """Return the files of the tables for a set of `count` pictures, and the bytes of each."""
        return {
            entry / "pictures.status": count * STATUS.itemsize,
            entry / "pictures.sums": count * SUM,
            entry / "pictures.prepared": count * SUM,
        }

    @staticmethod
    def of(entry: Path, count: int) -> Contents:
        """Map the tables, whose files must exist."""
        status, sums, prepared = Contents.files(entry, count)
        return Contents(
            np.memmap(status, STATUS, "r+", shape=(count,)),
            np.memmap(sums, np.uint8, "r+", shape=(count, SUM)),
            np.memmap(prepared, np.uint8, "r+", shape=(count, SUM)),
        )

    def look(self, images: ImageSet, rows: NDArray[np.int64]) -> None:
        """Hash the files with a changed or unknown status; a file that cannot be read gets a hash of zeros."""
        now = statuses(images, rows)
        others = np.flatnonzero(now != self.statuses[rows])
        if len(others):
            self.sums[rows[others]] = sums_of(images, rows[others])
            self.statuses[rows[others]] = now[others]

    def stale(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which cells were made from other bytes than the files have now, (n,) bool."""
        return (self.sums[rows] != self.prepared[rows]).any(axis=1)


def statuses(images: ImageSet, rows: NDArray[np.int64]) -> NDArray[np.void]:
    """Return the status of the files of these rows, (n,) of `STATUS`; it is zeros if a file does not exist."""
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
    """Return a hexadecimal SHA-256 of the pictures of these rows: of their names, labels and hashes.

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
    """Return the hash of a file's bytes, `SUM` bytes; it is zeros if the file cannot be read."""
    try:
        return bytes(SUM) if look(path)[1] else bytes.fromhex(sha256_of(path))[:SUM]
    except OSError:
        return bytes(SUM)


def rows_of(images: ImageSet, limit: int | None) -> NDArray[np.int64]:
    """Return the rows of the pictures that have a label, among the first `limit`."""
    return np.array([row for row, picture in enumerate(images.pictures[:limit]) if picture.label], dtype=np.int64)
