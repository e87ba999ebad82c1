"""Read the faces of Wavefront OBJ files; everything else in them is ignored."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.meshes.mesh_text import numbers_in, plain_text
from sinonom_cli.meshes.polygons import bad_mesh, triangles_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COMMENT = re.compile(rb"#[^\n]*")
_CONTINUED = re.compile(rb"\\[ \t]*\n")
_VERTICES = re.compile(rb"^[ \t]*v[ \t]+(\S+[ \t]+\S+[ \t]+\S+)", re.MULTILINE)
_ALL_VERTICES = re.compile(rb"^[ \t]*v[ \t]", re.MULTILINE)
_FACES = re.compile(rb"^[ \t]*f[ \t]+([^\n]*)", re.MULTILINE)


def read_obj(path: Path, remarks: list[str] | None = None) -> "NDArray[np.float32]":
    """Read the faces of a Wavefront OBJ file, (F, 3, 3) float32; indices may be negative, faces may have any size.

    Raises
    ------
    SinonomError
        If a number cannot be read, or a face names a vertex that does not exist.
    """
    content = plain_text(path.read_bytes())
    if b"#" in content:  # comments go first: one that ends in a backslash does not continue on the next line
        content = _COMMENT.sub(b"", content)
    if b"\\" in content:
        content = _CONTINUED.sub(b" ", content)
    try:
        vertices = _VERTICES.findall(content)
        if len(vertices) != len(_ALL_VERTICES.findall(content)):
            raise ValueError("a vertex does not have three coordinates")
        points = numbers_in(b" ".join(vertices), 3 * len(vertices)).reshape(-1, 3)
        plain = _plain_triangles(content)
        polygons = _polygons(content) if plain is None else plain
    except ValueError as error:
        raise bad_mesh(path, f"cannot be read as OBJ: {error}") from None
    return triangles_of(path, points, polygons, remarks)


def _plain_triangles(content: bytes) -> "NDArray[np.int64] | None":
    """Return an OBJ file's faces, (F, 3), counted from 0; None if some are not triangles or count backwards."""
    import numpy as np

    faces = _FACES.findall(content)
    text = b"\n".join(faces)
    if b"/" in text:
        text = re.sub(rb"/\S*", b"", text)
    triangles = re.findall(rb"^(\d+[ \t]+\d+[ \t]+\d+)[ \t]*$", text, re.MULTILINE)
    if len(triangles) != len(faces):
        return None
    # Index 0, which is not allowed, becomes -1 and is refused.
    numbers = numbers_in(b" ".join(triangles), 3 * len(triangles))
    return numbers.astype(np.int64).reshape(-1, 3) - 1  # too large a number becomes the least integer, and is refused


def _polygons(content: bytes) -> list[list[int]]:
    """Return an OBJ file's faces, counted from 0, line by line."""
    polygons, vertices = [], 0
    for line in content.split(b"\n"):
        match line.split():
            case [b"v", *_]:
                vertices += 1
            case [b"f", *corners]:
                named = [int(corner.partition(b"/")[0]) for corner in corners]
                # Negative indices count back from the last vertex so far.
                polygons.append([i + vertices if i < 0 else i - 1 for i in named])
    return polygons
