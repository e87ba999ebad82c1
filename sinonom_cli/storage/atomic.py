"""Write files so that they appear completely or not at all."""

import errno
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from sinonom_cli.errors import ExitCode, SinonomError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")

TEMPORARY = ".sinonom-"
"""Prefix of the names of unfinished files; those that a killed run leaves are removed by the next run."""

_CANNOT_WRITE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the disk is read-only",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EEXIST: "a file stands where a folder should be",
    errno.EISDIR: "a folder stands where a file should be",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EFBIG: "the file would be too large for this disk",
}


def cannot_write(path: Path, error: OSError) -> SinonomError:
    """Return the error (exit code 5) that a user sees for an `OSError` while `path` is written."""
    reason = _CANNOT_WRITE.get(error.errno or 0, error.strerror or str(error))
    return SinonomError(
        f"cannot write {path}: {reason}",
        "free some space or choose another output, then run the same command again: it goes on where it stopped",
        ExitCode.OUTPUT_IN_THE_WAY,
    )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move it to `path` when the block ends without an error.

    Raises
    ------
    SinonomError
        With exit code 5, if the disk is full or read-only, permission to write is missing, or a file stands where a
        folder should be.
    """
    temporary = path.with_name(f"{TEMPORARY}{os.urandom(8).hex()}{path.suffix}")
    placed = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
        placed = True
    except OSError as error:
        # Reading an input inside the block may fail too; only errors of the output are translated here.
        if error.filename is None or Path(os.fsdecode(error.filename)) in (temporary, path, *path.parents):
            raise cannot_write(path, error) from error
        raise
    finally:
        if not placed:  # looking for a file that is not there, a million times, takes a minute
            with suppress(NotADirectoryError):  # a file stands where the folder should be
                temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path`, completely or not at all, with its line ends unchanged.

    Bytes of file names that are not UTF-8, which Python holds as surrogates, are written unchanged.
    """
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates, which JSON can contain
        content = text.encode("utf-8", "backslashreplace")
    write_bytes(path, content)


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write `record` to `path` as indented UTF-8 JSON, completely or not at all.

    Bytes of file names that are not UTF-8, which Python holds as lone surrogates, are written as `\\udcXX`.
    """
    text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def save_png(path: Path, picture: "NDArray[np.uint8] | NDArray[np.uint16]") -> None:
    """Write a grey picture as PNG, completely or not at all.

    Parameters
    ----------
    path : file name that ends in `.png`.
    picture : (H, W) uint8 or uint16.
    """
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    # Run-length encoding at level 1 gives smaller files than the default strategy at that level, and is Pillow's
    # fastest.
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    write_bytes(path, buffer.getvalue())


def save_jpeg(path: Path, picture: "NDArray[np.uint8]", quality: int) -> None:
    """Write a grey picture, (H, W) uint8, as JPEG, completely or not at all; `quality` from 1 to 95."""
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    write_bytes(path, buffer.getvalue())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Remove the unfinished files that a killed run left anywhere below `folder`."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.startswith(TEMPORARY):
                Path(parent, name).unlink(missing_ok=True)


def cached_by_file(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the last results of a function of files; recompute a result when one of its files has changed.

    A process may run several commands. A change of a file is detected by its size, times and inode.

    Parameters
    ----------
    most : number of results that are kept. Arguments are passed by position; files among them are paths, or objects
        with an attribute `path`, alone or in tuples.
    """

    def decorated(work: Callable[P, R]) -> Callable[P, R]:
        @lru_cache(most)
        def known(_: tuple[tuple[int, ...], ...], *given: P.args, **named: P.kwargs) -> R:
            return work(*given, **named)

        @wraps(work)
        def asked(*given: P.args, **named: P.kwargs) -> R:
            return known(tuple(map(_status, _paths(given))), *given, **named)  # type: ignore[arg-type]

        return asked

    return decorated


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, tuple):
        for each in value:
            yield from _paths(each)
    else:
        path = value if isinstance(value, Path) else getattr(value, "path", None)
        if isinstance(path, Path):
            yield path


def _status(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
