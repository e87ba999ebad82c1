"""Split strips and fans into triangles: in their vertex lists, each vertex forms a triangle with two earlier ones."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def strip_triangles(named: "NDArray[Any]") -> "NDArray[np.int64]":
    """Return the triangles of a strip, (F, 3), all with the same winding; -1 ends a strip and begins another.

    Parameters
    ----------
    named : (N,) integers: vertex indices, or -1.
    """
    import numpy as np

    named = np.asarray(named).astype(np.int64)
    if len(named) < 3:
        return np.zeros((0, 3), np.int64)
    triangles = np.stack([named[:-2], named[1:-1], named[2:]], axis=1)
    breaks = np.flatnonzero(named == -1)
    # `begins` is where the strip of each triangle begins: every second triangle of a strip has its winding reversed.
    begins = np.zeros(len(named), np.int64)
    begins[breaks] = breaks + 1
    odd = (np.arange(len(triangles)) - np.maximum.accumulate(begins)[:-2]) % 2 == 1
    triangles[odd] = triangles[odd][:, [1, 0, 2]]
    # Strips are joined by naming a vertex twice; such triangles have no area.
    whole = (triangles != -1).all(axis=1) & (triangles[:, 0] != triangles[:, 1])
    whole &= (triangles[:, 1] != triangles[:, 2]) & (triangles[:, 0] != triangles[:, 2])
    return triangles[whole]


def fan_triangles(named: "NDArray[Any]") -> "NDArray[np.int64]":
    """Return the triangles of a fan around its first vertex, (F, 3)."""
    import numpy as np

    named = np.asarray(named).astype(np.int64)
    if len(named) < 3:
        return np.zeros((0, 3), np.int64)
    return np.stack([np.full(len(named) - 2, named[0]), named[1:-1], named[2:]], axis=1)
