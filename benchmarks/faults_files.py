"""Files of a folder that `faults.py` compares, and files of a user that no command may change."""

import contextlib
from pathlib import Path

Content = dict[str, bytes]
USERS = {"ghi chú.txt": b"mine", "của tôi/scan.stl": b"solid mine", "db.faiss.txt": b"mine too"}
USERS_INSIDE = {
    "ghi chú.txt": b"mine",
    "images/của tôi.png": b"mine",
    "meshes/mine.stl": b"mine",
    "của tôi/a.csv": b"x",
}


def names_in(folder: Path) -> set[str]:
    """Return the files of a folder with their times."""
    names = set()
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # a lock that has just been removed
            names.add(f"{path} {path.stat(follow_symlinks=False).st_mtime_ns}")
    return names


def content(folder: Path) -> Content:
    """Return the bytes of all files below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def put(folder: Path, files: Content) -> None:
    """Write files into a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)


def lost(folder: Path, files: Content) -> list[str]:
    """Return the names of the user's files that are missing or changed."""
    return [
        name for name, text in files.items() if not (folder / name).is_file() or (folder / name).read_bytes() != text
    ]
