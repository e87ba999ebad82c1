"""Where numba keeps compiled functions, if it may write neither beside the package nor in the user's cache folder."""

import os
import sys
from pathlib import Path


def find_a_place() -> None:
    """Give numba a folder of this process and its workers, where it would find none and refuse to work.

    So it is for a service or a container whose user has no home, with a package that another user has installed.
    Functions are then compiled anew by each command, which takes some seconds.
    """
    if os.environ.get("NUMBA_CACHE_DIR") or _writable(Path(__file__).parent) or _writable(_user_cache()):
        return
    import atexit
    import shutil
    import tempfile

    folder, owner = tempfile.mkdtemp(prefix="sinonom-"), os.getpid()
    os.environ["NUMBA_CACHE_DIR"] = folder  # the workers read it too
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    return Path("~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME") or "~/.cache")


def _writable(folder: Path) -> bool:
    """Return whether a folder is there, or can be made, and takes files."""
    try:
        folder = folder.expanduser().absolute()
    except RuntimeError:  # nobody knows where the user's home is
        return False
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)
