"""Carve pictures of pages into whole blocks, one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.stl import write_stl_parts
from sinonom_cli.parallel.batch import Item, TableRow, item_rng
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.pictures.page_ink import page_ink
from sinonom_cli.relief.block_map import MAP_COLUMNS, map_of
from sinonom_cli.relief.block_mesh import triangles_of
from sinonom_cli.relief.block_options import BlockOptions
from sinonom_cli.relief.whole_block import BLOCK_KNOWN, carve_block
from sinonom_cli.storage.atomic import save_png
from sinonom_cli.storage.image_set import METADATA_COLUMNS, PICTURE_SUFFIXES
from sinonom_cli.storage.inputs import Items, find_inputs
from sinonom_cli.storage.names import distinct


@dataclass(frozen=True)
class CarvePage:
    """Carve the page of an item (its `data` is the name of the file to write) into the mesh set `out`."""

    out: Path
    options: BlockOptions
    seed: int

    def __call__(self, item: Item) -> list[TableRow]:
        ink = page_ink(load_picture(item.path, whole=True))
        if ink is None:
            raise SinonomError(f"{item.path} is blank: there is nothing to carve", "give a picture of a page")
        block = carve_block(ink, self.options, item_rng(self.seed, item.key))
        del ink
        row = {"file_name": item.data, "label": "", "char": "", "source": item.key, "box": "", **block.known}
        if self.options.as_map:
            seen = map_of(block)
            save_png(self.out / item.data, seen.values)
            return [{**row, "faces": "", **seen.known()}]
        parts = triangles_of(block, self.options.thickness if self.options.solid else None)
        return [{**row, "faces": str(write_stl_parts(self.out / item.data, parts))}]

    def outputs(self, item: Item) -> list[str]:
        """Return the name of the file that is written for an item, relative to the set."""
        return [item.data]


def columns_of(options: BlockOptions) -> tuple[str, ...]:
    """Return the columns of `metadata.csv`."""
    return (*METADATA_COLUMNS, "faces", *BLOCK_KNOWN, *(MAP_COLUMNS if options.as_map else ()))


def pages(inputs: Sequence[str], options: BlockOptions, limit: int | None, out: Path) -> Items:
    """List the pictures of pages as items; `data` is the name of the file that each becomes.

    Parameters
    ----------
    inputs : pictures, folders or globs.
    limit : largest number of pictures to take; None: all.
    out : the output; it is skipped if it lies in an input folder.

    Raises
    ------
    SinonomError
        If an input does not exist, or there are no pictures.
    """
    found = find_inputs(inputs, PICTURE_SUFFIXES, "pictures of pages", limit, skip=(out,))
    folder, suffix = ("maps", ".png") if options.as_map else ("meshes", ".stl")
    names = distinct({item.key: item.key.removesuffix(Path(item.key).suffix) for item in found}, suffix)
    items = (replace(item, data=f"{folder}/{names[item.key]}") for item in found)
    return Items(items, found.passed_over)
