"""Read ASCII STL of the usual form in one pass over the file's bytes (compiled); other forms are left to `stl`."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sinonom_cli.meshes.decimals import is_space, number
from sinonom_cli.meshes.precision import far_middle

LEAST_FACET = 80
"""Smallest number of bytes that a facet takes: its words, nine digits and a byte of white space after each."""


def _word(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


_SOLID, _END_SOLID, _FACET, _NORMAL = _word("solid"), _word("endsolid"), _word("facet"), _word("normal")
_OUTER, _LOOP, _VERTEX, _END_LOOP, _END_FACET = map(_word, ("outer", "loop", "vertex", "endloop", "endfacet"))


def plain_facets(text: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return the triangles of an ASCII STL file, (F, 3, 3) float32; None if it is not of the usual form.

    In the usual form, each facet has all its words and three vertices of plain numbers, and no solid's name contains
    `facet`. Normals are not read. A mesh far from the origin is moved to the origin before its coordinates are rounded.

    Parameters
    ----------
    text : (N,) uint8, the file.
    """
    out = np.empty((len(text) // LEAST_FACET + 1, 3, 3), np.float32)
    count, low, high = _facets(text, np.zeros(3), out)
    if count < 0:
        return None
    middle = far_middle(low, high)
    if middle is not None:
        _facets(text, middle, out)
    return out[:count].copy() if count < 0.9 * len(out) else out[:count]


@numba.njit(cache=True)
def _facets(text: Any, origin: Any, out: Any) -> Any:
    """Write the triangles, less `origin`, to `out`; return their number and the box of the finite vertices.

    The number is -1 if the text is not of the usual form, or has more triangles than `out`.
    """
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    count, at, end = 0, _skip(text, 0), len(text)
    while at >= 0:
        if at == end:
            return count, low, high
        first = text[at] | 32
        if first == 115:
            at = _named(text, at, _SOLID)
            continue
        if first == 101:
            at = _named(text, at, _END_SOLID)
            continue
        if count == len(out):
            break
        at = _after(text, _after(text, at, _FACET), _NORMAL)
        for _ in range(3):
            at = _skip(text, _over(text, at))
        at = _after(text, _after(text, at, _OUTER), _LOOP)
        for corner in range(3):
            at = _after(text, at, _VERTEX)
            if at < 0:
                break
            x, at = number(text, at)
            at = _separated(text, at)
            y, at = number(text, at) if at >= 0 else (0.0, at)
            at = _separated(text, at)
            z, at = number(text, at) if at >= 0 else (0.0, at)
            at = _separated(text, at)
            if at < 0:
                break
            if abs(x) < np.inf and abs(y) < np.inf and abs(z) < np.inf:
                low[0], low[1], low[2] = min(low[0], x), min(low[1], y), min(low[2], z)
                high[0], high[1], high[2] = max(high[0], x), max(high[1], y), max(high[2], z)
            out[count, corner, 0] = x - origin[0]
            out[count, corner, 1] = y - origin[1]
            out[count, corner, 2] = z - origin[2]
        at = _after(text, _after(text, at, _END_LOOP), _END_FACET)
        count += 1
    return -1, low, high


@numba.njit(cache=True)
def _skip(text: Any, at: int) -> int:
    """Return the index of the next byte that is not white space; -1 stays."""
    end = len(text)
    while 0 <= at < end and is_space(text[at]):
        at += 1
    return at


@numba.njit(cache=True)
def _over(text: Any, at: int) -> int:
    """Return the index after a word without reading it; -1 stays, and is returned where there is no word."""
    end, start = len(text), at
    while 0 <= at < end and not is_space(text[at]):
        at += 1
    return at if at > start else -1


@numba.njit(cache=True)
def _separated(text: Any, at: int) -> int:
    """Return the index of the next word; -1 if there is no white space at byte `at`, which may be -1."""
    return _skip(text, at) if 0 <= at < len(text) and is_space(text[at]) else -1


@numba.njit(cache=True)
def _after(text: Any, at: int, word: Any) -> int:
    """Return the index of what follows a keyword at byte `at`, in any letters; -1 if another word is there."""
    if at < 0 or at + len(word) > len(text):
        return -1
    for k in range(len(word)):
        if text[at + k] | 32 != word[k]:
            return -1
    at += len(word)
    return at if at == len(text) else _separated(text, at)


@numba.njit(cache=True)
def _named(text: Any, at: int, word: Any) -> int:
    """Return the index of what follows a line that begins with a keyword and a solid's name.

    It is -1 if there is another word, if the word does not begin its line, or if the name contains `facet`.
    """
    end, before, begin = len(text), at - 1, at
    while before >= 0 and (text[before] == 32 or text[before] == 9):
        before -= 1
    if before >= 0 and text[before] != 10 and text[before] != 13:
        return -1
    at += len(word)
    if _after(text, begin, word) < 0:
        return -1
    while at < end and text[at] != 10 and text[at] != 13:
        if _after(text, at, _FACET) >= 0:
            return -1
        at += 1
    return _skip(text, at)
