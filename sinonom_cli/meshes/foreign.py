"""Identify a file that is not of the format of its ending, by its first bytes."""

from pathlib import Path

HEAD = 512

_PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"(\xb5/\xfd", b"7z\xbc\xaf", b"Rar!")
_BEGINNINGS = (
    *((beginning, "compressed or an archive", "unpack it") for beginning in _PACKED),
    (b"version https://git-lfs", "a pointer of Git LFS, not the mesh itself", "fetch the mesh: git lfs pull"),
    *((beginning, "a web page", "download the mesh again") for beginning in (b"<!doctype html", b"<html")),
    (b"%pdf-", "a PDF", "give the mesh"),
    *((beginning, "a picture", "give the mesh") for beginning in (b"\x89png", b"\xff\xd8\xff", b"ii*\0", b"mm\0*")),
    (b"kaydara fbx", "an FBX file", "export it as STL, PLY, OBJ or GLB"),
    (b"iso-10303-21", "a STEP file", "export it as STL, PLY, OBJ or GLB"),
)
"""Beginnings of files, in small letters, with what such a file is and what to do with it."""
_MESHES = ((b"ply\n", ".ply"), (b"ply\r", ".ply"), (b"gltf", ".glb"), (b"solid ", ".stl"), (b"off\n", ".off"))
"""Beginnings of meshes, in small letters, with the usual ending."""


def known_as(path: Path) -> tuple[str, str]:
    """Return what a file is that is no mesh of the format of its ending, and what to do with it.

    Both are "" if the file may be what its ending says, or is unknown. A binary STL file may begin with any bytes, so
    its size must disagree as well.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    suffix, small = path.suffix.lower(), head.lower().lstrip(b"\xef\xbb\xbf \t\r\n")
    if suffix == ".stl" and path.stat().st_size == 84 + 50 * int.from_bytes(head[80:84], "little"):
        return "", ""
    for beginning, ending in _MESHES:
        if small.startswith(beginning) and suffix != ending:
            return f"its content is that of a {ending} file", f"rename it, so that its name ends in {ending}"
    for beginning, what, hint in _BEGINNINGS:
        if small.startswith(beginning.lower()):
            return what, hint
    return "", ""
