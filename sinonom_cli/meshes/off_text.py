"""Read the vertices and faces of OFF in the usual form in one pass (compiled); other forms are left to `off`."""

from typing import Any

import numba
import numpy as np

from sinonom_cli.meshes.decimals import number

LEAST_LINE = 2
"""Smallest number of bytes of a line that is not blank."""


@numba.njit(cache=True)
def plain_lines(text: Any, at: int, width: int) -> Any:
    """Return the vertices and polygons of an OFF file in the usual form: a line for each, and plain numbers.

    Parameters
    ----------
    text : (N,) uint8.
    at : index of the byte after the first word, which says what the file has.
    width : number of coordinates of a vertex.

    Returns
    -------
    points : (V, width) float64.
    corners : (C,) int64, vertex indices of all polygons.
    sizes : (P,) int64, number of corners of each polygon.
    plain : False if the file has another form; the arrays then mean nothing.
    """
    end = len(text)
    vertices, at = _whole(text, _next_word(text, at, True))
    faces, at = _whole(text, _next_word(text, at, False))
    at = _next_line(text, at)
    room = end // LEAST_LINE + 1
    if at < 0 or vertices + faces > room:
        return np.empty((0, width)), np.empty(0, np.int64), np.empty(0, np.int64), False
    points, sizes = np.empty((vertices, width)), np.empty(faces, np.int64)
    corners, taken = np.empty(3 * faces + 16, np.int64), 0
    for v in range(vertices):
        at = _next_word(text, at, True)
        for k in range(width):
            at = _next_word(text, at, False)
            if at < 0:
                break
            points[v, k], at = number(text, at)
            if at < 0 or (at < end and _goes_on(text[at])):
                at = -1
                break
        at = _next_line(text, at)
        if at < 0:
            return points, corners, sizes, False
    for f in range(faces):
        size, at = _whole(text, _next_word(text, at, True))
        if size > end:
            at = -1
        sizes[f] = size
        while at >= 0 and taken + size > len(corners):
            more = np.empty(2 * len(corners), np.int64)
            more[:taken] = corners[:taken]
            corners = more
        for _ in range(size if at >= 0 else 0):
            corner, at = _whole(text, _next_word(text, at, False))
            if at < 0:
                break
            corners[taken] = corner
            taken += 1
        at = _next_line(text, at)
        if at < 0:
            return points, corners, sizes, False
    return points, corners[:taken], sizes, _next_word(text, at, True) == end


@numba.njit(cache=True)
def _goes_on(byte: int) -> bool:
    """Return whether a word goes on with a byte: no white space, and no comment begins."""
    return not (byte == 32 or 9 <= byte <= 13 or byte == 35)


@numba.njit(cache=True)
def _next_word(text: Any, at: int, over_lines: bool) -> int:
    """Return the index of the next word; -1 stays, and is returned at a line's end unless `over_lines`.

    At the end of the text it is the text's length if `over_lines`.
    """
    end = len(text)
    while 0 <= at < end and not _goes_on(text[at]):
        if text[at] in (10, 13, 35):
            if not over_lines:
                return -1
            at = _next_line(text, at)
        else:
            at += 1
    return -1 if at >= end and not over_lines else min(at, end)


@numba.njit(cache=True)
def _next_line(text: Any, at: int) -> int:
    """Return where the line after byte `at` begins; -1 stays."""
    end = len(text)
    if at < 0:
        return -1
    while at < end and text[at] != 10 and text[at] != 13:
        at += 1
    return min(at + 1, end)


@numba.njit(cache=True)
def _whole(text: Any, at: int) -> Any:
    """Return the whole number at byte `at`, at most 15 digits without a sign, and the index after it, or -1."""
    end, start, value = len(text), at, 0
    while 0 <= at < end and at - start < 15 and 48 <= text[at] <= 57:
        value = 10 * value + text[at] - 48
        at += 1
    if at < 0 or at == start or (at < end and _goes_on(text[at])):
        return 0, -1
    return value, at
