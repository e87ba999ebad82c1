"""Read the characters of a block's surface, from the right side of it, and say what is doubtful about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks.find import Read, find_characters
from sinonom_cli.blocks.ink import ink
from sinonom_cli.blocks.level import level
from sinonom_cli.blocks.surface import Surface
from sinonom_cli.errors import BadInput
from sinonom_cli.meshes.height_maps import Scale
from sinonom_cli.meshes.read import Notes


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is known about how a block lies; None: find it.

    Attributes
    ----------
    mirrored, turned : see `Way`.
    size : height of an ordinary character, in the scan's units.
    """

    mirrored: bool | None = None
    turned: int | None = None
    size: float | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A block whose characters were found.

    Attributes
    ----------
    surface : its height map, from the side that shows them.
    read : its characters; pixels are those of `surface`, averaged `times` x `times`.
    times : number of pixels of the surface along one of `read`.
    depth : typical depth of the relief, in the scan's units.
    """

    surface: Surface
    read: Read
    times: int
    depth: float

    def outlines(self) -> list[NDArray[np.float64]]:
        """Return the outlines, (K, 2) float64 x, y each, in pixels of the surface."""
        rows, columns = (-(-length // self.times) for length in self.surface.heights.shape)
        back = self.read.way.back
        return [back(one.outline, (rows, columns)) * self.times for one in self.read.characters]

    @property
    def pixel(self) -> float:
        """Return the side of a pixel of `read`, in the scan's units."""
        return self.surface.pixel * self.times


def read_surface(surface: Surface, given: Given, notes: Notes, scale: Scale | None = None) -> Seen:
    """Find the characters of a block.

    If none are found, or it is uncertain how they lie, the surface may be inside out. Then its other side is looked at
    too: a mesh whose faces are wound the wrong way is turned over, and a height map whose sign is wrong is refused.

    Parameters
    ----------
    notes : receives a remark if a mesh was turned over.
    scale : of a height map; None for meshes.

    Raises
    ------
    BadInput
        If no characters are found, or those of a height map are raised where they should be deep.
    """
    first: Seen | BadInput
    try:
        first = _read(surface, given)
    except BadInput as error:
        first = error
    if isinstance(first, BadInput) or not first.read.way.certain:
        other = _from_behind(surface, given, scale)
        if other is not None and other.read.way.certain:
            count = len(other.read.characters)
            if isinstance(first, BadInput) or len(first.read.characters) < count:
                return _turned_over(other, count, notes, scale)
    if isinstance(first, BadInput):
        raise first
    return first


def _from_behind(surface: Surface, given: Given, scale: Scale | None) -> Seen | None:
    """Return what the other side of a surface shows; None if it has no other side or shows no characters."""
    if scale is None and not surface.is_open:
        return None
    try:
        return _read(surface.behind(), given)
    except BadInput:
        return None


def _turned_over(seen: Seen, count: int, notes: Notes, scale: Scale | None) -> Seen:
    if scale is not None:
        deep, other = ("small", "light") if scale.deeper == "dark" else ("large", "dark")
        raise BadInput(
            f"with {deep} numbers deep, no characters can be read; with --deeper {other}, {count} are found",
            f"--deeper {other}",
        )
    notes.remarks.append("the faces are wound the wrong way: they look to the back of the block")
    return seen


def _read(surface: Surface, given: Given) -> Seen:
    looked_at, times = surface.coarser()
    levelled = level(looked_at)
    depth, block = levelled.depth, ink(levelled)
    del levelled  # a map of 4,096 x 2,700 pixels takes 44 MB each time
    size = None if given.size is None else given.size / looked_at.pixel
    return Seen(
        surface=surface,
        read=find_characters(block, given.mirrored, given.turned, size),
        times=times,
        depth=depth,
    )
