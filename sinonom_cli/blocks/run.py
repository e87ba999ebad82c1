"""Cut the characters out of scans of whole blocks, block by block, into one mesh set."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.blocks.cut_mesh import cut, cut_samples
from sinonom_cli.blocks.doubts import doubts, refuse_unreadable, unit_of
from sinonom_cli.blocks.find import Character
from sinonom_cli.blocks.names import crops_of, named
from sinonom_cli.blocks.picture import UNLIKELY, draw_block
from sinonom_cli.blocks.read_surface import Given, Seen, read_surface
from sinonom_cli.blocks.scan import scan_of
from sinonom_cli.blocks.surface import Surface, surface_of_map, surface_of_scan
from sinonom_cli.blocks.upright import Way
from sinonom_cli.errors import BadInput, SinonomError
from sinonom_cli.meshes.height_maps import Scale
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.stl import HEADER, write_stl
from sinonom_cli.parallel.batch import Item, TableRow
from sinonom_cli.render.render import View, draw
from sinonom_cli.render.run import each_map, is_map, name_of
from sinonom_cli.search.naming import Name
from sinonom_cli.storage.atomic import save_png, write_text
from sinonom_cli.storage.block_places import UPRIGHT_COLUMNS, upright_cells
from sinonom_cli.storage.image_set import METADATA_COLUMNS
from sinonom_cli.storage.inputs import Items
from sinonom_cli.storage.names import distinct
from sinonom_cli.storage.single_files import refuse_foreign

COLUMNS = (
    *METADATA_COLUMNS,
    "block",
    "column",
    "place",
    "part",
    "polygon",
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


@dataclass(frozen=True, kw_only=True)
class Piece:
    """The mesh of a character, which is on disk if it has any faces.

    Attributes
    ----------
    file_name : of the mesh in the set.
    faces : number of its faces.
    picture : what `render` draws of it, (256, 256) uint8; None if it has no relief.
    """

    file_name: str
    faces: int = 0
    picture: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Cut:
    """Cut the block of an item (its `data` is the block's name) into the mesh set `out`.

    Attributes
    ----------
    out : the mesh set.
    scale : scale of height maps; None: height maps are refused.
    mirrored, turned : how the blocks lie; None: found from their characters.
    size : height of an ordinary character in the scan's units; None: found.
    """

    out: Path
    scale: Scale | None = None
    mirrored: bool | None = None
    turned: int | None = None
    size: float | None = None

    def __call__(self, item: Item) -> list[TableRow]:
        name, number = item.data
        notes = Notes()
        scan = None
        if is_map(item.path):
            if self.scale is None:
                raise BadInput(f"{item.path.name} is a height map", "--pixel MM gives its scale")
            surface = surface_of_map(item.path, number, self.scale, notes)
        else:
            scan = scan_of(item.path, notes)
            surface = surface_of_scan(scan)
        given = Given(mirrored=self.mirrored, turned=self.turned, size=self.size)
        seen = read_surface(surface, given, notes, self.scale if scan is None else None)
        refuse_unreadable(seen)
        del surface  # the one that was read may be another side of it
        polygons = seen.outlines()
        meshes = cut_samples(seen.surface, polygons) if scan is None else cut(seen.surface, polygons, scan)
        way = seen.read.way
        pieces = [self._write_mesh(name, place, _upright(mesh, way)) for place, mesh in enumerate(meshes)]
        if not any(piece.faces for piece in pieces):
            raise BadInput("no character of the block has any faces", "give the mesh at a higher resolution")
        names = named([piece.picture for piece in pieces], crops_of(seen.read))
        rows = [
            self._row(item, name, character, polygon, piece, called, seen.surface)
            | upright_cells(character.placed.box, seen.read.ink.shape[::-1], seen.pixel)
            for character, polygon, piece, called in zip(seen.read.characters, polygons, pieces, names, strict=True)
            if piece.faces
        ]
        remarks = doubts(seen, names, sum(not piece.faces for piece in pieces), scan is None)
        for remark in remarks:
            messages.warn(f"{item.key}: {remark}")
        notes.remarks.extend(remarks)
        self._describe(name, seen, names, notes)
        return rows

    def outputs(self, item: Item) -> list[str]:
        """Return the names of the files that are written for each block, relative to the set, without its meshes."""
        return [_picture(item.data[0]), _record(item.data[0])]

    def _write_mesh(self, name: str, place: int, mesh: NDArray[np.float32]) -> Piece:
        """Write the mesh of a character, if it has any faces, and draw it."""
        file_name = f"meshes/{name}/{place + 1:03d}.stl"
        if not len(mesh):
            return Piece(file_name=file_name)
        refuse_foreign(self.out / file_name, "--output", "mesh", _is_ours)
        write_stl(self.out / file_name, mesh)
        picture = None
        with suppress(SinonomError):  # a mesh without relief has no picture
            picture = draw(mesh, View()).picture
        return Piece(file_name=file_name, faces=len(mesh), picture=picture)

    def _row(
        self,
        item: Item,
        name: str,
        character: Character,
        polygon: NDArray[np.float64],
        piece: Piece,
        names: list[Name],
        surface: Surface,
    ) -> TableRow:
        """Return the row of a character."""
        first = names[0] if names else None
        known = first if first and first.probability >= UNLIKELY else None
        scan = _in_scan(polygon, surface)
        box = (*scan.min(axis=0), *scan.max(axis=0))
        return {
            "file_name": piece.file_name,
            "label": known.label if known else "",
            "char": known.char if known else "",
            "source": item.key,
            "box": " ".join(f"{value:.6g}" for value in box),
            "block": name,
            "column": str(character.placed.column),
            "place": str(character.placed.place),
            "part": character.placed.part,
            "polygon": ";".join(f"{x:.6g},{y:.6g}" for x, y in scan),
            "probability": f"{first.probability:.4f}" if first else "",
            "names": " ".join(one.char for one in names),
            "probabilities": " ".join(f"{one.probability:.4f}" for one in names),
            "score": f"{character.score:.3f}",
            "faces": str(piece.faces),
            "picture_file_name": _picture(name),
            "record_file_name": _record(name),
        }

    def _describe(self, name: str, seen: Seen, names: list[list[Name]], notes: Notes) -> None:
        """Write the picture and the record of a block."""
        read, surface = seen.read, seen.surface
        picture = draw_block(
            read.ink,
            [character.outline for character in read.characters],
            [f"{character.placed.column}.{character.placed.place}" for character in read.characters],
            [called[0].char if called else "" for called in names],
            [called[0].probability if called else 0.0 for called in names],
            read.size,
        )
        save_png(self.out / _picture(name), picture)
        transform = np.eye(4)
        turn = read.way.matrix()
        transform[:3, :3] = np.einsum("ij,jk->ik", turn, surface.rotation)
        transform[:3, 3] = np.einsum("ij,j->i", turn, surface.shift)
        height, width = read.ink.shape
        record: dict[str, Any] = {
            "characters": len(read.characters),
            "columns": max(character.placed.column for character in read.characters),
            "mirrored": read.way.mirrored,
            "turned": read.way.turned,
            "way_probability": round(read.way.probability, 4),
            "transform": [[float(f"{value:.9g}") for value in row] for row in transform],
            "pixel": surface.pixel,
            "size": [width * seen.pixel, height * seen.pixel],
            "character_height": read.size * seen.pixel,
            "unit": unit_of(read.size * seen.pixel),
            "relief_depth": seen.depth,
            "left_out": notes.left_out,
            "remarks": notes.remarks,
        }
        write_text(self.out / _record(name), json.dumps(record, ensure_ascii=False, indent=1) + "\n")


def blocks_of(items: Items, limit: int | None) -> Items:
    """Return the blocks in files as items; each file of several height maps becomes several.

    `data` is the name of the block, under which its files are written, and the number of its map in the file.
    """
    found = each_map(items, limit)
    names = distinct({item.key: name_of(item) for item in found}, "")
    named = [replace(item, data=(names[item.key], item.data - 1 if item.data else 0)) for item in found]
    return Items(named, items.passed_over)


def _picture(name: str) -> str:
    return f"blocks/{name}.png"


def _record(name: str) -> str:
    return f"blocks/{name}.json"


def _upright(mesh: NDArray[np.float32], way: Way) -> NDArray[np.float32]:
    """Turn a mesh (F, 3, 3) as it is read; a mirrored one keeps its front by swapping two corners of each face."""
    turned = np.einsum("ij,fkj->fki", way.matrix().astype(np.float32), mesh)
    return np.ascontiguousarray(turned[:, ::-1] if way.mirrored else turned, np.float32)


def _in_scan(polygon: NDArray[np.float64], surface: Surface) -> NDArray[np.float64]:
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


def _is_ours(path: Path) -> bool:
    """Return whether `write_stl` has made a file."""
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER
