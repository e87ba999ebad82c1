"""One picture, from file to STL."""

from dataclasses import dataclass
from pathlib import Path

from sinonom_cli.artifacts.batch import Item, Row, item_rng
from sinonom_cli.artifacts.imageset import Picture, read_imageset
from sinonom_cli.artifacts.stl import write_stl
from sinonom_cli.carve.relief import Carving, carve_heights, mesh_of, pose
from sinonom_cli.errors import SinonomError
from sinonom_cli.models.preprocess import ink_of, load_picture


@dataclass(frozen=True)
class Carve:
    """Carve the picture of an item (its `data` is a Picture) into the mesh set `out`."""

    out: Path
    carving: Carving
    seed: int

    def __call__(self, item: Item) -> list[Row]:
        picture: Picture = item.data
        ink = ink_of(load_picture(item.path))
        if ink is None:
            raise SinonomError(f"{item.path} is blank: there is nothing to carve", "give a picture with ink")
        rng = item_rng(self.seed, item.key)
        lies = pose(self.carving, rng)
        triangles = mesh_of(*carve_heights(ink, self.carving, rng), lies)
        write_stl(self.out / item.key, triangles)
        row = {
            "file_name": item.key,
            "label": picture.label,
            "char": picture.char,
            "source": picture.file_name,
            "box": "",
        }
        return [{**row, "faces": str(len(triangles)), "tilt_x": f"{lies.x:.3f}", "tilt_y": f"{lies.y:.3f}"}]


def pictures(folder: Path, limit: int | None) -> list[Item]:
    """List the pictures of a set as items; an item's key is the name of its mesh below the output.

    Raises
    ------
    SinonomError
        If the folder is no image set and holds no pictures.
    """
    found = read_imageset(folder).pictures[:limit]
    stems = [p.item.rpartition(".")[0] for p in found]
    twice = {stem for stem in stems if stems.count(stem) > 1} if len(set(stems)) < len(stems) else set()
    items = []
    for picture, stem in zip(found, stems, strict=True):
        path = folder / picture.file_name
        size = path.stat().st_size if path.is_file() else -1
        items.append(Item(f"meshes/{picture.item if stem in twice else stem}.stl", path, picture, size))
    return items
