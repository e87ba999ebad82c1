"""Lock an output, so that one command at a time writes it.

The operating system holds the lock, on a file in the output. It is released when its process ends, in any way. The file
is removed at the end; a file that a killed process left does not block later commands.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.atomic import cannot_write

LOCK = ".sinonom.lock"
"""Name of the lock file in a folder artifact; the lock file of an index lies beside the index."""

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def lock_path(path: Path, kind: str) -> Path:
    """Return the path of the lock file for the output at `path`."""
    return path.with_name(f".{path.name}.lock") if kind == "index" else path / LOCK


@contextmanager
def locked(path: Path, kind: str) -> Iterator[None]:
    """Keep other processes from writing the output at `path` while the block runs.

    The folder is created if necessary, and removed again if it stays empty. If nothing can be written there, or the
    file system has no locks, the block runs without a lock.

    Raises
    ------
    SinonomError
        With exit code 5, if another process is writing the output, or its folder cannot be created.
    """
    lock = lock_path(path, kind)
    with ExitStack() as undo:
        try:
            for folder in _made(lock.parent):
                undo.callback(_remove_empty, folder)
            undo.enter_context(held(lock, path))
        except OSError as error:
            if error.errno not in (*_READ_ONLY, *_NO_LOCKS) or not lock.parent.is_dir():
                raise cannot_write(path, error) from error
        yield


def _made(folder: Path) -> list[Path]:
    """Create a folder and its missing parents; return the folders that were created, the outermost first."""
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
def held(lock: Path, path: Path, hint: str = "wait until it has ended, or choose another output") -> Iterator[None]:
    """Hold the lock on a file that no other process has removed in the meantime.

    Parameters
    ----------
    lock : the lock file; path : what it guards.
    hint : what to do if another process holds it.

    Raises
    ------
    OutputInTheWay
        If another process holds it.
    OSError
        If the lock file cannot be written, or the file system has no locks.
    """
    from filelock import FileLock, Timeout

    native = FileLock(lock, thread_local=False)  # another thread may release it
    while True:
        lock.touch()
        before = lock.stat()
        try:
            native.acquire(timeout=0)
        except Timeout:
            raise SinonomError(f"another process is writing {path}", hint, ExitCode.OUTPUT_IN_THE_WAY) from None
        if _is_still(lock, before):
            break
        native.release()  # its last holder removed the file before it was locked here
    try:
        yield
    finally:
        # If open files can be removed, the file goes before others can lock it; on Windows, it goes afterwards.
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
