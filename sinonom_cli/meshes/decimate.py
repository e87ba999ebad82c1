"""Reduce a mesh to few faces, so that it can be sent over a network and turned on a small screen.

The method is vertex clustering with quadric error metrics (Lindstrom 2000, "Out-of-core simplification of large
polygonal models", SIGGRAPH, equations 3 to 5): the vertices in each cell of a grid become one, at the point from which
the squared distances to the planes of the faces around them, weighted by the faces' areas, are least. It takes time
proportional to the number of faces and works for meshes of any kind, also torn ones.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-3
"""Weight of the cell's mean vertex against the planes, as a share of the trace of the quadric; flat cells need it."""
ROUNDS = 6
"""Largest number of grids that are tried to come near the number of faces wanted."""


def welded(triangles: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the vertices (V, 3) float32 and faces (F, 3) int64 of (F, 3, 3) float32 triangles; equal corners are one.

    Faces with two equal corners are left out.
    """
    corners = np.ascontiguousarray(triangles.reshape(-1, 3)) + np.float32(0)  # -0 becomes 0
    keys = corners.view(np.dtype((np.void, 12))).ravel()
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    return corners[first], _proper(number.reshape(-1, 3).astype(np.int64))


def decimated(
    vertices: NDArray[np.float32], faces: NDArray[np.int64], most: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return a mesh with at most `most` faces that looks like the given one.

    Parameters
    ----------
    vertices, faces : (V, 3) float32 and (F, 3) int64, from `welded`.
    most : largest number of faces, at least 12.

    Returns
    -------
    (V', 3) float32 and (F', 3) int64. A mesh that is small enough is returned as it is.
    """
    if len(faces) <= most:
        return vertices, faces
    low, high = vertices.min(axis=0).astype(np.float64), vertices.max(axis=0).astype(np.float64)
    widest = float((high - low).max()) or 1.0
    # A surface crosses about as many cells as its two longer sides have; each cell gives two faces.
    area = float(np.prod(np.sort(high - low)[1:])) or widest**2
    cell, best = math.sqrt(2 * area / most), None
    for _ in range(ROUNDS):
        found = _clustered(vertices, faces, low, cell)
        if len(found[1]) <= most:
            best = found
            if len(found[1]) >= 0.8 * most:
                break
        cell *= math.sqrt(max(len(found[1]), 1) / (0.9 * most))
    while best is None:
        cell *= 1.5
        found = _clustered(vertices, faces, low, cell)
        best = found if len(found[1]) <= most else None
    return best


def _clustered(
    vertices: NDArray[np.float32], faces: NDArray[np.int64], low: NDArray[np.float64], cell: float
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Join the vertices of each cell of a grid."""
    place = np.floor((vertices - low) / cell).astype(np.int64)
    sizes = place.max(axis=0) + 1
    flat = (place[:, 0] * sizes[1] + place[:, 1]) * sizes[2] + place[:, 2]
    _, number = np.unique(flat, return_inverse=True)
    number = number.ravel()
    count = int(number.max()) + 1
    points = _representatives(vertices.astype(np.float64), faces, number, count, cell)
    joined = _proper(number[faces])
    # Two sheets of one surface may fall together: each face is kept once.
    _, once = np.unique(np.sort(joined, axis=1), axis=0, return_index=True)
    joined = joined[np.sort(once)]
    used, renumbered = np.unique(joined, return_inverse=True)
    return points[used].astype(np.float32), renumbered.reshape(-1, 3).astype(np.int64)


def _representatives(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], number: NDArray[np.int64], count: int, cell: float
) -> NDArray[np.float64]:
    """Return the point of each cluster, (count, 3), that is nearest to the planes of the faces at its vertices."""
    sizes = np.bincount(number, minlength=count)
    mean = np.stack([np.bincount(number, vertices[:, k], count) for k in range(3)], axis=1) / sizes[:, None]
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    # The normal has twice the length of the face's area: the plane's squared distance is weighted by the area squared.
    quadric = np.zeros((count, 3, 3))
    force = np.zeros((count, 3))
    for k in range(3):
        cluster = number[faces[:, k]]
        offset = ((a - mean[cluster]) * normals).sum(axis=1)
        for i in range(3):
            force[:, i] += np.bincount(cluster, normals[:, i] * offset, count)
            for j in range(i, 3):
                quadric[:, i, j] += np.bincount(cluster, normals[:, i] * normals[:, j], count)
    for i, j in ((1, 0), (2, 0), (2, 1)):
        quadric[:, i, j] = quadric[:, j, i]
    trace = np.trace(quadric, axis1=1, axis2=2)
    quadric += (RIDGE * trace + 1e-30)[:, None, None] * np.eye(3)
    return mean + np.clip(_solved(quadric, force), -cell, cell)


def _solved(matrices: NDArray[np.float64], sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve (N, 3, 3) symmetric systems by Cramer's rule; the bytes of LAPACK's results differ between machines."""
    a, b, c = (matrices[:, k] for k in range(3))
    adjugate = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    determinant = (a * adjugate[:, 0]).sum(axis=1)
    return np.asarray((adjugate * sides[:, :, None]).sum(axis=1) / determinant[:, None])


def _proper(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the faces whose three corners differ."""
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (c != a)]
