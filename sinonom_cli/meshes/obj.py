"""Read the faces of Wavefront OBJ files; everything else in them is ignored."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.meshes.mesh_text import bytes_of, numbers_in, plain_text, usual_text
from sinonom_cli.meshes.polygons import Ragged, bad_mesh, triangles_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COMMENT = re.compile(rb"#[^\n]*")
_NAMES = re.compile(rb"^[ \t]*(?![vf][ \t])[A-Za-z][^\n]*", re.MULTILINE)
"""A line that gives no vertex and no face, such as `mtllib D:\\scans\\`: a backslash at its end belongs to a path."""
_CONTINUED = re.compile(rb"\\[ \t]*\n")
_VERTICES = re.compile(rb"^[ \t]*v[ \t]+(\S+[ \t]+\S+[ \t]+\S+)", re.MULTILINE)
_ALL_VERTICES = re.compile(rb"^[ \t]*v[ \t]", re.MULTILINE)


def read_obj(path: Path, remarks: list[str] | None = None) -> "NDArray[np.float32]":
    """Read the faces of a Wavefront OBJ file, (F, 3, 3) float32; indices may be negative, faces may have any size.

    Raises
    ------
    SinonomError
        If a number cannot be read, or a face names a vertex that does not exist.
    """
    from sinonom_cli.meshes.obj_text import plain_lines

    content = bytes_of(path)
    text = usual_text(content)
    if text is not None:
        points, corners, sizes, plain_points, plain_faces = plain_lines(text)
        if plain_points and plain_faces:
            return triangles_of(path, points, Ragged(corners, sizes), remarks)
    return _read_any(path, plain_text(content.tobytes()), remarks)


def _read_any(path: Path, content: bytes, remarks: list[str] | None) -> "NDArray[np.float32]":
    """Read OBJ of any form."""
    import numpy as np

    from sinonom_cli.meshes.obj_text import plain_lines

    if b"#" in content:  # comments go first: one that ends in a backslash does not continue on the next line
        content = _COMMENT.sub(b"", content)
    if b"\\" in content:
        content = _NAMES.sub(b"", content)
        content = _CONTINUED.sub(b" ", content)
    try:
        vertices = _VERTICES.findall(content)
        if len(vertices) != len(_ALL_VERTICES.findall(content)):
            raise ValueError("a vertex does not have three coordinates")
        points = numbers_in(b" ".join(vertices), 3 * len(vertices)).reshape(-1, 3)
        _, corners, sizes, _, plain = plain_lines(np.frombuffer(content, np.uint8))
        # A carriage return is a line end there, but none in a file with NUL bytes.
        polygons = Ragged(corners, sizes) if plain and b"\r" not in content else _polygons(content)
    except ValueError as error:
        raise bad_mesh(path, f"cannot be read as OBJ: {error}") from None
    return triangles_of(path, points, polygons, remarks)


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
