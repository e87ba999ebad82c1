"""Check polygons with any number of corners, and split them into triangles."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.stl import single_precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def bad_mesh(path: Path, reason: str) -> SinonomError:
    """Return the error that a user sees for a damaged or unusable mesh file."""
    return SinonomError(f"{path.name}: {reason}", "export or copy the mesh again")


def triangles_of(
    path: Path, vertices: Any, polygons: "Sequence[Any] | NDArray[Any]", remarks: list[str] | None = None
) -> "NDArray[np.float32]":
    """Split polygons into triangles: convex polygons into fans, concave ones along lines inside them.

    Parameters
    ----------
    vertices : (V, 3), anything that numpy converts to an array of numbers.
    polygons : arrays or lists of vertex indices, each (N,) with its own N; or one (P, N) array. Polygons with fewer
        than three corners are left out, if others remain.
    remarks : receives the number of polygons that were left out.

    Returns
    -------
    (F, 3, 3) float32; a mesh far from the origin is moved to the origin.

    Raises
    ------
    SinonomError
        If no polygon has three corners, or one names a vertex that does not exist.
    """
    import numpy as np

    points = np.asarray(vertices).reshape(-1, 3)
    by_size: dict[int, list[Any]] = {}
    if isinstance(polygons, np.ndarray):
        by_size[polygons.shape[1]] = [polygons]
    else:
        for polygon in polygons:
            by_size.setdefault(len(polygon), []).append(polygon)
    small = [size for size in by_size if size < 3]
    few = sum(len(by_size.pop(size)) for size in sorted(small))
    if few and not by_size:
        raise bad_mesh(path, f"a face has {max(small)} corners")
    if few and remarks is not None:
        remarks.append(f"{few:,} faces have fewer than three corners")
    parts = [np.zeros((0, 3), np.int64)]
    for corners, same in sorted(by_size.items()):
        faces = _checked(path, np.asarray(same).reshape(-1, corners), len(points))
        if corners > 3 and len(faces):
            from sinonom_cli.meshes.triangulate import split

            faces = split(points, faces)
        parts.append(faces)
    faces = np.concatenate(parts)
    if points.dtype != np.float32:
        used = np.zeros(len(points), bool)
        used[faces] = True
        points = single_precision(points, used)
    return points[faces]


def _checked(path: Path, numbers: "NDArray[Any]", vertices: int) -> "NDArray[np.int64]":
    """Return the vertex indices of faces as int64; refuse those that name no vertex of the mesh."""
    import numpy as np

    try:
        with np.errstate(invalid="ignore"):
            faces = numbers.astype(np.int64)
    except OverflowError:
        raise bad_mesh(path, "a face names a vertex by a number that is too large") from None
    if (faces != numbers).any():
        raise bad_mesh(path, "a face names a vertex by a number that is not whole")
    if faces.size and (faces.min() < 0 or faces.max() >= vertices):
        wrong = faces.min() if faces.min() < 0 else faces.max()
        raise bad_mesh(path, f"a face names vertex {wrong}, of {vertices:,} counted from 0")
    return faces
