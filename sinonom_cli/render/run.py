"""Render each mesh of a batch, and choose the names of its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.gltf import files_beside
from sinonom_cli.meshes.height_maps import HEIGHT_SUFFIXES, Scale, maps_in, read_height_map
from sinonom_cli.meshes.read import MESH_SUFFIXES, Notes, read_mesh
from sinonom_cli.networks.page_like import looks_like_page
from sinonom_cli.parallel.batch import Item, TableRow
from sinonom_cli.render.render import Drawn, View, draw, sixteen_bits
from sinonom_cli.render.tidy import without_specks
from sinonom_cli.render.upright import Judge, upright
from sinonom_cli.storage.atomic import save_png
from sinonom_cli.storage.block_places import PICTURE_COLUMN, PLACE_COLUMNS, kept_cells
from sinonom_cli.storage.image_set import METADATA_COLUMNS
from sinonom_cli.storage.inputs import DEPTH_FOLDER, Items
from sinonom_cli.storage.names import distinct
from sinonom_cli.storage.own_tables import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHECKED = 4
"""Number of meshes of a batch that are compared with known characters from behind, turned and mirrored as well: if one
scan of a collection lies so, usually all of them do."""
LARGE = View(size=1024)
"""View in which the strokes of a whole block can be told apart."""
NOTE_COLUMNS = ("turned", "left_out", "remarks")
"""Columns of `metadata.csv` about meshes that were not drawn exactly as their files have them; empty for most
meshes."""
DEPTH_COLUMNS = ("depth_file_name", "depth_scale", "depth_offset", "depth_pixel")
"""Columns that `--depth16` adds to `metadata.csv`."""


def columns_of(view: View, items: Sequence[Item] = ()) -> tuple[str, ...]:
    """Return the columns of `metadata.csv`, with those of places on blocks if a mesh among the items has one."""
    places = (*PLACE_COLUMNS, PICTURE_COLUMN) if any(item.data.block for item in items) else ()
    return (*METADATA_COLUMNS, "faces", "tilt", *NOTE_COLUMNS, *places, *(DEPTH_COLUMNS if view.depth16 else ()))


@dataclass(frozen=True)
class Target:
    """What is known of a mesh before it is drawn.

    Attributes
    ----------
    file_name : of its picture.
    label, char : its character; "" if unknown.
    check : whether front and back are always compared.
    number : index of the map, from 0, in a file that holds several height maps.
    block : cells that say where on which block it stands, see `block_places.kept_cells`; empty if unknown.
    """

    file_name: str
    label: str = ""
    char: str = ""
    check: bool = False
    number: int = 0
    block: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """Label, char and place on a block, as in `Target`, that a mesh set gives for a mesh."""

    label: str = ""
    char: str = ""
    block: Mapping[str, str] = field(default_factory=dict)


# Squares of huge coordinates overflow. Each step treats such numbers as unknown, so no warning is needed.
_in_doubt = np.errstate(over="ignore", invalid="ignore", divide="ignore")


@_in_doubt
def read_one(path: Path, number: int, scale: Scale | None, notes: Notes) -> "NDArray[np.float32]":
    """Read a mesh, or the surface of a height map: (F, 3, 3) float32; see `read_mesh` and `read_height_map`."""
    if not is_map(path):
        return read_mesh(path, notes)
    if scale is None:
        hint = "--pixel MM says how wide a pixel of a height map is; pictures of characters go to index or query"
        raise SinonomError(f"{path.name}: if this is a height map, its scale is not known", hint)
    return read_height_map(path, number, scale, notes)


@_in_doubt
def drawn(
    triangles: "NDArray[np.float32]", view: View, judge: Judge, notes: Notes, check: bool = False
) -> tuple[Drawn, int]:
    """Tidy, turn upright and draw a mesh.

    Parameters
    ----------
    triangles : (F, 3, 3) float32.
    judge, notes, check : see `upright`.

    Returns
    -------
    The drawing, and the number of faces that remain.
    """
    seen = None
    if not view.as_is:
        triangles, found = without_specks(triangles, notes)
        triangles, seen = upright(triangles, found, judge, notes, check, view.mirror)
        if check and looks_like_page(draw(triangles, LARGE, seen).picture):
            notes.remarks.append("it seems to show several characters: sinonom cut divides a block")
    return draw(triangles, view, seen), len(triangles)


@dataclass(frozen=True)
class Render:
    """Render the mesh, or height map, of an item (its `data` is a Target) into the image set `out`.

    `scale` gives the scale of height maps; None: height maps are refused. `judge` decides which side is carved where
    the geometry of the mesh does not.
    """

    out: Path
    view: View
    judge: Judge
    scale: Scale | None = None

    def __call__(self, item: Item) -> list[TableRow]:
        target: Target = item.data
        notes = Notes()
        triangles = read_one(item.path, target.number, self.scale, notes)
        done, faces = drawn(triangles, self.view, self.judge, notes, target.check)
        save_png(self.out / target.file_name, done.picture)
        row = {"file_name": target.file_name, "label": target.label, "char": target.char, "source": item.key, "box": ""}
        row |= {"faces": str(faces), "tilt": f"{done.tilt:.2f}", "turned": notes.turned}
        row |= {"left_out": "; ".join(notes.left_out), "remarks": "; ".join(notes.remarks), **target.block}
        return [row | self._depth(target.file_name, done) if self.view.depth16 else row]

    def outputs(self, item: Item) -> list[str]:
        """Return the names of the files that are written for an item, relative to the set."""
        name = item.data.file_name
        return [name, _depth_name(name)] if self.view.depth16 else [name]

    def _depth(self, file_name: str, drawn: Drawn) -> TableRow:
        """Write the heights as a PNG; return its name, scale and offset in the columns DEPTH_COLUMNS."""
        file_name = _depth_name(file_name)
        steps, scale, offset = sixteen_bits(drawn.heights.astype(np.float64) * drawn.width + drawn.middle)
        save_png(self.out / file_name, steps)
        # In perspective, a pixel covers a wider area the lower the surface lies.
        pixel = f"{drawn.width / self.view.size:.9g}" if self.view.projection == "orthographic" else ""
        return dict(zip(DEPTH_COLUMNS, (file_name, f"{scale:.9g}", f"{offset:.9g}", pixel), strict=True))


def _depth_name(file_name: str) -> str:
    """Return the name of a picture's height file: outside images/, where every file is a picture of a character."""
    return file_name.replace("images", DEPTH_FOLDER, 1)


