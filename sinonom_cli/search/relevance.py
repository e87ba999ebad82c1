"""Read the relevant items of queries from truth.csv, and match its queries to pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sinonom_cli.errors import SinonomError
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.names import composed
from sinonom_cli.storage.tables import Table


@dataclass(frozen=True)
class Wanted:
    """Relevant items of one query.

    Attributes
    ----------
    names : names of relevant items as the truth table writes them: the file name or path of a mesh or picture, a
        character, or a label.
    kind : kind of query, from a column `kind`; "" if there is none.
    cells : the complete cells that hold the names, because a file name may contain commas.
    means : labels, characters and paths of rows that these names mean, see `meaning.resolve`; None: not resolved yet.
    """

    names: frozenset[str]
    kind: str = ""
    cells: frozenset[str] = frozenset()
    means: frozenset[str] | None = None

    def by(self, row: Row) -> bool:
        """Return whether a row of the index is relevant."""
        return bool(names_of(row) & (self.names if self.means is None else self.means))


def names_of(row: Row) -> frozenset[str]:
    """Return all names that identify a row of the index: its paths, its label and its character."""
    inside = [row.item, f"images/{row.item}"]
    qualified = [f"{row.set}/{path}" for path in inside] if row.set else []
    return frozenset((*inside, *qualified, row.source, row.origin, row.label, row.char)) - {""}


def read_truth(path: Path) -> dict[str, Wanted]:
    """Read truth.csv: columns `query` and `label`, optionally `kind`; others are ignored.

    A query on several lines has the relevant items of all of them.

    Returns
    -------
    The relevant items by query (file name or path, as it is written), in the order of the file.

    Raises
    ------
    SinonomError
        If the file or a column is missing, or if a line has no label, more cells than the header, or another kind than
        an earlier line of the same query.
    """
    truth: dict[str, Wanted] = {}
    for line in Table(path, ("query", "label"), names=True):
        query, cell, kind = line.cells["query"], line.cells["label"], line.cells.get("kind", "").strip()
        names = frozenset(name.strip() for name in cell.split(",") if name.strip())
        if not query.strip() or not names:
            raise SinonomError(f"{path}, line {line.number}: no {'label' if query.strip() else 'query'}")
        before = truth.get(query, Wanted(frozenset(), kind))
        if kind and before.kind and kind != before.kind:
            raise SinonomError(
                f"{path}, line {line.number}: {query} is of kind {kind}, but of kind {before.kind} in an earlier line"
            )
        truth[query] = Wanted(before.names | names, before.kind or kind, before.cells | {cell})
    if not truth:
        raise SinonomError(f"{path} lists no queries", "one line for each picture: query,label")
    return truth


def spelt(name: str) -> str:
    """Return a path in the form for comparison: with "/" on every system, without outer spaces, normalised to NFC."""
    return composed(name.strip().replace("\\", "/").removeprefix("./"))


def match(truth: Mapping[str, Wanted], items: Sequence[Item]) -> tuple[dict[str, Wanted], list[str]]:
    """Match the queries of a truth table to pictures, by relative path or else by file name.

    Returns
    -------
    The relevant items by picture key, and the queries of the truth table that match no picture.

    Raises
    ------
    SinonomError
        If a query matches two pictures, or if a picture is named in two ways with different labels.
    """
    keys = {item.key for item in items}
    by_name: dict[str, list[str]] = {}
    for item in items:
        by_name.setdefault(PurePosixPath(spelt(item.key)).name, []).append(item.key)
    matched: dict[str, Wanted] = {}
    called: dict[str, str] = {}
    missing = []
    for query, wanted in truth.items():
        fits = [query] if query in keys else _fitting(spelt(query), by_name)
        if len(fits) > 1:
            raise SinonomError(
                f"the truth's {query} fits {len(fits)} pictures: {fits[0]}, {fits[1]}",
                "write paths relative to the folder of queries in the column query",
            )
        if not fits:
            missing.append(query)
        elif fits[0] in matched and not _alike(matched[fits[0]], wanted):
            raise SinonomError(
                f"the truth names the picture {fits[0]} in two ways, with different labels: {called[fits[0]]}, {query}",
                "write its name in one way; the labels of all lines of a query are combined",
            )
        else:
            matched[fits[0]], called[fits[0]] = wanted, query
    return matched, missing


def _fitting(query: str, by_name: Mapping[str, Sequence[str]]) -> list[str]:
    named = by_name.get(PurePosixPath(query).name, [])
    return [key for key in named if spelt(key) == query] or [key for key in named if _ends_alike(spelt(key), query)]


def _alike(one: Wanted, other: Wanted) -> bool:
    return replace(one, cells=frozenset()) == replace(other, cells=frozenset())


def _ends_alike(key: str, query: str) -> bool:
    """Return whether one of two relative paths is the end of the other."""
    return f"/{key}".endswith(f"/{query}") or f"/{query}".endswith(f"/{key}")
