"""Find a folder for numba's compiled functions, if neither the package nor the user's cache folder can be written."""

import os
import sys
from pathlib import Path


def find_a_place() -> None:
    """Give numba a temporary folder for this process and its workers, if it would find none and fail.

    This happens in a service or a container whose user has no home folder, if another user has installed the package.
    Each command then compiles the functions again, which takes some seconds.
    """
    if os.environ.get("NUMBA_CACHE_DIR") or _writable(Path(__file__).parent) or _writable(_user_cache()):
        return
    import atexit
    import shutil
    import tempfile

    folder, owner = tempfile.mkdtemp(prefix="sinonom-"), os.getpid()
    os.environ["NUMBA_CACHE_DIR"] = folder  # worker processes read it too
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    return Path("~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME") or "~/.cache")


def _writable(folder: Path) -> bool:
    """Return whether a folder exists or can be made, and files can be written to it."""
    try:
        folder = folder.expanduser().absolute()
    except RuntimeError:  # the home folder of the user is unknown
        return False
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)
