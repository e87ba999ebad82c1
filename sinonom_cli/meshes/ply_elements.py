"""Read the elements of a PLY file's body: records of numbers and lists.

Lists make a record's length depend on its content. Nearly always, all records of an element have the same length, and
the element is one numpy array. Otherwise compiled loops go from record to record.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sinonom_cli.meshes.polygons import Ragged, bad_mesh

_KINDS = {"u": 0, "i": 1, "f": 2}


@dataclass
class Element:
    """An element of the file. A property is (name, type, type of its count or "" if it is not a list)."""

    name: str
    count: int
    properties: list[tuple[str, str, str]] = field(default_factory=list)


def read_element(path: Path, element: Element, body: NDArray[np.uint8], at: int) -> tuple[dict[str, Any], int]:
    """Read the element that begins at byte `at`.

    Returns
    -------
    found : properties by name: (count,) arrays, and for lists (count, N) arrays or `Ragged`. Arrays may be views of
        `body`.
    end : index of the byte after the element.

    Raises
    ------
    SinonomError
        If the body ends before the element.
    ValueError
        If a list has fewer than 0 values.
    """
    if not element.count or not element.properties:
        return {}, at
    if element.count > len(body) - at:  # each record has a byte or more
        raise _cut_short(path, element)
    sizes = _first_sizes(path, element, body, at)
    fields: list[Any] = []
    for (name, type_, count_type), size in zip(element.properties, sizes, strict=True):
        fields += [(f"{name} count", count_type), (name, type_, (size,))] if count_type else [(name, type_)]
    record = np.dtype(fields)
    end = at + record.itemsize * element.count
    if end <= len(body):
        records = np.frombuffer(body, record, element.count, at)
        lists = [(name, size) for (name, _, c), size in zip(element.properties, sizes, strict=True) if c]
        if all((records[f"{name} count"] == size).all() for name, size in lists):
            return {name: records[name] for name, _, _ in element.properties}, end
    elif not any(count_type for _, _, count_type in element.properties):
        raise _cut_short(path, element)
    return _walk(path, element, body, at)


def _first_sizes(path: Path, element: Element, body: NDArray[np.uint8], at: int) -> list[int]:
    """Return the number of values that each property of the element's first record has."""
    sizes = []
    for _, type_, count_type in element.properties:
        size = 1
        if count_type:
            if at + int(count_type[-1]) > len(body):
                raise _cut_short(path, element)
            size, at = int(np.frombuffer(body, count_type, 1, at)[0]), at + int(count_type[-1])
            if size < 0:
                raise ValueError(f"a list has {size} values")
        at += size * int(type_[-1])
        sizes.append(size)
    return sizes


def _walk(path: Path, element: Element, body: NDArray[np.uint8], at: int) -> tuple[dict[str, Any], int]:
    """Read an element whose records have different lengths."""
    types = [(np.dtype(type_), np.dtype(count or "u1"), bool(count)) for _, type_, count in element.properties]
    layout = np.array([[t.itemsize, c.itemsize if is_list else 0, _KINDS[c.kind]] for t, c, is_list in types])
    backwards = any(t.str[0] == ">" or c.str[0] == ">" for t, c, _ in types)
    totals, end = _measured(body, at, element.count, layout, backwards)
    if end < 0:
        raise _cut_short(path, element)
    found: dict[str, Any] = {}
    for p, (name, type_, count_type) in enumerate(element.properties):
        values, sizes = np.empty(totals[p] * layout[p, 0], np.uint8), np.empty(element.count, np.int64)
        _collect(body, at, layout, backwards, p, values, sizes)
        found[name] = Ragged(values.view(type_), sizes) if count_type else values.view(type_)
    return found, end


@numba.njit(cache=True)
def _measured(body: Any, at: int, count: int, layout: Any, backwards: bool) -> Any:
    """Return how many values each property has in all records, (P,) int64, and where the element ends; -1: cut short.

    Parameters
    ----------
    body : (N,) uint8.
    layout : (P, 3) int64, for each property the bytes of a value, the bytes of its count (0 if it is not a list), and
        the kind of its count (see `_KINDS`).
    backwards : whether numbers begin with their highest byte.
    """
    totals, end = np.zeros(layout.shape[0], np.int64), len(body)
    for _ in range(count):
        for p in range(layout.shape[0]):
            size = 1
            if layout[p, 1]:
                if at + layout[p, 1] > end:
                    return totals, -1
                size = _size(body, at, layout[p, 1], layout[p, 2], backwards)
                at += layout[p, 1]
            if size < 0 or size > end - at or at + size * layout[p, 0] > end:
                return totals, -1
            at += size * layout[p, 0]
            totals[p] += size
    return totals, at


@numba.njit(cache=True)
def _collect(body: Any, at: int, layout: Any, backwards: bool, wanted: int, values: Any, sizes: Any) -> None:
    """Write the bytes of property `wanted` of each record to `values`, one after the other, and their numbers to
    `sizes`."""
    place = 0
    for record in range(len(sizes)):
        for p in range(layout.shape[0]):
            size = 1
            if layout[p, 1]:
                size = _size(body, at, layout[p, 1], layout[p, 2], backwards)
                at += layout[p, 1]
            length = size * layout[p, 0]
            if p == wanted:
                sizes[record] = size
                for k in range(length):
                    values[place + k] = body[at + k]
                place += length
            at += length


@numba.njit(cache=True)
def _size(body: Any, at: int, width: int, kind: int, backwards: bool) -> Any:
    """Return the whole part of a number of `width` bytes; -1 for NaN and for numbers beyond 2**62."""
    if width == 1 and kind == 0:
        return np.int64(body[at])
    bits = np.uint64(0)
    for k in range(width):
        bits = (bits << np.uint64(8)) | np.uint64(body[at + (k if backwards else width - 1 - k)])
    if kind == 2:
        single, double = np.uint32(bits), np.uint64(bits)
        value = np.float64(single.view(np.float32)) if width == 4 else double.view(np.float64)
        return np.int64(value) if abs(value) < 2.0**62 else -1
    if kind == 0:
        return np.int64(bits) if bits < np.uint64(2**62) else -1
    unused = np.int64(64 - 8 * width)
    return (np.int64(bits) << unused) >> unused


def _cut_short(path: Path, element: Element) -> Exception:
    return bad_mesh(path, f"is cut short, or its header is wrong: it promises {element.count:,} of {element.name!r}")
