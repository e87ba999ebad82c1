"""Write the page of `cut --sheet`: self-contained HTML with all blocks of a mesh set, and what is doubtful in each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sinonom_cli import messages
from sinonom_cli.reports.html_pages import jpeg_uri_of, template
from sinonom_cli.storage.atomic import write_text
from sinonom_cli.storage.names import relative_to
from sinonom_cli.storage.own_tables import TableRow, rows_of
from sinonom_cli.storage.single_files import holds, refuse_foreign

MOST_BYTES = 48_000_000
"""Largest number of bytes of pictures in a page; blocks with fewer doubts are left out then."""
MOST_ROWS = 40
"""Largest number of doubts that are listed of a block."""
LONGEST = 1100
"""Longest side of the picture of a block in the page, pixels."""
QUALITY = 70
"""Quality of its JPEG."""
UNNAMED = "□"


@dataclass
class _Block:
    """A block while its rows are read."""

    source: str = ""
    picture: str = ""
    characters: int = 0
    text: dict[int, str] = field(default_factory=dict)
    named: Counter[str] = field(default_factory=Counter)
    doubts: list[TableRow] = field(default_factory=list)
    doubted: set[tuple[str, str]] = field(default_factory=set)

    @property
    def badness(self) -> float:
        """Return the share of doubtful characters; a doubt about the whole block counts as all."""
        whole = any(not row["column"] for row in self.doubts)
        return 1.0 if whole else len(self.doubted) / max(1, self.characters)


def refuse_other_than_cut_sheet(path: Path) -> None:
    """Refuse a path for the sheet that is another kind of file, or does not end in `.html`."""
    refuse_foreign(path, "--sheet", "sheet", holds('content="sinonom cut --sheet"'), (".html", ".htm"))


def write_cut_sheet(path: Path, out: Path) -> None:
    """Write the page.

    Parameters
    ----------
    path : path of the page; it ends in `.html` or `.htm`.
    out : complete mesh set of `cut`.

    Raises
    ------
    SinonomError
        With exit code 5, if `path` is a file that is no sheet of `cut`; with 2, if it does not end in `.html`.
    """
    refuse_other_than_cut_sheet(path)
    blocks = _read(out)
    order = sorted(blocks, key=lambda name: -blocks[name].badness)
    shown: list[dict[str, Any]] = []
    left = MOST_BYTES
    for name in order:
        entry = _shown(name, blocks[name], path, out)
        left -= len(entry["picture"])
        if left < 0 and shown:
            break
        shown.append(entry)
    text = template("cut_page", "cut.html.j2").render(
        name=out.name,
        blocks=len(blocks),
        characters=sum(block.characters for block in blocks.values()),
        named=sum(block.named.total() - block.named["nothing"] for block in blocks.values()),
        failures=list(rows_of(out / "failures.csv")),
        shown=shown,
        left_out=len(order) - len(shown),
    )
    write_text(path, text + "\n")
    messages.say(f"{path} shows {len(shown)} {'block' if len(shown) == 1 else 'blocks'}")


def _read(out: Path) -> dict[str, _Block]:
    blocks: dict[str, _Block] = {}
    for row in rows_of(out / "metadata.csv"):
        block = blocks.setdefault(row["block"], _Block(source=row["source"], picture=row["picture_file_name"]))
        block.characters += 1
        column = int(row["column"])
        block.text[column] = block.text.get(column, "") + (row["char"] or UNNAMED)
        block.named[row["named_by"] or "nothing"] += 1
    for row in rows_of(out / "doubtful.csv"):
        if row["block"] in blocks:
            blocks[row["block"]].doubts.append(row)
            blocks[row["block"]].doubted.add((row["column"], row["place"]))
    return blocks


def _shown(name: str, block: _Block, path: Path, out: Path) -> dict[str, Any]:
    picture = out / block.picture
    return {
        "name": name,
        "source": block.source,
        "characters": block.characters,
        "columns": len(block.text),
        "doubtful": len(block.doubted),
        "named": dict(block.named.most_common()),
        "text": [block.text[column] for column in sorted(block.text)],
        "rows": block.doubts[:MOST_ROWS],
        "more": max(0, len(block.doubts) - MOST_ROWS),
        "picture": jpeg_uri_of(picture, LONGEST, QUALITY),
        "link": quote(relative_to(picture, path.parent), errors="surrogateescape"),
    }
