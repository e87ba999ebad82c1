"""Check polygons with any number of corners, and split them into triangles."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Ragged:
    """Polygons with different numbers of corners.

    Attributes
    ----------
    corners : (C,) numbers, vertex indices of all polygons, one polygon after the other.
    sizes : (P,) int64, number of corners of each polygon; their sum is C.
    """

    corners: "NDArray[Any]"
    sizes: "NDArray[np.int64]"

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> "Iterator[NDArray[Any]]":
        """Yield the vertex indices of each polygon."""
        end = 0
        for size in self.sizes.tolist():
            end += size
            yield self.corners[end - size : end]


def bad_mesh(path: Path, reason: str) -> SinonomError:
    """Return the error that a user sees for a damaged or unusable mesh file."""
    return SinonomError(f"{path.name}: {reason}", "export or copy the mesh again")


def triangles_of(
    path: Path, vertices: Any, polygons: "Sequence[Any] | Ragged | NDArray[Any]", remarks: list[str] | None = None
) -> "NDArray[np.float32]":
    """Split polygons into triangles: convex polygons into fans, concave ones along lines inside them.

    Parameters
    ----------
    vertices : (V, 3), anything that numpy converts to an array of numbers.
    polygons : lists of vertex indices, each (N,) with its own N; or one (P, N) array. Polygons with fewer than three
        corners are left out, if others remain.
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

    from sinonom_cli.meshes.precision import single_precision

    points = np.asarray(vertices).reshape(-1, 3)
    faces, small = faces_of(path, points, polygons)
    note_small(path, len(faces), small, remarks)
    if points.dtype != np.float32:
        used = np.zeros(len(points), bool)
        used[faces] = True
        points = single_precision(points, used)
    return corners_of(points, faces)


def corners_of(points: "NDArray[np.float32]", faces: "NDArray[np.int64]") -> "NDArray[np.float32]":
    """Return the corners of triangles, (F, 3, 3) float32.

    Parameters
    ----------
    points : (V, 3) float32.
    faces : (F, 3) int64, vertex indices from 0 to V - 1.
    """
    import numpy as np

    from sinonom_cli.meshes.triangulate import gather

    out = np.empty((len(faces), 3, 3), np.float32)
    gather(np.ascontiguousarray(points), faces, out)
    return out


def faces_of(
    path: Path, points: "NDArray[Any]", polygons: "Sequence[Any] | Ragged | NDArray[Any]"
) -> "tuple[NDArray[np.int64], Counter[int]]":
    """Split polygons into triangles of vertex indices.

    Returns
    -------
    faces : (F, 3) int64, vertex indices from 0 to V - 1.
    small : numbers of polygons with fewer than three corners, by their number of corners; they are left out.

    Raises
    ------
    SinonomError
        If a polygon of at least three corners names a vertex that does not exist.
    """
    import numpy as np

    by_size = {polygons.shape[1]: polygons} if isinstance(polygons, np.ndarray) else _by_size(path, polygons)
    small = Counter({size: len(same) for size, same in by_size.items() if size < 3 and len(same)})
    parts = []
    for corners, same in sorted(by_size.items()):
        if corners < 3:
            continue
        faces = _whole(path, same)
        if faces.size and (faces.min() < 0 or faces.max() >= len(points)):
            wrong = faces.min() if faces.min() < 0 else faces.max()
            raise bad_mesh(path, f"a face names vertex {wrong}, of {len(points):,} counted from 0")
        if corners > 3 and len(faces):
            from sinonom_cli.meshes.triangulate import split

            faces = split(points, faces)
        parts.append(faces)
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros((0, 3), np.int64), *parts]), small


def note_small(path: Path, faces: int, small: "Counter[int]", remarks: list[str] | None) -> None:
    """Add to `remarks` how many polygons with fewer than three corners were left out of a mesh with `faces` triangles.

    Raises
    ------
    SinonomError
        If the mesh has no others.
    """
    if small and not faces:
        raise bad_mesh(path, f"a face has {max(small)} corners")
    if small and remarks is not None:
        remarks.append(f"{small.total():,} faces have fewer than three corners")


def _by_size(path: Path, polygons: "Sequence[Any] | Ragged") -> "dict[int, NDArray[Any]]":
    """Return polygons by their number of corners N, each (P, N), in their order; of small ones only how many there are
    is kept."""
    import numpy as np

    from sinonom_cli.meshes.triangulate import grouped

    if not isinstance(polygons, Ragged):
        sizes = np.fromiter(map(len, polygons), np.int64, len(polygons))
        polygons = Ragged(np.array([corner for polygon in polygons for corner in polygon]), sizes)
    corners, sizes = polygons.corners, polygons.sizes
    counts = np.bincount(sizes)
    by_size = {size: np.zeros((count, size), np.int64) for size, count in enumerate(counts[:3].tolist()) if count}
    if by_size:
        corners, sizes = corners[np.repeat(sizes >= 3, sizes)], sizes[sizes >= 3]
        counts[:3] = 0
    found = np.flatnonzero(counts).tolist()
    if len(found) > 1:
        starts = np.cumsum(counts * np.arange(len(counts))) - counts * np.arange(len(counts))
        corners = grouped(_whole(path, corners), sizes, starts)
    begin = 0
    for size in found:
        end = begin + size * int(counts[size])
        by_size[size] = corners[begin:end].reshape(-1, size)
        begin = end
    return by_size


def _whole(path: Path, numbers: "NDArray[Any]") -> "NDArray[np.int64]":
    """Return vertex indices as int64, contiguous; refuse those that are not whole."""
    import numpy as np

    if numbers.dtype == np.int64:
        return np.ascontiguousarray(numbers)
    try:
        with np.errstate(invalid="ignore"):
            faces = np.ascontiguousarray(numbers.astype(np.int64))
    except OverflowError:
        raise bad_mesh(path, "a face names a vertex by a number that is too large") from None
    if not (numbers.dtype.kind in "iu" and numbers.dtype.itemsize < 8) and (faces != numbers).any():
        raise bad_mesh(path, "a face names a vertex by a number that is not whole")
    return faces
