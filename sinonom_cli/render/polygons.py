"""Polygons into triangles, and the two text formats that list polygons: OBJ and OFF."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.artifacts.stl import numbers_in, single_precision
from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def bad_mesh(path: Path, reason: str) -> SinonomError:
    """Return the user's error for a mesh file that is not what it should be."""
    return SinonomError(f"{path.name}: {reason}", "export or copy the mesh again")


def triangles_of(path: Path, vertices: Any, polygons: "Sequence[Any] | NDArray[Any]") -> "NDArray[np.float32]":
    """Split polygons into fans of triangles.

    Parameters
    ----------
    vertices : (V, 3), anything that makes an array of numbers.
    polygons : arrays or lists of vertex indices, each (N,) with its own N >= 3; or one (P, N) array.

    Returns
    -------
    (F, 3, 3) float32; if the mesh lies far from the origin, moved to it.

    Raises
    ------
    SinonomError
        If a polygon has fewer than three corners or names a vertex that does not exist.
    """
    import numpy as np

    points = single_precision(vertices).reshape(-1, 3)
    by_size: dict[int, list[Any]] = {}
    if isinstance(polygons, np.ndarray):
        by_size[polygons.shape[1]] = [polygons]
    else:
        for polygon in polygons:
            by_size.setdefault(len(polygon), []).append(polygon)
    soups = [np.zeros((0, 3, 3), np.float32)]
    for corners, same in sorted(by_size.items()):
        if corners < 3:
            raise bad_mesh(path, f"a face has {corners} corners")
        numbers = np.asarray(same).reshape(-1, corners)
        with np.errstate(invalid="ignore"):
            faces = numbers.astype(np.int64)
        if (faces != numbers).any():
            raise bad_mesh(path, "a face names a vertex by what is no whole number")
        if faces.size and (faces.min() < 0 or faces.max() >= len(points)):
            wrong = faces.min() if faces.min() < 0 else faces.max()
            raise bad_mesh(path, f"a face names vertex {wrong}, of {len(points):,} counted from 0")
        for k in range(1, corners - 1):
            soups.append(points[faces[:, (0, k, k + 1)]])
    return np.concatenate(soups)


def read_obj(path: Path) -> "NDArray[np.float32]":
    """Read the faces of a Wavefront OBJ file, (F, 3, 3) float32; indices may be negative, faces may have any size.

    Raises
    ------
    SinonomError
        If a number cannot be read, or a face names a vertex that does not exist.
    """
    content = path.read_bytes()
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    content = content.replace(b"\\\n", b" ")
    try:
        vertices = re.findall(rb"^v[ \t]+(\S+[ \t]+\S+[ \t]+\S+)", content, re.MULTILINE)
        if len(vertices) != len(re.findall(rb"^v[ \t]", content, re.MULTILINE)):
            raise ValueError("a vertex has not three coordinates")
        points = numbers_in(b" ".join(vertices), 3 * len(vertices)).reshape(-1, 3)
        plain = _plain_triangles(content)
        polygons = _polygons(content) if plain is None else plain
    except ValueError as error:
        raise bad_mesh(path, f"cannot be read as OBJ: {error}") from None
    return triangles_of(path, points, polygons)


def _plain_triangles(content: bytes) -> "NDArray[np.int64] | None":
    """Return an OBJ file's faces, (F, 3), counted from 0; None if some are no triangles or count backwards."""
    import numpy as np

    faces = re.findall(rb"^f[ \t]+(.*)", content, re.MULTILINE)
    text = b"\n".join(faces)
    if b"/" in text:
        text = re.sub(rb"/\S*", b"", text)
    triangles = re.findall(rb"^(\d+[ \t]+\d+[ \t]+\d+)[ \t]*$", text, re.MULTILINE)
    if len(triangles) != len(faces):
        return None
    # 0, which no face may name, becomes -1 and is refused.
    return numbers_in(b" ".join(triangles), 3 * len(triangles)).astype(np.int64).reshape(-1, 3) - 1


def _polygons(content: bytes) -> list[list[int]]:
    """Return an OBJ file's faces, counted from 0, line by line."""
    polygons, vertices = [], 0
    for line in content.splitlines():
        if line[:2] in (b"v ", b"v\t"):
            vertices += 1
        elif line[:2] in (b"f ", b"f\t"):
            named = [int(corner.partition(b"/")[0]) for corner in line.split()[1:]]
            # Negative ones count back from the last vertex so far.
            polygons.append([i + vertices if i < 0 else i - 1 for i in named])
    return polygons


def read_off(path: Path) -> "NDArray[np.float32]":
    """Read the faces of an OFF file, (F, 3, 3) float32; colours are ignored.

    Raises
    ------
    SinonomError
        If it is no OFF file, or holds more or fewer vertices and faces than it promises.
    """
    content = path.read_bytes()
    triangles = _plain_off(path, content)
    if triangles is not None:
        return triangles
    lines = [words for line in content.splitlines() if (words := line.partition(b"#")[0].split())]
    if not lines or not lines[0][0].endswith(b"OFF"):
        raise bad_mesh(path, "not an OFF file")
    counts = lines[0][1:] or (lines[1] if len(lines) > 1 else [])
    body = lines[1:] if lines[0][1:] else lines[2:]
    try:
        vertex_count, face_count = int(counts[0]), int(counts[1])
        if min(vertex_count, face_count) < 0 or len(body) != vertex_count + face_count:
            raise bad_mesh(path, f"promises {vertex_count + face_count:,} vertices and faces, holds {len(body):,}")
        coordinates = b" ".join(word for words in body[:vertex_count] for word in words[:3])
        points = numbers_in(coordinates, 3 * vertex_count).reshape(-1, 3)
        polygons = [[int(i) for i in words[1 : 1 + int(words[0])]] for words in body[vertex_count:]]
    except (ValueError, IndexError) as error:
        raise bad_mesh(path, f"cannot be read as OFF: {error}") from None
    if any(len(polygon) != int(words[0]) for polygon, words in zip(polygons, body[vertex_count:], strict=True)):
        raise bad_mesh(path, "a face is cut short")
    return triangles_of(path, points, polygons)


def _plain_off(path: Path, content: bytes) -> "NDArray[np.float32] | None":
    """Return the faces of an OFF file of triangles without colours; None if it is another, or not in order."""
    if b"#" in content:
        content = re.sub(rb"#[^\r\n]*", b"", content)
    try:
        name, *counts, body = content.split(None, 4)
        vertices, faces = int(counts[0]), int(counts[1])
        numbers = numbers_in(body, 3 * vertices + 4 * faces)
    except (ValueError, IndexError):
        return None
    points, corners = numbers[: 3 * vertices].reshape(-1, 3), numbers[3 * vertices :].reshape(-1, 4)
    if name != b"OFF" or (corners[:, 0] != 3).any():
        return None
    return triangles_of(path, points, corners[:, 1:])
