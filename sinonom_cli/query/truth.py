"""What the right answers are: truth.csv, and the rows that it names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.artifacts.rows import Row
from sinonom_cli.errors import SinonomError


@dataclass(frozen=True)
class Wanted:
    """What is relevant for one query.

    Attributes
    ----------
    names : of relevant items: a mesh's or a picture's file name or relative path, a character, or a label.
    kind : of query, from a column `kind`; "" where there is none.
    """

    names: frozenset[str]
    kind: str = ""


def read_truth(path: Path) -> dict[str, Wanted]:
    """Read truth.csv: columns `query` and `label`, optionally `kind`; others are ignored.

    A query on several lines has the relevant items of all of them.

    Returns
    -------
    By query (file name or relative path, "/" on every system), in the order of the file.

    Raises
    ------
    SinonomError
        If the file or a column is missing, a line has no label, or more cells than the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SinonomError(f"cannot read {path}: {error.strerror}", "give a CSV file: query,label") from error
    except UnicodeDecodeError as error:
        raise SinonomError(f"{path} is not UTF-8 text", "save it as CSV, UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    lacking = [name for name in ("query", "label") if name not in (reader.fieldnames or ())]
    if lacking:
        raise SinonomError(f"{path} has no column {lacking[0]!r}", "its first line must name query,label")
    truth: dict[str, Wanted] = {}
    for row in reader:
        if None in row:
            raise SinonomError(
                f"{path}, line {reader.line_num}: more cells than the first line has",
                'put a label that holds commas in quotes: 000.png,"000.stl,001.stl"',
            )
        names = frozenset(name.strip() for name in (row["label"] or "").split(",") if name.strip())
        query = (row["query"] or "").strip().replace("\\", "/").removeprefix("./")
        if not query or not names:
            raise SinonomError(f"{path}, line {reader.line_num}: no {'label' if query else 'query'}")
        before = truth.get(query, Wanted(frozenset(), (row.get("kind") or "").strip()))
        truth[query] = Wanted(before.names | names, before.kind)
    if not truth:
        raise SinonomError(f"{path} lists no queries", "one line for each picture: query,label")
    return truth


def match(truth: Mapping[str, Wanted], items: Sequence[Item]) -> tuple[dict[str, Wanted], list[str]]:
    """Find which pictures the truth speaks of: by relative path, else by file name.

    Returns
    -------
    What is wanted by picture key, and the queries of the truth that no picture answers to.

    Raises
    ------
    SinonomError
        If a file name fits two pictures.
    """
    keys = {item.key for item in items}
    by_name: dict[str, list[str]] = {}
    for item in items:
        by_name.setdefault(PurePosixPath(item.key).name, []).append(item.key)
    matched: dict[str, Wanted] = {}
    missing = []
    for query, wanted in truth.items():
        named = by_name.get(PurePosixPath(query).name, [])
        fits = [query] if query in keys else [key for key in named if _ends_alike(key, query)]
        if len(fits) > 1:
            raise SinonomError(
                f"the truth's {query} fits {len(fits)} pictures: {fits[0]}, {fits[1]}",
                "write paths relative to the folder of queries in the column query",
            )
        if fits:
            matched[fits[0]] = wanted
        else:
            missing.append(query)
    return matched, missing


def _ends_alike(key: str, query: str) -> bool:
    """Return whether one of two relative paths is the end of the other."""
    return f"/{key}".endswith(f"/{query}") or f"/{query}".endswith(f"/{key}")


def names_of(row: Row) -> frozenset[str]:
    """Return every name by which a truth may call a row of the index."""
    source = row.source.rpartition("#")[0] if "#" in row.source else row.source
    paths = (row.item, f"images/{row.item}", row.source, source)
    return frozenset((*paths, *(PurePosixPath(p).name for p in paths), row.label, row.char)) - {""}


def bearers(matched: Mapping[str, Wanted], rows: Iterable[Row]) -> dict[str, Row]:
    """Return the first row that bears each name in the truth; names that none bears are not there."""
    left = set().union(*(wanted.names for wanted in matched.values()))
    found: dict[str, Row] = {}
    for row in rows:
        if not left:
            break
        borne = left & names_of(row)
        found |= dict.fromkeys(borne, row)
        left -= borne
    return found