def suffixes_of(scale: Scale | None) -> frozenset[str]:
    """Return the suffixes of files taken from folders; pictures count only with a scale, as they may be textures."""
    return MESH_SUFFIXES | HEIGHT_SUFFIXES if scale else MESH_SUFFIXES


HEIGHT_HINTS = dict.fromkeys(HEIGHT_SUFFIXES, "--pixel MM, the side of a pixel in mm, if the pictures are height maps")
"""What to type for files that `suffixes_of` leaves out, by their suffix."""


def is_map(path: Path) -> bool:
    """Return whether a file is a height map by its name."""
    return path.suffix.lower() in HEIGHT_SUFFIXES


def each_map(items: Items, limit: int | None) -> Items:
    """Make one item of every map in files that hold several: key `<file>#<number>`, `data` the number, from 1.

    `limit` is the largest number of items to return; None: all.
    """
    found: list[Item] = []
    for item in items:
        count = maps_in(item.path) if is_map(item.path) and not item.fault else 1
        if count == 1:
            found.append(item)
        else:
            found += [replace(item, key=f"{item.key}#{k}", data=k) for k in range(1, count + 1)]
    return Items(found[:limit], items.passed_over)


def targets(items: list[Item], known: dict[str, Known]) -> list[Item]:
    """Give each item the name of its picture: `images/<relative path>.png`.

    Parameters
    ----------
    items : meshes and single height maps.
    known : what mesh sets say of meshes, by absolute path.
    """
    names = distinct({item.key: name_of(item) for item in items}, ".png")
    out = []
    checked = {len(items) * k // CHECKED for k in range(CHECKED)}
    for number, item in enumerate(items):
        about = known.get(str(item.path.absolute()), Known())
        files = files_beside(item.path) if item.path.suffix.lower() == ".gltf" and not item.fault else ()
        check = number in checked or is_map(item.path)
        place = item.data - 1 if item.data else 0
        target = Target(f"images/{names[item.key]}", about.label, about.char, check, place, about.block)
        text = "\t".join([about.label + about.char, *about.block.values()])
        out.append(replace(item, data=target, about=text, files=files))
    return out


def name_of(item: Item) -> str:
    """Return the name of an item's picture: the name of its file, and the number of the map if it holds several."""
    if item.data is None:
        return _without_suffix(item.key)
    return f"{_without_suffix(item.key.removesuffix(f'#{item.data}'))}/{item.data}"


def _without_suffix(key: str) -> str:
    name = key.removeprefix("meshes/")
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


def known_characters(items: list[Item], out: Path) -> dict[str, Known]:
    """Return what is known, by absolute path, of the meshes that lie in mesh sets that this program made.

    `out` is the image set to make; the pictures of blocks are named relative to it.
    """
    known: dict[str, Known] = {}
    seen: set[Path] = set()
    for item in items:
        for folder in item.path.absolute().parents:
            if folder in seen:
                break  # its parents have been checked as well
            seen.add(folder)
            if (folder / "artifact.json").is_file() and (folder / "metadata.csv").is_file():
                for row in read_table(folder / "metadata.csv")[1]:
                    about = Known(row.get("label", ""), row.get("char", ""), kept_cells(row, folder, out))
                    known[str(folder / row.get("file_name", ""))] = about
    return known


def say_what_was_done(out: Path) -> None:
    """Warn about meshes that were not drawn exactly as their files have them, in one line for each kind."""
    rows = read_table(out / "metadata.csv")[1]
    for column, what in (
        ("turned", "did not face +Z and were turned; check that they stand upright"),
        ("left_out", "had specks, a table or broken faces, which were left out"),
        ("remarks", "are odd"),
    ):
        some = [row for row in rows if row.get(column)]
        if some:
            first = f"the first, {some[0]['source']}: {some[0][column]}"
            messages.warn(f"{len(some):,} of {len(rows):,} meshes {what}: column {column} of metadata.csv; {first}")
