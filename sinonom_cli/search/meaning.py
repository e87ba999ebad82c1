"""Find the rows of an index that the names in a truth table mean; a name that is not exact is refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from sinonom_cli.characters import char_named, label_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.search.relevance import Wanted, spelt
from sinonom_cli.search.rows import Row

Thing = tuple[str, ...]
"""Identity of what a row shows; its first part is the label. Rows that show one thing are equally relevant."""


def resolve(wanted: Mapping[str, Wanted], rows: Iterable[Row]) -> tuple[dict[str, Wanted], dict[str, Row]]:
    """Look up every name of a truth table in an index.

    A name is the path of an item or of its source (with or without the path of its set before it), a label, a character
    in any notation, or a file name that only one item has.

    Returns
    -------
    The truth with the meanings of its names, and a row for each name; names that no row has are left out.

    Raises
    ------
    SinonomError
        If a name means several things, or if the index lacks its character but has one that looks like it.
    """
    seen = _Seen(wanted.values())
    for row in rows:
        seen.look_at(row)
    resolved: dict[str, Wanted] = {}
    bearers: dict[str, Row] = {}
    for key, each in wanted.items():
        cells = {cell for cell in each.cells if "," in cell and seen.path(cell)}
        inside = {name.strip() for cell in cells for name in cell.split(",")}
        means = set()
        for name in sorted(cells | (each.names - inside)):
            for token, row in seen.meaning(name):
                means.add(token)
                bearers.setdefault(name, row)
        resolved[key] = replace(each, names=frozenset(cells | (each.names - inside)), means=frozenset(means))
    return resolved, bearers


class _Seen:
    """Names of a truth table, with the rows that have them."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        names = {name for each in wanted for name in each.names | each.cells}
        self._paths = {spelt(name) for name in names}
        self._last = {path.rpartition("/")[2] for path in self._paths}
        self._chars = {name: char for name in names if (char := char_named(name))}
        self._asked = set(self._chars.values())
        self._labels = {label_of(char): char for char in self._asked}
        self._bearing: dict[str, tuple[str, Row]] = {}
        self._whole: dict[str, dict[Thing, tuple[str, Row]]] = {}
        self._file: dict[str, dict[Thing, tuple[str, Row]]] = {}
        self._known: set[str] = set()

    def look_at(self, row: Row) -> None:
        """Record which of the names a row has."""
        if self._asked and (row.label or row.char):
            self._known.add(row.char)
            char = self._labels.get(row.label) or (row.char if row.char in self._asked else "")
            if char:
                self._bearing.setdefault(char, (row.label or row.char, row))
        origin = row.origin
        ends = {spelt(path.rpartition("/")[2]) for path in (row.item, row.source, origin) if path}
        if ends & self._last:
            for path, token, thing in _paths(row, origin):
                if path in self._paths:
                    self._whole.setdefault(path, {}).setdefault(thing, (token, row))
                end = path.rpartition("/")[2]
                if end in self._paths and token in (row.item, row.source, origin):
                    self._file.setdefault(end, {}).setdefault(thing, (token, row))

    def path(self, name: str) -> bool:
        """Return whether a name is the complete path of a row."""
        return spelt(name) in self._whole

    def meaning(self, name: str) -> Iterator[tuple[str, Row]]:
        """Yield each label, character or path of rows that a name means, with one row that has it."""
        char = self._chars.get(name, "")
        if char in self._bearing:
            yield self._bearing[char]
        path = spelt(name)
        things = self._whole.get(path) or ({} if char in self._bearing else self._file.get(path)) or {}
        if len(things) > 1:
            several = " and ".join(f"{row.set}/{row.item}" for _, row in list(things.values())[:2])
            raise SinonomError(
                f"the truth's {name} names {len(things)} items of the index, among them {several}",
                "write a path that only one item has: SET/ITEM as in the columns set and item of the index's rows",
            )
        yield from things.values()
        if char and not things and char not in self._bearing:
            self._refuse_a_lookalike(name, char)

    def _refuse_a_lookalike(self, name: str, char: str) -> None:
        """Raise SinonomError if the index lacks a character but has another one with the same NFKC normal form."""
        known = self._by_plain.get(unicodedata.normalize("NFKC", char))
        if known:
            raise SinonomError(
                f"the truth's {name} ({label_of(char)}) is not in the index, but {known} ({label_of(known)}) is: "
                "they look alike, but are two characters",
                f"write {label_of(known)} if that is meant",
            )

    @cached_property
    def _by_plain(self) -> dict[str, str]:
        return {unicodedata.normalize("NFKC", known): known for known in sorted(self._known) if len(known) == 1}


def _paths(row: Row, origin: str) -> Iterator[tuple[str, str, Thing]]:
    """Yield each path that names a row: its form for comparison, the path itself, and the thing that it means."""
    made = bool(row.source) and row.source != row.item
    item: Thing = (row.label, row.source) if made else (row.label, row.set, row.item)
    for path in (row.item, f"images/{row.item}"):
        yield spelt(path), row.item, item
        if row.set:
            yield spelt(f"{row.set}/{path}"), f"{row.set}/{row.item}", (*item, row.set)
    if made:
        yield spelt(row.source), row.source, (row.label, row.source)
        # Everything that was made from a page is relevant if the truth names the page.
        yield spelt(origin), origin, (row.label if origin == row.source else "", origin)
