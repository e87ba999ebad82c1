"""A row of an index as Python sees it: what it shows, where its picture and its mesh are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.errors import BadInput

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, kw_only=True)
class Item:
    """A row of an index.

    Attributes
    ----------
    number : of the row, from 0.
    item, source, label, char, set : as in the index's table.
    block, column, place : block that the character was cut from, and its place there; "" if unknown.
    doubt : what its set says is doubtful or odd about it; "" if nothing.
    picture : path at which its picture should be, below its set.
    """

    number: int
    item: str
    source: str
    label: str
    char: str
    set: str
    block: str
    column: str
    place: str
    doubt: str
    picture: Path

    def image(self, side: int = 256) -> Image:
        """Return the picture of the item as a grey Pillow image whose longer side is `side` pixels.

        Raises
        ------
        BadInput
            If its picture is missing or cannot be read.
        """
        from sinonom_cli.reports.contact_sheet import thumb

        small = thumb(self.picture, side)
        if small is None:
            raise BadInput(f"{self.picture} cannot be read", "bring the image set back, or make the index again")
        return small


@dataclass(frozen=True, kw_only=True)
class MeshFile:
    """Where the mesh of an item is, or where it was looked for.

    Attributes
    ----------
    path : the file; None if it was not found.
    looked_at : folders that were searched.
    """

    path: Path | None
    looked_at: tuple[Path, ...] = ()
