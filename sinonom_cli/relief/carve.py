"""Carve the pictures of a set into STL meshes, one by one."""

from dataclasses import dataclass
from pathlib import Path

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.parallel.batch import Item, TableRow, item_rng
from sinonom_cli.pictures.levels import ink_of
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.plate import carve_plate, mesh_of
from sinonom_cli.storage.image_set import Picture, read_imageset
from sinonom_cli.storage.inputs import Items
from sinonom_cli.storage.names import distinct


@dataclass(frozen=True)
class Target:
    """The name of the mesh that a picture becomes, with the picture's label and char."""

    file_name: str
    label: str
    char: str


@dataclass(frozen=True)
class Carve:
    """Carve the picture of an item (its `data` is a Target) into the mesh set `out`."""

    out: Path
    carving: Carving
    seed: int

    def __call__(self, item: Item) -> list[TableRow]:
        target: Target = item.data
        ink = ink_of(load_picture(item.path))
        if ink is None:
            raise SinonomError(f"{item.path} is blank: there is nothing to carve", "give a picture with ink")
        carved = carve_plate(ink, self.carving, item_rng(self.seed, item.key))
        triangles = mesh_of(carved)
        write_stl(self.out / target.file_name, triangles)
        row = {"file_name": target.file_name, "label": target.label, "char": target.char, "source": item.key, "box": ""}
        known = {name: f"{value:.5g}" for name, value in carved.known.items()}
        return [{**row, "faces": str(len(triangles)), **known}]

    def outputs(self, item: Item) -> list[str]:
        """Return the name of the file that is written for an item, relative to the set."""
        return [item.data.file_name]


def pictures(folder: Path, limit: int | None, out: Path) -> Items:
    """List the pictures of a set as items; `key` is the picture's path in the set, `data` its Target.

    Parameters
    ----------
    folder : the image set, or a plain folder of pictures.
    limit : largest number of pictures to take; None: all.
    out : the output; it is skipped if it lies in the folder.

    Raises
    ------
    SinonomError
        If the folder is not an image set and holds no pictures.
    """
    images = read_imageset(folder, skip=(out,))
    found = images.pictures[:limit]
    names = distinct({picture.item: _without_suffix(picture) for picture in found}, ".stl")
    items = []
    for picture in found:
        path = folder / picture.file_name
        target = Target(f"meshes/{names[picture.item]}", picture.label, picture.char)
        size = path.stat().st_size if path.is_file() else -1
        items.append(Item(picture.file_name, path, target, size, picture.label + picture.char))
    return Items(items, images.passed_over)


def _without_suffix(picture: Picture) -> str:
    return picture.item.removesuffix(Path(picture.item).suffix)
