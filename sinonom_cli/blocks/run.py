"""Cut the characters out of scans of whole blocks, block by block, into one mesh set."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks.cut_block import cut_block, in_scan, picture_of
from sinonom_cli.blocks.doubts import CORRECTION, Doubt
from sinonom_cli.blocks.in_context import InContext
from sinonom_cli.blocks.learn import Learnt
from sinonom_cli.blocks.picture import CLEAN_QUALITY, clean_name, clean_picture
from sinonom_cli.blocks.prints import ReadPrint
from sinonom_cli.blocks.read_surface import Given, Seen
from sinonom_cli.blocks.surface import Surface
from sinonom_cli.blocks.whole_doubts import unit_of
from sinonom_cli.layout.given_corrections import AllGiven, taken_in_fields
from sinonom_cli.meshes.height_maps import Scale
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.stl import HEADER, write_stl
from sinonom_cli.parallel.batch import Item, TableRow
from sinonom_cli.storage.atomic import save_jpeg, save_png, write_text
from sinonom_cli.storage.block_places import UPRIGHT_COLUMNS, upright_cells
from sinonom_cli.storage.image_set import METADATA_COLUMNS
from sinonom_cli.storage.own_tables import numbers_cell
from sinonom_cli.storage.single_files import refuse_foreign

COLUMNS = (
    *METADATA_COLUMNS,
    "block",
    "column",
    "place",
    "part",
    "polygon",
    "named_by",
    "checked",
    *UPRIGHT_COLUMNS,
    "probability",
    "names",
    "probabilities",
    "names_by_sight",
    "probabilities_by_sight",
    "score",
    "faces",
    "picture_file_name",
    "clean_file_name",
    "record_file_name",
)
"""Columns of `metadata.csv`."""


@dataclass(frozen=True)
class Cut:
    """Cut the block of an item, whose `data` are those of `items.known_blocks`, into the mesh set `out`.

    Attributes
    ----------
    out : the mesh set.
    scale : scale of height maps; None: height maps are refused.
    given : how the blocks lie; None: it is found.
    read_print : finds the characters of prints, where prints are known.
    corrections : what people have corrected.
    judge : judges names by their neighbours; None: names are those of the looks.
    """

    out: Path
    scale: Scale | None = None
    given: Given | None = None
    read_print: ReadPrint | None = None
    corrections: AllGiven = field(default_factory=AllGiven)
    judge: InContext | None = None

    def __call__(self, item: Item) -> list[TableRow]:
        name, number, known = item.data
        block = cut_block(
            item.path,
            name=name,
            number=number,
            known=known,
            scale=self.scale,
            given=self.given,
            read_print=self.read_print,
            corrections=self.corrections[name],
            judge=self.judge,
        )
        learnt, surface, read = block.learnt, block.seen.surface, block.learnt.read
        rows = [
            self._write(item, name, number, learnt, surface)
            | upright_cells(read.characters[number].placed.box, read.ink.shape[::-1], block.seen.pixel)
            for number, mesh in enumerate(learnt.pieces.meshes)
            if len(mesh)
        ]
        self._describe(name, learnt, block.seen, block.notes)
        return rows + [_doubtful(item, name, doubt, learnt, surface) for doubt in learnt.doubts]

    def outputs(self, item: Item) -> list[str]:
        """Return the names of the files that are written for each block, relative to the set, without its meshes."""
        return [_picture(item.data[0]), clean_name(item.data[0]), _record(item.data[0])]

    def _write(self, item: Item, name: str, number: int, learnt: Learnt, surface: Surface) -> TableRow:
        """Write the mesh of a character and return its row."""
        character, mesh = learnt.read.characters[number], learnt.pieces.meshes[number]
        called, names, sight = learnt.called[number], learnt.names[number], learnt.pieces.names[number]
        file_name = _mesh(name, learnt.file_number(number))
        refuse_foreign(self.out / file_name, "--output", "mesh", _is_ours)
        write_stl(self.out / file_name, mesh)
        scan = in_scan(learnt.pieces.polygons[number], surface)
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
            "checked": "yes" if called.named_by == CORRECTION else "no",
            "probability": f"{called.probability:.4f}" if names or called.char else "",
            "names": " ".join(one.char for one in names),
            "probabilities": " ".join(f"{one.probability:.4f}" for one in names),
            "names_by_sight": " ".join(one.char for one in sight),
            "probabilities_by_sight": " ".join(f"{one.probability:.4f}" for one in sight),
            "score": f"{character.score:.3f}",
            "faces": str(len(mesh)),
            "picture_file_name": _picture(name),
            "clean_file_name": clean_name(name),
            "record_file_name": _record(name),
        }

    def _describe(self, name: str, learnt: Learnt, seen: Seen, notes: Notes) -> None:
        """Write the picture and the record of a block."""
        read, surface = learnt.read, seen.surface
        save_png(self.out / _picture(name), picture_of(learnt))
        grey = np.round(255 * (1 - read.ink)).astype(np.uint8)
        save_jpeg(self.out / clean_name(name), clean_picture(grey, read.size), CLEAN_QUALITY)
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
            **taken_in_fields(self.corrections[name].taken_in),
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
    placed, names = learnt.read.characters[doubt.number].placed, learnt.names[doubt.number]
    return {
        **row,
        "column": str(placed.column),
        "place": str(placed.place),
        "box": _box(in_scan(learnt.pieces.polygons[doubt.number], surface)),
        "mesh": _mesh(name, learnt.file_number(doubt.number)) if len(learnt.pieces.meshes[doubt.number]) else "",
        "char": names[0].char if names else "",
        "probability": f"{names[0].probability:.4f}" if names else "",
    }


def _mesh(name: str, number: int) -> str:
    return f"meshes/{name}/{number + 1:03d}.stl"


def _box(points: NDArray[np.float64]) -> str:
    return numbers_cell((*points.min(axis=0), *points.max(axis=0)))


def _picture(name: str) -> str:
    return f"blocks/{name}.png"


def _record(name: str) -> str:
    return f"blocks/{name}.json"


def _is_ours(path: Path) -> bool:
    """Return whether `write_stl` has made a file."""
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER
