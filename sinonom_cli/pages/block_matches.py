"""What looking a page up in an index of carvings gives: the blocks that may have printed it, and its carvings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sinonom_cli.pages.reading import ReadCharacter
from sinonom_cli.storage.own_tables import TableRow

CERTAIN = 0.5
"""Probability from which a block is taken for one that printed the page."""
BLOCK_COLUMNS = ("page", "rank", "block", "score", "probability", "agreeing", "placed", "characters")
"""Columns of `blocks.csv`."""
MATCH_COLUMNS = ("page", "column", "place", "char", "rank", "item", "block", "distance", "agrees", "alike")
"""Columns of `matches.csv`."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class BlockScore:
    """A block that may have printed a page.

    Attributes
    ----------
    block : its name.
    score : likeness of the characters to the carvings at their places on the block, summed over the page and divided by
        the number of characters that lie on the block; in [0, 1].
    probability : that it printed the page, in [0, 1].
    agreeing : number of characters whose carving at their place would be found by its looks alone.
    placed : number of characters that have a carving at their place.
    size : width and height of the upright block, in the scan's units.
    picture : its picture, with all of the block from edge to edge; None: not kept, or gone.
    """

    block: str
    score: float
    probability: float
    agreeing: int
    placed: int
    size: tuple[float, float]
    picture: Path | None


@dataclass(frozen=True, kw_only=True)
class Carving:
    """A carving that may have printed a character.

    Attributes
    ----------
    item, block : row of the index, and its block; "" if the row does not know its block.
    distance : between the embeddings of character and carving, of the kind that the index is searched by.
    agrees : whether the carving stands where the registration of page and block has the character; None: no block was
        found.
    alike : whether a carving that agrees looks like the character as well; None for others. A carving that does not is
        worn, repaired, or cut out of the scan badly.
    box : x0, y0, x1, y1 on the upright block, in the scan's units; None: unknown.
    picture : of the carving.
    """

    item: str
    block: str
    distance: float
    agrees: bool | None = None
    alike: bool | None = None
    box: Box | None = None
    picture: Path | None = None


@dataclass(frozen=True, kw_only=True)
class CharacterMatches:
    """A character of a page and its carvings, the most probable first: the one at its place, then the nearest ones."""

    character: ReadCharacter
    carvings: tuple[Carving, ...]


@dataclass(frozen=True, kw_only=True)
class BlockMatches:
    """A page that was looked up in an index of carvings.

    Attributes
    ----------
    page : its name.
    blocks : the best blocks, the most probable first; empty if the index does not know blocks.
    characters : in reading order.
    """

    page: str
    blocks: tuple[BlockScore, ...]
    characters: tuple[CharacterMatches, ...]

    @property
    def found(self) -> tuple[BlockScore, ...]:
        """Return the blocks that printed the page; two may have printed a spread."""
        return tuple(block for block in self.blocks if block.probability >= CERTAIN)

    def block_rows(self) -> Iterator[TableRow]:
        """Yield the rows of `blocks.csv`."""
        for rank, block in enumerate(self.blocks, 1):
            yield {
                "page": self.page,
                "rank": str(rank),
                "block": block.block,
                "score": f"{block.score:.4f}",
                "probability": f"{block.probability:.4f}",
                "agreeing": str(block.agreeing),
                "placed": str(block.placed),
                "characters": str(len(self.characters)),
            }

    def match_rows(self) -> Iterator[TableRow]:
        """Yield the rows of `matches.csv`."""
        for matches in self.characters:
            one = matches.character
            for rank, carving in enumerate(matches.carvings, 1):
                yield {
                    "page": self.page,
                    "column": str(one.column),
                    "place": str(one.place),
                    "char": one.char if one.label else "",
                    "rank": str(rank),
                    "item": carving.item,
                    "block": carving.block,
                    "distance": f"{carving.distance:.6g}",
                    "agrees": _yes_or_no(carving.agrees),
                    "alike": _yes_or_no(carving.alike),
                }


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else ("yes" if value else "no")
