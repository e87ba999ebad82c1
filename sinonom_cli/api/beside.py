"""Show a page beside the block that printed it: which carving printed which character."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sinonom_cli.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from sinonom_cli.api.correcting import Sheets
    from sinonom_cli.api.items import Items
    from sinonom_cli.layout.corrections import Box
    from sinonom_cli.storage.own_tables import TableRow


@dataclass(frozen=True, kw_only=True)
class Carved:
    """A carving of a block.

    Attributes
    ----------
    item : number of its row in the index.
    char : what it shows; "" if unknown.
    box : x0, y0, x1, y1 on the upright block, in the scan's units.
    printed : characters of the page that it printed, by their `number` on the sheet.
    """

    item: int
    char: str
    box: Box
    printed: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A block that printed a page.

    Attributes
    ----------
    block : its name.
    probability : that it printed the page, in [0, 1].
    agreeing, placed : number of characters that look like the carving at their place, and that have one there.
    width, height : of the upright block, in the scan's units; 0: unknown.
    picture : of the block; None: not kept, or gone.
    carvings : those of the index.
    """

    block: str
    probability: float
    agreeing: int
    placed: int
    width: float = 0.0
    height: float = 0.0
    picture: Path | None = None
    carvings: tuple[Carved, ...] = ()


def blocks_beside(sheets: Sheets, name: str, items: Items | None) -> list[Beside]:
    """Return the blocks that printed a page, as `sinonom read --index` found them, the most probable first.

    Parameters
    ----------
    sheets, name : the page.
    items : rows of the index; None: the blocks are only named.

    Raises
    ------
    BadInput
        If the page's file cannot be read.
    """
    from sinonom_cli.pages.block_matches import CERTAIN

    found = sheets.matches(name)
    try:
        rows = [row for row in found["blocks"] if float(row["probability"]) >= CERTAIN]
        return [_beside(row, found["matches"], sheets, name, items) for row in rows]
    except (KeyError, ValueError, TypeError) as error:
        raise BadInput(
            f"{sheets.path}: the blocks of {name} cannot be read: {error}", "run sinonom read again"
        ) from None


def _beside(row: TableRow, matches: list[TableRow], sheets: Sheets, name: str, items: Items | None) -> Beside:
    known = Beside(
        block=row["block"],
        probability=float(row["probability"]),
        agreeing=int(row["agreeing"]),
        placed=int(row["placed"]),
    )
    if items is None:
        return known
    numbers = {(one.column, one.place): number for number, one in enumerate(sheets.written(name).characters)}
    printed: dict[str, list[int]] = {}
    for match in matches:
        place = int(match["column"]), int(match["place"])
        if match["block"] == known.block and match["agrees"] == "yes" and place in numbers:
            printed.setdefault(match["item"], []).append(numbers[place])
    carvings = tuple(_carvings(known.block, printed, items))
    width, height, picture = items.block_picture(known.block)
    return replace(known, width=width, height=height, picture=picture, carvings=carvings)


def _carvings(block: str, printed: dict[str, list[int]], items: Items) -> Iterator[Carved]:
    for number in items.blocks.get(block, ()):
        item, box = items[number], items.box_on_block(number)
        if box is not None:
            yield Carved(item=number, char=item.char, box=box, printed=tuple(printed.get(item.item, ())))
