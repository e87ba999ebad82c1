"""Split polygons into triangles, concave ones too, by cutting off ears in the polygon's own plane (compiled).

Polygons of several sizes are put together by size before, and corners are looked up afterwards.
"""

from typing import Any

import numba
import numpy as np

FLAT = 1e-7
"""Largest inward turn of a corner that still counts as straight, as a share of the polygon's doubled area: rounding."""

PATIENCE = 100_000
"""Largest number of corner checks for each corner of a polygon; after that, ears are cut without checking."""


@numba.njit(cache=True)
def gather(points: Any, faces: Any, out: Any) -> None:
    """Write the corners of triangles to `out`.

    Parameters
    ----------
    points : (V, 3) float32.
    faces : (F, 3) int64 vertex indices, each below V.
    out : (F, 3, 3) float32.
    """
    for f in range(faces.shape[0]):
        for k in range(3):
            v = faces[f, k]
            out[f, k, 0], out[f, k, 1], out[f, k, 2] = points[v, 0], points[v, 1], points[v, 2]


@numba.njit(cache=True)
def grouped(corners: Any, sizes: Any, starts: Any) -> Any:
    """Return the corners of polygons, those of the smallest polygons first, else in their order.

    Parameters
    ----------
    corners : (C,) int64, corners of all polygons.
    sizes : (P,) int64, number of corners of each.
    starts : (N,) int64, place of the first corner of the polygons of each size.

    Returns
    -------
    (C,) int64.
    """
    out, places, at = np.empty_like(corners), starts.copy(), 0
    for size in sizes:
        place = places[size]
        for k in range(size):
            out[place + k] = corners[at + k]
        at, places[size] = at + size, place + size
    return out


@numba.njit(cache=True)
def split(points: Any, polygons: Any) -> Any:
    """Return the triangles of polygons with equally many corners.

    A convex polygon becomes the fan around its first corner. A concave one is reduced ear by ear. A polygon that
    crosses itself or has no area still gives the same number of triangles.

    Parameters
    ----------
    points : (V, 3) float.
    polygons : (P, N) int64 vertex indices, N >= 3, each below V.

    Returns
    -------
    (P * (N - 2), 3) int64; triangles have the winding of their polygon.
    """
    count, corners = polygons.shape
    out = np.empty((count * (corners - 2), 3), np.int64)
    flat = np.empty((corners, 2))
    at = 0
    for p in range(count):
        polygon = polygons[p]
        normal = _area_vector(points, polygon) if corners > 3 else (0.0, 0.0, 0.0)
        if _is_convex(points, polygon, normal):
            for k in range(1, corners - 1):
                out[at, 0], out[at, 1], out[at, 2] = polygon[0], polygon[k], polygon[k + 1]
                at += 1
        else:
            _flatten(points, polygon, normal, flat)
            at = _cut_ears(polygon, flat, out, at)
    return out


@numba.njit(cache=True)
def _area_vector(points: Any, polygon: Any) -> Any:
    """Return the normal of a polygon, as long as twice its area (Newell 1972)."""
    nx = ny = nz = bx = by = bz = 0.0
    for i in range(1, len(polygon)):
        ax, ay, az = bx, by, bz
        bx, by, bz = _side(points, polygon[0], polygon[i])
        nx, ny, nz = nx + ay * bz - az * by, ny + az * bx - ax * bz, nz + ax * by - ay * bx
    return nx, ny, nz


@numba.njit(cache=True)
def _is_convex(points: Any, polygon: Any, normal: Any) -> bool:
    """Return whether no corner of a polygon turns inwards, seen along its normal; True for a polygon without area."""
    nx, ny, nz = normal
    square, corners = nx * nx + ny * ny + nz * nz, len(polygon)
    if corners == 3 or not 0.0 < square < np.inf:
        return True
    least = -FLAT * square
    ux, uy, uz = _side(points, polygon[corners - 2], polygon[corners - 1])
    for i in range(corners):
        vx, vy, vz = _side(points, polygon[i - 1], polygon[i])
        if (uy * vz - uz * vy) * nx + (uz * vx - ux * vz) * ny + (ux * vy - uy * vx) * nz < least:
            return False
        ux, uy, uz = vx, vy, vz
    return True


