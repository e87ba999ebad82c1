"""Read OFF files: plain, or with colours, normals or texture coordinates; counts on the first line or below it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.meshes.mesh_text import bytes_of, numbers_in, plain_text, usual_text
from sinonom_cli.meshes.polygons import Ragged, bad_mesh, triangles_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEAD = re.compile(rb"\s*((?:ST)?C?N?4?OFF|off)")
"""First word of the file; ModelNet writes the counts directly after it."""


def read_off(path: Path, remarks: list[str] | None = None) -> "NDArray[np.float32]":
    """Read the faces of an OFF file, (F, 3, 3) float32; colours, normals and texture coordinates are ignored.

    Raises
    ------
    SinonomError
        If the file is not OFF, or holds more or fewer vertices and faces than it promises.
    """
    content = bytes_of(path)
    text = usual_text(content)
    head = None if text is None else _HEAD.match(text.data)
    if text is not None and head:
        from sinonom_cli.meshes.off_text import plain_lines

        points, corners, sizes, plain = plain_lines(text, head.end(), 4 if b"4" in head[1] else 3)
        if plain:
            points = _from_homogeneous(points) if b"4" in head[1] else points
            return triangles_of(path, points, Ragged(corners, sizes), remarks)
    return _read_any(path, plain_text(content.tobytes()), remarks)


def _read_any(path: Path, content: bytes, remarks: list[str] | None) -> "NDArray[np.float32]":
    """Read OFF of any form."""
    if b"#" in content:
        content = re.sub(rb"#[^\n]*", b"", content)
    head = _HEAD.match(content)
    if not head:
        raise bad_mesh(path, "not an OFF file")
    kind, content = head[1].upper(), content[head.end() :]
    if content.lstrip(b" \t")[:6].upper() == b"BINARY":
        raise bad_mesh(path, "binary OFF, which is not read; only OFF in text is")
    triangles = _plain_off(path, kind, content)
    if triangles is not None:
        return triangles
    counts, *body = [words for line in content.split(b"\n") if (words := line.split())] or [[]]
    try:
        vertex_count, face_count = int(counts[0]), int(counts[1])
        if min(vertex_count, face_count) < 0 or len(body) != vertex_count + face_count:
            raise bad_mesh(path, f"promises {vertex_count + face_count:,} vertices and faces, holds {len(body):,}")
        width = 4 if b"4" in kind else 3
        coordinates = b" ".join(word for words in body[:vertex_count] for word in words[:width])
        points = numbers_in(coordinates, width * vertex_count).reshape(-1, width)
        polygons = [[int(i) for i in words[1 : 1 + int(words[0])]] for words in body[vertex_count:]]
    except (ValueError, IndexError) as error:
        raise bad_mesh(path, f"cannot be read as OFF: {error}") from None
    if any(len(polygon) != int(words[0]) for polygon, words in zip(polygons, body[vertex_count:], strict=True)):
        raise bad_mesh(path, "a face is cut short")
    if width == 4:
        points = _from_homogeneous(points)
    return triangles_of(path, points, polygons, remarks)


def _from_homogeneous(points: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np

    with np.errstate(all="ignore"):
        return points[:, :3] / points[:, 3:]


def _plain_off(path: Path, kind: bytes, content: bytes) -> "NDArray[np.float32] | None":
    """Return the faces of an OFF file of triangles without colours; None for other files, valid or not."""
    try:
        *counts, body = content.split(None, 3)
        vertices, faces = int(counts[0]), int(counts[1])
        if kind != b"OFF" or min(vertices, faces) < 0:
            return None
        numbers = numbers_in(body, 3 * vertices + 4 * faces)
    except (ValueError, IndexError):
        return None
    points, corners = numbers[: 3 * vertices].reshape(-1, 3), numbers[3 * vertices :].reshape(-1, 4)
    if (corners[:, 0] != 3).any():
        return None
    return triangles_of(path, points, corners[:, 1:])
