"""One command at a time writes an output.

The lock is the operating system's, on a file in the output: it goes with the process that holds it, however that ends.
The file is removed at the end; one that a killed process has left behind blocks nobody.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.atomic import cannot_write

LOCK = ".sinonom.lock"
"""The lock's name in a folder artifact; that of an index lies beside it."""

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def lock_path(path: Path, kind: str) -> Path:
    """Return where the lock of the output at `path` lies."""
    return path.with_name(f".{path.name}.lock") if kind == "index" else path / LOCK


@contextmanager
def locked(path: Path, kind: str) -> Iterator[None]:
    """Keep other processes from writing the output at `path` while the block runs.

    The folder is made if need be, and removed again if nothing was put into it. Where nothing can be written, or the
    file system knows no locks, the block runs without one.

    Raises
    ------
    SinonomError
        With exit code 5, if another process writes the output, or its folder cannot be made.
    """
    lock = lock_path(path, kind)
    with ExitStack() as undo:
        try:
            for folder in _made(lock.parent):
                undo.callback(_remove_empty, folder)
            undo.enter_context(_held(lock, path))
        except OSError as error:
            if error.errno not in (*_READ_ONLY, *_NO_LOCKS) or not lock.parent.is_dir():
                raise cannot_write(path, error) from error
        yield


def _made(folder: Path) -> list[Path]:
    """Make a folder and those above it; return the ones that were not there, the outermost first."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
    return missing[::-1]


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def _held(lock: Path, path: Path) -> Iterator[None]:
    """Hold the lock on a file that nobody has removed meanwhile."""
    from filelock import FileLock, Timeout

    native = FileLock(lock)
    while True:
        lock.touch()
        before = lock.stat()
        try:
            native.acquire(timeout=0)
        except Timeout:
            raise SinonomError(
                f"another process is writing {path}",
                "wait until it has ended, or another output",
                ExitCode.OUTPUT_IN_THE_WAY,
            ) from None
        if _is_still(lock, before):
            break
        native.release()  # its last holder has removed the file between our looking for it and locking it
    try:
        yield
    finally:
        # Where open files can be removed, it goes before others can lock it; on Windows, behind.
        if os.name != "nt":
            lock.unlink(missing_ok=True)
        native.release()
        if os.name == "nt":
            with suppress(OSError):
                lock.unlink(missing_ok=True)


def _is_still(lock: Path, before: os.stat_result) -> bool:
    try:
        return os.path.samestat(lock.stat(), before)
    except FileNotFoundError:
        return False