@numba.njit(cache=True)
def _side(points: Any, a: int, b: int) -> Any:
    """Return the vector from one vertex to another, in double precision."""
    return (
        float(points[b, 0]) - float(points[a, 0]),
        float(points[b, 1]) - float(points[a, 1]),
        float(points[b, 2]) - float(points[a, 2]),
    )


@numba.njit(cache=True)
def _flatten(points: Any, polygon: Any, normal: Any, flat: Any) -> None:
    """Write the coordinates of a polygon's corners in its own plane to `flat`, (N, 2), seen counter-clockwise."""
    nx, ny, nz = normal
    length = np.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx / length, ny / length, nz / length
    # Choose any direction across the normal, starting from the axis least parallel to the normal.
    if abs(nx) <= abs(ny) and abs(nx) <= abs(nz):
        ux, uy, uz = 0.0, nz, -ny
    elif abs(ny) <= abs(nz):
        ux, uy, uz = -nz, 0.0, nx
    else:
        ux, uy, uz = ny, -nx, 0.0
    length = np.sqrt(ux * ux + uy * uy + uz * uz)
    ux, uy, uz = ux / length, uy / length, uz / length
    vx, vy, vz = ny * uz - nz * uy, nz * ux - nx * uz, nx * uy - ny * ux
    for i in range(len(polygon)):
        x, y, z = _side(points, polygon[0], polygon[i])
        flat[i, 0], flat[i, 1] = x * ux + y * uy + z * uz, x * vx + y * vy + z * vz


@numba.njit(cache=True)
def _turn(flat: Any, a: int, b: int, c: int) -> float:
    """Return twice the area of a triangle, positive if it turns counter-clockwise."""
    return (flat[b, 0] - flat[a, 0]) * (flat[c, 1] - flat[a, 1]) - (flat[b, 1] - flat[a, 1]) * (flat[c, 0] - flat[a, 0])


@numba.njit(cache=True)
def _cut_ears(polygon: Any, flat: Any, out: Any, at: int) -> int:
    """Write the triangles of a polygon to `out` from row `at` on, ear by ear; return the row after the last.

    If no corner is an ear, as in a polygon that crosses itself, the next corner that turns outwards is cut off, or else
    any corner.
    """
    corners = len(polygon)
    after, before = np.empty(corners, np.int64), np.empty(corners, np.int64)
    for i in range(corners):
        after[i], before[i] = (i + 1) % corners, (i - 1) % corners
    left, tried, i, looked = corners, 0, 1, 0
    while left > 3:
        looked += left
        careless = tried >= left or looked > PATIENCE * corners
        if tried >= 2 * left or _is_ear(flat, before, after, i, careless):
            out[at, 0], out[at, 1], out[at, 2] = polygon[before[i]], polygon[i], polygon[after[i]]
            at += 1
            after[before[i]], before[after[i]] = after[i], before[i]
            left, tried = left - 1, 0
            # Go to the corner after next: cutting ears in turn around the polygon avoids slivers around one corner.
            i = after[after[i]]
        else:
            tried, i = tried + 1, after[i]
    out[at, 0], out[at, 1], out[at, 2] = polygon[before[i]], polygon[i], polygon[after[i]]
    return at + 1


@numba.njit(cache=True)
def _is_ear(flat: Any, before: Any, after: Any, i: int, careless: bool) -> bool:
    """Return whether corner i turns outwards and, unless `careless`, its triangle holds no other corner."""
    a, c = before[i], after[i]
    if _turn(flat, a, i, c) < 0.0:
        return False
    if careless:
        return True
    k = after[c]
    while k != a:
        # Only a corner that turns inwards can lie in an ear; a corner at the same place, as where a hole is joined,
        # does not count.
        if _turn(flat, before[k], k, after[k]) <= 0.0 and not (
            _same(flat, k, a) or _same(flat, k, i) or _same(flat, k, c)
        ):
            inside = _turn(flat, a, i, k) >= 0.0 and _turn(flat, i, c, k) >= 0.0 and _turn(flat, c, a, k) >= 0.0
            if inside:
                return False
        k = after[k]
    return True


@numba.njit(cache=True)
def _same(flat: Any, a: int, b: int) -> bool:
    return flat[a, 0] == flat[b, 0] and flat[a, 1] == flat[b, 1]
