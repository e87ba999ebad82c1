"""Write what looking pages up among carvings gives: JSON and an HTML page for each, and tables of all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.errors import BadInput
from sinonom_cli.pages.block_matches import BLOCK_COLUMNS, MATCH_COLUMNS
from sinonom_cli.pages.block_page import block_page
from sinonom_cli.pages.carvings import opened_carvings
from sinonom_cli.pages.find_blocks import find_blocks
from sinonom_cli.pages.read_page import SeenPage
from sinonom_cli.storage.atomic import write_json, write_text
from sinonom_cli.storage.own_tables import TableRow, writing_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_CELLS = ("blocks", "blocks_file_name", "blocks_page_file_name")
"""Columns that pages looked up among carvings have in `metadata.csv`: the blocks that printed them, and their files."""
BLOCKS_FILE, MATCHES_FILE = "blocks.csv", "matches.csv"


def block_outputs(page: str) -> list[str]:
    """Return the names of the files that `write_blocks` writes for a page, relative to the output."""
    return [f"pages/{page}.blocks.json", f"pages/{page}.blocks.html"]


def write_blocks(
    out: Path, seen: SeenPage, grey: NDArray[np.uint8], index: Path, model: Path | None = None
) -> TableRow:
    """Look a page up in an index of carvings, and write what is found.

    Parameters
    ----------
    out : the output of `read`.
    seen : the page and the pictures of its characters.
    grey : (H, W) uint8, its picture as it is shown.
    index, model : the index, and its model where it is not found from there.

    Returns
    -------
    The cells of `BLOCK_CELLS`.
    """
    matches = find_blocks(seen.reading, seen.pictures, opened_carvings(index, model))
    rows = {"blocks": list(matches.block_rows()), "matches": list(matches.match_rows())}
    names = block_outputs(seen.reading.page)
    write_json(out / names[0], rows)
    write_text(out / names[1], block_page(seen.reading, grey, matches))
    found = "; ".join(block.block for block in matches.found)
    return dict(zip(BLOCK_CELLS, (found, *names), strict=True))


def write_block_tables(out: Path, rows: Iterable[TableRow]) -> dict[str, int]:
    """Write `blocks.csv` and `matches.csv` of all pages, and return how many pages have a block and how many none.

    Parameters
    ----------
    out : the output of `read`.
    rows : the rows of its `metadata.csv`.

    Raises
    ------
    BadInput
        If a file that `write_blocks` wrote cannot be read.
    """
    counts = {"pages_with_block": 0, "pages_without_block": 0}
    blocks, matches = out / BLOCKS_FILE, out / MATCHES_FILE
    with writing_table(blocks, BLOCK_COLUMNS) as best, writing_table(matches, MATCH_COLUMNS) as carvings:
        for row in rows:
            counts["pages_with_block" if row["blocks"] else "pages_without_block"] += 1
            found = read_matches(out / row["blocks_file_name"])
            for table, name in ((best, "blocks"), (carvings, "matches")):
                for each in found[name]:
                    table.add(each)
    return counts


def read_matches(path: Path) -> dict[str, list[TableRow]]:
    """Return the rows that `write_blocks` wrote for a page, as "blocks" and "matches".

    Raises
    ------
    BadInput
        If the file cannot be read.
    """
    try:
        found: dict[str, list[TableRow]] = json.loads(path.read_text(encoding="utf-8"))
        return {name: found[name] for name in ("blocks", "matches")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} cannot be read", "run sinonom read again with --overwrite") from error
