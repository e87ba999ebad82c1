"""One mesh, from file to picture: read, level, depth, tone."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.artifacts.batch import Item, Row
from sinonom_cli.artifacts.files import save_png
from sinonom_cli.artifacts.journal import read_table
from sinonom_cli.errors import SinonomError
from sinonom_cli.render.depth import MARGIN, cast_rays, extent, z_buffer
from sinonom_cli.render.level import flatten, level, tilt_of
from sinonom_cli.render.mesh import read_mesh
from sinonom_cli.render.tone import TONES

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class View:
    """How meshes are looked at.

    Attributes
    ----------
    size : side of the picture, pixels.
    projection : "orthographic" or "perspective".
    level : "auto" or "off".
    tone : a key of TONES.
    mirror : whether to swap left and right.
    """

    size: int = 256
    projection: str = "orthographic"
    level: str = "auto"
    tone: str = "local"
    mirror: bool = False


@dataclass(frozen=True)
class Target:
    """Where a mesh's picture goes, and what is known of it."""

    file_name: str
    label: str = ""
    char: str = ""


@dataclass(frozen=True)
class Render:
    """Render the mesh of an item (its `data` is a Target) into the image set `out`."""

    out: Path
    view: View

    def __call__(self, item: Item) -> list[Row]:
        target: Target = item.data
        triangles = read_mesh(item.path)
        picture, tilt = draw(triangles, self.view)
        save_png(self.out / target.file_name, picture)
        row = {"file_name": target.file_name, "label": target.label, "char": target.char, "source": item.key, "box": ""}
        return [{**row, "faces": str(len(triangles)), "tilt": f"{tilt:.2f}"}]


def draw(triangles: "NDArray[np.float32]", view: View) -> "tuple[NDArray[np.uint8], float]":
    """Draw a mesh.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, facing +Z, y up, any units.

    Returns
    -------
    (S, S) uint8, dark strokes on light ground, and the tilt that was taken out, degrees.

    Raises
    ------
    SinonomError
        If nothing of the mesh is to be seen from +Z.
    """
    rotation = level(triangles) if view.level == "auto" else np.eye(3)
    heights = depth_map(triangles, rotation, view)
    if view.level == "auto":
        heights = flatten(heights)
    picture = TONES[view.tone](heights)
    return (np.ascontiguousarray(picture[:, ::-1]) if view.mirror else picture), tilt_of(rotation)


def depth_map(triangles: "NDArray[np.float32]", rotation: "NDArray[np.float64]", view: View) -> "NDArray[np.float32]":
    """Return (S, S) float32 heights in units of the picture's width, the mesh framed; -inf where there is none.

    Raises
    ------
    SinonomError
        If nothing of the mesh is to be seen from +Z.
    """
    box = extent(triangles, rotation)
    centre, sides = box.mean(axis=0), box[1] - box[0]
    width = max(sides[0], sides[1]) * (1 + 2 * MARGIN)
    if not width > 0:
        raise SinonomError("the mesh has no extent: all its vertices fall together")
    if view.projection == "perspective":
        heights = cast_rays(triangles, rotation, centre, float(max(sides)), view.size)
    else:
        heights = z_buffer(triangles, rotation, centre, width, view.size)
    if not np.isfinite(heights).any():
        raise SinonomError("nothing of the mesh is to be seen from +Z", "turn the mesh to face +Z, y up")
    return heights / np.float32(width)


def targets(items: list[Item], known: dict[str, tuple[str, str]]) -> list[Item]:
    """Give each item the name of its picture: `images/<relative path>.png`.

    Parameters
    ----------
    items : meshes.
    known : label and char by absolute path, for meshes whose character is known.
    """
    names = {item.key: _without_suffix(item.key) for item in items}
    while True:
        owners: dict[str, list[str]] = {}
        for key, name in names.items():
            owners.setdefault(name, []).append(key)
        clashing = [key for keys in owners.values() if len(keys) > 1 for key in keys if names[key] != key]
        if not clashing:
            break
        names.update((key, key) for key in clashing)
    out = []
    for item in items:
        label, char = known.get(str(item.path.absolute()), ("", ""))
        out.append(replace(item, data=Target(f"images/{names[item.key]}.png", label, char)))
    return out


def _without_suffix(key: str) -> str:
    name = key.removeprefix("meshes/")
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


def known_characters(items: list[Item]) -> dict[str, tuple[str, str]]:
    """Return label and char by absolute path, of the meshes that lie in mesh sets of ours (`sinonom carve`)."""
    known: dict[str, tuple[str, str]] = {}
    seen: set[Path] = set()
    for item in items:
        for folder in item.path.absolute().parents:
            if folder in seen:
                break  # its parents have been looked at as well
            seen.add(folder)
            if (folder / "artifact.json").is_file() and (folder / "metadata.csv").is_file():
                for row in read_table(folder / "metadata.csv")[1]:
                    known[str(folder / row.get("file_name", ""))] = (row.get("label", ""), row.get("char", ""))
    return known
