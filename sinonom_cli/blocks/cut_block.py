"""Cut one block: read its scan, level it, find its characters, cut them out and name them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.blocks.correct import corrected
from sinonom_cli.blocks.cut_mesh import cut, cut_samples
from sinonom_cli.blocks.find import Read
from sinonom_cli.blocks.in_context import InContext, in_context
from sinonom_cli.blocks.learn import Knowledge, Learnt, Pieces, learn
from sinonom_cli.blocks.names import crops_of, named
from sinonom_cli.blocks.picture import draw_block
from sinonom_cli.blocks.prints import ReadPrint
from sinonom_cli.blocks.read_surface import Given, Seen, read_surface
from sinonom_cli.blocks.scan import scan_of
from sinonom_cli.blocks.surface import Surface, surface_of_map, surface_of_scan
from sinonom_cli.blocks.upright import Way
from sinonom_cli.blocks.whole_doubts import doubts_of, refuse_unreadable
from sinonom_cli.errors import BadInput, SinonomError
from sinonom_cli.layout.given_corrections import Given as Corrections
from sinonom_cli.meshes.height_maps import Scale
from sinonom_cli.meshes.read import Notes
from sinonom_cli.render.render import View, draw
from sinonom_cli.render.run import is_map

STAGES = ("read", "levelled and its characters found", "characters cut out and named")
"""What is reported when it is done, in this order."""


@dataclass(frozen=True, kw_only=True)
class CutBlock:
    """A block that was cut.

    Attributes
    ----------
    learnt : its characters, their meshes and names, and what is doubtful.
    seen : its surface and how it was read, with the characters of `learnt`.
    notes : what was left out of the scan, and remarks.
    """

    learnt: Learnt
    seen: Seen
    notes: Notes


def cut_block(
    path: Path,
    *,
    name: str,
    number: int = 0,
    known: Knowledge | None = None,
    scale: Scale | None = None,
    given: Given | None = None,
    read_print: ReadPrint | None = None,
    corrections: Corrections | None = None,
    judge: InContext | None = None,
    done: Callable[[str], object] = lambda stage: None,
) -> CutBlock:
    """Cut the characters out of the scan of a block.

    Parameters
    ----------
    path, number : the scan, and the number of the map in it, from 0.
    name : of the block, in messages.
    known : its transcript and prints.
    scale : scale of height maps; None: height maps are refused.
    given : how the block lies; None: it is found.
    read_print : finds the characters of prints, where prints are known.
    corrections : what people have corrected; None: nothing.
    judge : judges names by their neighbours; None: names are those of the looks.
    done : is called with each of `STAGES` when it is done.

    Raises
    ------
    SinonomError
        If the scan cannot be read or shows no block.
    """

    def report(stage: str) -> None:
        messages.detail(f"{name}: {stage}")
        done(stage)

    notes = Notes()
    scan = None
    if is_map(path):
        if scale is None:
            raise BadInput(f"{path.name} is a height map", "--pixel MM gives its scale")
        surface = surface_of_map(path, number, scale, notes)
    else:
        scan = scan_of(path, notes)
        surface = surface_of_scan(scan, remarks=notes.remarks)
    report(STAGES[0])
    seen = read_surface(surface, given or Given(), notes, scale if scan is None else None)
    refuse_unreadable(seen)
    del surface  # the one that was read may be another side of it
    report(STAGES[1])

    def cut_out(read: Read) -> Pieces:
        polygons = replace(seen, read=read).outlines()
        found = cut_samples(seen.surface, polygons) if scan is None else cut(seen.surface, polygons, scan)
        meshes = [_upright(mesh, read.way) for mesh in found]
        candidates, embeddings = named([_drawn(mesh) for mesh in meshes], crops_of(read))
        return Pieces(polygons=polygons, meshes=meshes, candidates=candidates, embeddings=embeddings)

    learnt = learn(name, seen.read, cut_out, known or Knowledge(), read_print)
    if corrections is not None and corrections.corrections:
        learnt = corrected(name, path, learnt, seen.pixel, corrections, cut_out)
    if judge is not None:
        learnt = in_context(learnt, judge)
    if not any(map(len, learnt.pieces.meshes)):
        raise BadInput("no character of the block has any faces", "give the mesh at a higher resolution")
    without_faces = sum(not len(mesh) for mesh in learnt.pieces.meshes)
    notes.remarks.extend(doubts_of(seen, learnt.names, without_faces, scan is None))
    for remark in [f"left out: {faces}" for faces in notes.left_out] + notes.remarks:
        messages.warn(f"{name}: {remark}")
    report(STAGES[2])
    return CutBlock(learnt=learnt, seen=replace(seen, read=learnt.read), notes=notes)


def picture_of(learnt: Learnt) -> NDArray[np.uint8]:
    """Return the picture of a block, (H, W, 3) uint8, with its characters outlined, numbered and named."""
    characters = learnt.read.characters
    doubted = {doubt.number for doubt in learnt.doubts}
    firsts = [names[0].char if names else "" for names in learnt.names]
    return draw_block(
        learnt.read.ink,
        [character.outline for character in characters],
        [f"{character.placed.column}.{character.placed.place}" for character in characters],
        [called.char or first for called, first in zip(learnt.called, firsts, strict=True)],
        [number in doubted for number in range(len(characters))],
        learnt.read.size,
    )


def _drawn(mesh: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """Return the picture that `render` makes of a mesh (F, 3, 3), (256, 256) uint8; None without relief."""
    with suppress(SinonomError):
        return draw(mesh, View()).picture
    return None


def _upright(mesh: NDArray[np.float32], way: Way) -> NDArray[np.float32]:
    """Turn a mesh (F, 3, 3) as it is read; a mirrored one keeps its front by swapping two corners of each face."""
    turned = np.einsum("ij,fkj->fki", way.matrix().astype(np.float32), mesh)
    return np.ascontiguousarray(turned[:, ::-1] if way.mirrored else turned, np.float32)


def in_scan(polygon: NDArray[np.float64], surface: Surface) -> NDArray[np.float64]:
    """Return a polygon (K, 2), pixels of the map, in the scan's own x and y: on the surface there, turned back.

    Where a scan is tilted, x and y depend on the height: the polygon is taken to lie at the median height inside its
    box.
    """
    x0, y0 = np.maximum(np.floor(polygon.min(axis=0)).astype(int), 0)
    x1, y1 = np.ceil(polygon.max(axis=0)).astype(int)
    heights = surface.heights[y0:y1, x0:x1]
    known = heights[np.isfinite(heights)]
    x, y = polygon[:, 0] * surface.pixel, -polygon[:, 1] * surface.pixel
    z = np.full(len(x), float(np.median(known)) if len(known) else 0.0)
    points = np.stack([x, y, z], axis=1) - surface.shift
    return np.einsum("ji,kj->ki", surface.rotation, points)[:, :2]
