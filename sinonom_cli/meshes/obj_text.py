"""Read the vertices and faces of Wavefront OBJ of the usual form in one pass (compiled); other forms are left to
`obj`."""

from typing import Any

import numba
import numpy as np

from sinonom_cli.meshes.decimals import is_space, number

MOST_INDEX = 10**15
"""Larger indices are left to `obj`, which refuses them."""


@numba.njit(cache=True)
def plain_lines(text: Any) -> Any:
    """Return the vertices and polygons of an OBJ file in the usual form.

    In the usual form, coordinates are plain numbers, indices are digits with or without a minus, and no line continues
    on the next one.

    Parameters
    ----------
    text : (N,) uint8.

    Returns
    -------
    points : (V, 3) float64.
    corners : (C,) int64, vertex indices of all polygons, counted from 0. Index 0 of the file, which is not allowed,
        becomes -1.
    sizes : (P,) int64, number of corners of each polygon.
    plain_points : False if a vertex has another form; `points` then mean nothing.
    plain_faces : False if a line or polygon has another form; the arrays then mean nothing.
    """
    end = len(text)
    points, corners = np.empty((end // 64 + 16, 3)), np.empty(end // 16 + 16, np.int64)
    sizes = np.empty(end // 48 + 16, np.int64)
    vertices = taken = polygons = at = 0
    plain_points = True
    while at < end:
        at = _skip_blanks(text, at)
        word = text[at] if at < end and (at + 1 == end or not _goes_on(text[at + 1])) else 0
        if word == 118 and at + 1 < end and _is_blank(text[at + 1]):
            if vertices == len(points):
                points = _larger(points)
            at += 1
            plain_points &= _is_vertex(text, at, points[vertices])
            vertices += 1
        elif word == 102:
            at, first = at + 1, taken
            while True:
                at = _skip_blanks(text, at)
                if at == end or _ends_line(text[at]):
                    break
                if taken == len(corners):
                    corners = _larger(corners)
                corners[taken], at = _corner(text, at, vertices)
                taken += 1
                if at < 0:
                    break
            if polygons == len(sizes):
                sizes = _larger(sizes)
            sizes[polygons] = taken - first
            polygons += 1
            if taken == first:
                at = -1
        elif word == 118 or (at < end and text[at] in (11, 12)):
            at = -1
        if at >= 0:
            at = _next_line(text, at)
        if at < 0:
            return points, corners, sizes, False, False
    return points[:vertices], corners[:taken], sizes[:polygons], plain_points, True


@numba.njit(cache=True)
def _is_blank(byte: int) -> bool:
    return byte in (9, 32)


@numba.njit(cache=True)
def _ends_line(byte: int) -> bool:
    """Return whether a line, or what counts of it, ends at a byte: at a line end or a comment."""
    return byte in (10, 13, 35)


@numba.njit(cache=True)
def _goes_on(byte: int) -> bool:
    """Return whether a word goes on with a byte: no white space, and no comment begins."""
    return not (is_space(byte) or byte == 35)


@numba.njit(cache=True)
def _skip_blanks(text: Any, at: int) -> int:
    end = len(text)
    while at < end and _is_blank(text[at]):
        at += 1
    return at


@numba.njit(cache=True)
def _next_line(text: Any, at: int) -> int:
    """Return where the line after byte `at` begins; -1 if this line continues on it."""
    end, last = len(text), 0
    while at < end and not _ends_line(text[at]):
        if not _is_blank(text[at]):
            last = text[at]
        at += 1
    if last == 92 and at < end and text[at] != 35:
        return -1
    while at < end and text[at] != 10 and text[at] != 13:
        at += 1
    return at + 1


@numba.njit(cache=True)
def _is_vertex(text: Any, at: int, point: Any) -> bool:
    """Write the three coordinates from byte `at` on to `point`; return whether they are plain numbers."""
    end = len(text)
    for k in range(3):
        at = _skip_blanks(text, at)
        point[k], at = number(text, at)
        if at < 0 or (at < end and _goes_on(text[at])):
            return False
    return True


@numba.njit(cache=True)
def _corner(text: Any, at: int, vertices: int) -> Any:
    """Return the vertex index at byte `at`, counted from 0, and the index after its word; -1 if it is no plain one."""
    end, negative, index = len(text), text[at] == 45, 0
    if negative:
        at += 1
    start = at
    while at < end and 48 <= text[at] <= 57 and index < MOST_INDEX:
        index = 10 * index + text[at] - 48
        at += 1
    if at == start or index >= MOST_INDEX or (at < end and _goes_on(text[at]) and text[at] != 47):
        return 0, -1
    while at < end and _goes_on(text[at]):  # indices of texture coordinates and normals
        if text[at] == 92:
            return 0, -1
        at += 1
    # Negative indices count back from the last vertex so far; -0 is 0, which is not allowed.
    return (vertices - index if negative and index else index - 1), at


@numba.njit(cache=True)
def _larger(values: Any) -> Any:
    """Return an array of twice the length that begins with the same values."""
    more = np.empty((2 * len(values), *values.shape[1:]), values.dtype)
    more[: len(values)] = values
    return more
