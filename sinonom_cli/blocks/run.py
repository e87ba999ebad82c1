"""Cut the characters out of scans of whole blocks, block by block, into one mesh set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks.cut_mesh import cut, cut_samples
from sinonom_cli.blocks.doubts import Doubt
from sinonom_cli.blocks.find import Read, find_characters
from sinonom_cli.blocks.ink import ink
from sinonom_cli.blocks.learn import Learnt, Pieces, learn
from sinonom_cli.blocks.level import level
from sinonom_cli.blocks.picture import draw_block
from sinonom_cli.blocks.prints import ReadPrint
from sinonom_cli.blocks.scan import scan_of
from sinonom_cli.blocks.surface import Surface, surface_of_map, surface_of_scan
from sinonom_cli.blocks.upright import Way
from sinonom_cli.errors import BadInput, SinonomError
from sinonom_cli.meshes.height_maps import Scale
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.stl import HEADER, write_stl
from sinonom_cli.parallel.batch import Item, TableRow
from sinonom_cli.render.render import View, draw
from sinonom_cli.render.run import is_map
from sinonom_cli.search.naming import Name, shipped_namer
from sinonom_cli.storage.atomic import save_png, write_text
from sinonom_cli.storage.block_places import UPRIGHT_COLUMNS, upright_cells
from sinonom_cli.storage.image_set import METADATA_COLUMNS
from sinonom_cli.storage.single_files import refuse_foreign

COLUMNS = (
    *METADATA_COLUMNS,
    "block",
    "column",
    "place",
    "part",
    "polygon",
    "named_by",
    *UPRIGHT_COLUMNS,
    "probability",
    "names",
    "probabilities",
    "score",
    "faces",
    "picture_file_name",
    "record_file_name",
)
"""Columns of `metadata.csv`."""


@dataclass(frozen=True)
class Cut:
    """Cut the block of an item (its `data` is the block's name) into the mesh set `out`.

    Attributes
    ----------
    out : the mesh set.
    scale : scale of height maps; None: height maps are refused.
    mirrored, turned : how the blocks lie; None: found from their characters.
    size : height of an ordinary character in the scan's units; None: found.
    read_print : finds the characters of prints, where prints are known.
    """

    out: Path
    scale: Scale | None = None
    mirrored: bool | None = None
    turned: int | None = None
    size: float | None = None
    read_print: ReadPrint | None = None

    def __call__(self, item: Item) -> list[TableRow]:
        name, number, known = item.data
        notes = Notes()
        scan = None
        if is_map(item.path):
            if self.scale is None:
                raise BadInput(f"{item.path.name} is a height map", "--pixel MM gives its scale")
            surface = surface_of_map(item.path, number, self.scale, notes)
        else:
            scan = scan_of(item.path, notes)
            surface = surface_of_scan(scan)
        levelled = level(surface)
        depth = levelled.depth
        size = None if self.size is None else self.size / surface.pixel
        block = ink(levelled)
        del levelled  # a map of 4,096 x 2,700 pixels takes 44 MB each time
        read = find_characters(block, self.mirrored, self.turned, size)

        def cut_out(read: Read) -> Pieces:
            polygons = [read.way.back(character.outline, surface.heights.shape) for character in read.characters]
            found = cut_samples(surface, polygons) if scan is None else cut(surface, polygons, scan)
            meshes = [_upright(mesh, read.way) for mesh in found]
            return Pieces(polygons=polygons, meshes=meshes, names=named([_drawn(mesh) for mesh in meshes]))

        learnt = learn(name, read, cut_out, known, self.read_print)
        read = learnt.read
        if not any(map(len, learnt.pieces.meshes)):
            raise BadInput("no character of the block has any faces", "give the mesh at a higher resolution")
        rows = [
            self._write(item, name, number, learnt, surface)
            | upright_cells(read.characters[number].placed.box, read.ink.shape[::-1], surface.pixel)
            for number, mesh in enumerate(learnt.pieces.meshes)
            if len(mesh)
        ]
        self._describe(name, learnt, surface, depth, notes)
        return rows + [_doubtful(item, name, doubt, learnt, surface) for doubt in learnt.doubts]

    def outputs(self, item: Item) -> list[str]:
        """Return the names of the files that are written for each block, relative to the set, without its meshes."""
        return [_picture(item.data[0]), _record(item.data[0])]

    def _write(self, item: Item, name: str, number: int, learnt: Learnt, surface: Surface) -> TableRow:
        """Write the mesh of a character and return its row."""
        character, mesh = learnt.read.characters[number], learnt.pieces.meshes[number]
        called, names = learnt.called[number], learnt.pieces.names[number]
        file_name = _mesh(name, number)
        refuse_foreign(self.out / file_name, "--output", "mesh", _is_ours)
        write_stl(self.out / file_name, mesh)
        scan = _in_scan(learnt.pieces.polygons[number], surface)
        return {
            "file_name": file_name,
            "label": called.label,
            "char": called.char,
            "source": item.key,
            "box": _box(scan),
            "block": name,
            "column": str(character.placed.column),
            "place": str(character.placed.place),
            "part": character.placed.part,
            "polygon": ";".join(f"{x:.6g},{y:.6g}" for x, y in scan),
            "named_by": called.named_by,
            "probability": f"{called.probability:.4f}" if names or called.char else "",
            "names": " ".join(one.char for one in names),
            "probabilities": " ".join(f"{one.probability:.4f}" for one in names),
            "score": f"{character.score:.3f}",
            "faces": str(len(mesh)),
            "picture_file_name": _picture(name),
            "record_file_name": _record(name),
        }

    def _describe(self, name: str, learnt: Learnt, surface: Surface, depth: float, notes: Notes) -> None:
        """Write the picture and the record of a block."""
        read = learnt.read
        save_png(self.out / _picture(name), picture_of(learnt))
        transform = np.eye(4)
        turn = read.way.matrix()
        transform[:3, :3] = np.einsum("ij,jk->ik", turn, surface.rotation)
        transform[:3, 3] = np.einsum("ij,j->i", turn, surface.shift)
        height, width = read.ink.shape
        record: dict[str, Any] = {
            "characters": len(read.characters),
            "columns": max(character.placed.column for character in read.characters),
            "doubtful": len(learnt.doubts),
            **learnt.figures,
            "mirrored": read.way.mirrored,
            "turned": read.way.turned,
            "way_probability": round(read.way.probability, 4),
            "transform": [[float(f"{value:.9g}") for value in row] for row in transform],
            "pixel": surface.pixel,
            "size": [width * surface.pixel, height * surface.pixel],
            "character_height": read.size * surface.pixel,
            "relief_depth": depth,
            "left_out": notes.left_out,
            "remarks": notes.remarks,
        }
        write_text(self.out / _record(name), json.dumps(record, ensure_ascii=False, indent=1) + "\n")


def picture_of(learnt: Learnt) -> NDArray[np.uint8]:
    """Return the picture of a block, (H, W, 3) uint8, with its characters outlined, numbered and named."""
    characters = learnt.read.characters
    doubted = {doubt.number for doubt in learnt.doubts}
    firsts = [names[0].char if names else "" for names in learnt.pieces.names]
    return draw_block(
        learnt.read.ink,
        [character.outline for character in characters],
        [f"{character.placed.column}.{character.placed.place}" for character in characters],
        [called.char or first for called, first in zip(learnt.called, firsts, strict=True)],
        [0.0 if number in doubted else 1.0 for number in range(len(characters))],
        learnt.read.size,
    )


def named(pictures: Sequence[NDArray[np.uint8] | None]) -> list[list[Name]]:
    """Return the most probable names of each picture of a mesh; none without a picture."""
    places = [place for place, picture in enumerate(pictures) if picture is not None]
    names: list[list[Name]] = [[] for _ in pictures]
    for place, called in zip(places, shipped_namer()([one for one in pictures if one is not None]), strict=True):
        names[place] = called
    return names


def _drawn(mesh: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """Return the picture that `render` makes of a mesh (F, 3, 3), (256, 256) uint8; None without relief."""
    with suppress(SinonomError):
        return draw(mesh, View()).picture
    return None


def _doubtful(item: Item, name: str, doubt: Doubt, learnt: Learnt, surface: Surface) -> TableRow:
    """Return the row of a doubt in `doubtful.csv`."""
    row = {
        "source": item.key,
        "block": name,
        "column": str(doubt.column or ""),
        "known": doubt.known,
        "known_by": doubt.known_by,
        "reason": doubt.reason,
    }
    if doubt.number is None:
        return row
    placed, names = learnt.read.characters[doubt.number].placed, learnt.pieces.names[doubt.number]
    return {
        **row,
        "column": str(placed.column),
        "place": str(placed.place),
        "box": _box(_in_scan(learnt.pieces.polygons[doubt.number], surface)),
        "mesh": _mesh(name, doubt.number) if len(learnt.pieces.meshes[doubt.number]) else "",
        "char": names[0].char if names else "",
        "probability": f"{names[0].probability:.4f}" if names else "",
    }


def _mesh(name: str, number: int) -> str:
    return f"meshes/{name}/{number + 1:03d}.stl"


def _box(points: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.6g}" for value in (*points.min(axis=0), *points.max(axis=0)))


def _picture(name: str) -> str:
    return f"blocks/{name}.png"


def _record(name: str) -> str:
    return f"blocks/{name}.json"


def _upright(mesh: NDArray[np.float32], way: Way) -> NDArray[np.float32]:
    """Turn a mesh (F, 3, 3) as it is read; a mirrored one keeps its front by swapping two corners of each face."""
    turned = np.einsum("ij,fkj->fki", way.matrix().astype(np.float32), mesh)
    return np.ascontiguousarray(turned[:, ::-1] if way.mirrored else turned, np.float32)


def _in_scan(polygon: NDArray[np.float64], surface: Surface) -> NDArray[np.float64]:
    """Return a polygon (K, 2), pixels of the map, in the scan's own x and y: the map's plane, turned back."""
    x, y = polygon[:, 0] * surface.pixel, -polygon[:, 1] * surface.pixel
    points = np.stack([x, y, np.zeros_like(x)], axis=1) - surface.shift
    return np.einsum("ji,kj->ki", surface.rotation, points)[:, :2]


def _is_ours(path: Path) -> bool:
    """Return whether `write_stl` has made a file."""
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER
