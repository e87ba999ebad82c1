"""Write the coverage table of `sinonom fonts`: on a terminal, as tab-separated lines, JSON lines or CSV."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sinonom_cli import console, messages
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.fonts.assignment import Share, shares_of
from sinonom_cli.fonts.charset import Charset
from sinonom_cli.fonts.coverage import Coverage, coverage_of, read_all
from sinonom_cli.parallel.batch import Item
from sinonom_cli.storage.own_tables import write_table
from sinonom_cli.storage.single_files import holds, refuse_foreign

COVERAGE_COLUMNS = (
    *("face", "family", "style", "version", "hand"),
    *("drawn", "blank", "notdef", "not_in_cmap", "same", "same_as"),
    "licence",
)
_ON_A_TERMINAL = ("face", "hand", "drawn", "blank", "notdef", "not_in_cmap", "same", "licence")

CoverageRow = dict[str, str | int]


def say_coverage(
    fonts: Sequence[Item], charset: Charset | None, output: Path | None, workers: int | None, *, as_json: bool
) -> None:
    """Check every glyph of the faces, print the table, and write it as CSV to `output`.

    Raises
    ------
    SinonomError
        If no font can be read; with exit code 6, if some cannot; with 5, if `output` is a file of another kind.
    """
    if output:
        ours = holds(",".join(COVERAGE_COLUMNS), at_once=True)
        refuse_foreign(output, "--output", "coverage table", ours, inputs=[font.path for font in fonts])
    faces, bad = read_all(fonts)
    if not faces:
        raise SinonomError(
            f"none of {len(fonts)} fonts can be read; the first: {bad[0][1]}", "give font files or folders"
        )
    shares = shares_of(faces, charset.chars if charset else None)
    found = coverage_of([(share.face, share.has) for share in shares], workers)
    rows = [row_of(share, coverage) for share, coverage in zip(shares, found, strict=True)]
    _print(rows, as_json)
    if output:
        _write(output, rows)
        messages.say(f"{output}: {len(rows)} faces")
    _summarise(shares, found, charset)
    crashed = [(share.face.key, one.failure) for share, one in zip(shares, found, strict=True) if one.failure]
    failed = [(font.key, reason) for font, reason in bad] + crashed
    if failed:
        raise SinonomError(
            f"{len(failed)} fonts or faces could not be checked; the first, {failed[0][0]}: {failed[0][1]}",
            "give -v to list all of them",
            ExitCode.SOME_FAILED,
        )


def row_of(share: Share, coverage: Coverage) -> CoverageRow:
    """Return a row of the table."""
    face = share.face
    names = (face.key, face.family, face.style, face.version, face.hand)
    counts = (len(coverage.drawn), coverage.blank, coverage.notdef, share.not_in_cmap, share.same)
    return dict(zip(COVERAGE_COLUMNS, (*names, *counts, share.same_as, face.licence), strict=True))


def _print(rows: Sequence[CoverageRow], as_json: bool) -> None:
    if as_json:
        for row in rows:
            console.data_json(row)
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        console.data("\t".join(COVERAGE_COLUMNS))
        for row in rows:
            console.data("\t".join(" ".join(str(cell).split()) for cell in row.values()))


def _print_table(rows: Sequence[CoverageRow]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in _ON_A_TERMINAL:
        number = isinstance(rows[0][name], int)
        table.add_column(name.replace("_", " "), justify="right" if number else "left", no_wrap=number)
    for row in rows:
        table.add_row(*(_text(row[name]) for name in _ON_A_TERMINAL))
    Console().print(table)


def _text(cell: Any) -> Any:
    from rich.text import Text

    return Text(f"{cell:,}" if isinstance(cell, int) else cell)


def _write(path: Path, rows: Sequence[CoverageRow]) -> None:
    write_table(path, COVERAGE_COLUMNS, ([str(row[name]) for name in COVERAGE_COLUMNS] for row in rows))


def _summarise(shares: Sequence[Share], found: Sequence[Coverage], charset: Charset | None) -> None:
    both = list(zip(shares, found, strict=True))
    drawn = {char for coverage in found for char in coverage.drawn}
    hands = {share.face.hand for share, coverage in both if coverage.drawn}
    pictures = sum(len(set(coverage.drawn).intersection(share.chars)) for share, coverage in both)
    of = f" of {len(charset.chars):,} asked for" if charset else ""
    messages.say(
        f"{sum(bool(one.drawn) for one in found)} of {len(found)} faces draw {len(drawn):,} characters{of}, "
        f"in {len(hands)} typeface families; {pictures:,} pictures of each stroke weight, without duplicates"
    )
    silent = sum(bool(coverage.drawn) and not share.face.licence for share, coverage in both)
    if silent:
        messages.say(f"{silent} of these faces name no licence: check the licence where they come from")
    if charset and len(drawn) < len(charset.chars):
        messages.detail(f"no face draws {' '.join(char for char in charset.chars if char not in drawn)}")
