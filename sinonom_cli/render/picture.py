"""One mesh, from file to picture: read, level, depth, tone."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sinonom_cli.artifacts.batch import Item, Row
from sinonom_cli.artifacts.files import save_png
from sinonom_cli.artifacts.inputs import DEPTH_FOLDER
from sinonom_cli.artifacts.names import distinct
from sinonom_cli.artifacts.own_tables import read_table
from sinonom_cli.errors import SinonomError
from sinonom_cli.render.depth import MARGIN, cast_rays, extent, z_buffer
from sinonom_cli.render.gltf import files_beside
from sinonom_cli.render.level import flatten, level, tilt_of
from sinonom_cli.render.mesh import read_mesh
from sinonom_cli.render.tone import TONES

if TYPE_CHECKING:
    from numpy.typing import NDArray


FEWEST_STEPS = 500
"""Into how many steps single precision must divide a mesh; below, its relief is lost in the file already."""

DEPTH_COLUMNS = ("depth_file_name", "depth_scale", "depth_offset", "depth_pixel")
"""What `--depth16` adds to the metadata."""


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
    depth16 : whether to write the heights as well.
    """

    size: int = 256
    projection: str = "orthographic"
    level: str = "auto"
    tone: str = "local"
    mirror: bool = False
    depth16: bool = False


class Drawn(NamedTuple):
    """A mesh drawn.

    Attributes
    ----------
    picture : (S, S) uint8, dark strokes on light ground.
    tilt : what was taken out, degrees.
    heights : (S, S) float32, of the turned mesh under each pixel, in units of `width`, measured from `middle`; -inf
        where there is no surface.
    width : what the picture's side shows, mesh units.
    middle : z of the middle of the turned mesh, mesh units.
    """

    picture: "NDArray[np.uint8]"
    tilt: float
    heights: "NDArray[np.float32]"
    width: float
    middle: float


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
        drawn = draw(triangles, self.view)
        save_png(self.out / target.file_name, drawn.picture)
        row = {"file_name": target.file_name, "label": target.label, "char": target.char, "source": item.key, "box": ""}
        row |= {"faces": str(len(triangles)), "tilt": f"{drawn.tilt:.2f}"}
        return [row | self._depth(target.file_name, drawn) if self.view.depth16 else row]

    def outputs(self, item: Item) -> list[str]:
        """Return the files that the item becomes, relative to the set."""
        name = item.data.file_name
        return [name, _depth_name(name)] if self.view.depth16 else [name]

    def _depth(self, file_name: str, drawn: Drawn) -> Row:
        """Write the heights; return how to read them, in the columns of DEPTH_COLUMNS."""
        file_name = _depth_name(file_name)
        steps, scale, offset = sixteen_bits(drawn.heights.astype(np.float64) * drawn.width + drawn.middle)
        save_png(self.out / file_name, steps)
        # In perspective a pixel shows the more, the lower it looks.
        pixel = f"{drawn.width / self.view.size:.9g}" if self.view.projection == "orthographic" else ""
        return dict(zip(DEPTH_COLUMNS, (file_name, f"{scale:.9g}", f"{offset:.9g}", pixel), strict=True))


def _depth_name(file_name: str) -> str:
    """Return where the heights of a picture go: not below images/, where all is a picture of a character."""
    return file_name.replace("images", DEPTH_FOLDER, 1)


def sixteen_bits(heights: "NDArray[np.float64]") -> "tuple[NDArray[np.uint16], float, float]":
    """Return heights as 16-bit numbers, and the scale and offset that turn them back.

    Parameters
    ----------
    heights : (S, S) float64; -inf where there is no surface; some are finite.

    Returns
    -------
    steps : (S, S) uint16; 0 where there is no surface, else 1 to 65535.
    scale, offset : a height is offset + scale * step, to within half a scale.
    """
    surface = heights > -np.inf
    known = heights[surface]
    low, high = float(known.min()), float(known.max())
    scale = (high - low) / 65534 or 1.0
    steps = np.zeros(heights.shape, np.uint16)
    steps[surface] = np.round((known - low) / scale) + 1
    return steps, scale, low - scale


def draw(triangles: "NDArray[np.float32]", view: View) -> Drawn:
    """Draw a mesh.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, facing +Z, y up, any units.

    Raises
    ------
    SinonomError
        If nothing of the mesh is to be seen from +Z.
    """
    rotation = level(triangles) if view.level == "auto" else np.eye(3)
    heights, width, middle = depth_map(triangles, rotation, view)
    picture = TONES[view.tone](flatten(heights) if view.level == "auto" else heights)
    if view.mirror:
        picture, heights = np.ascontiguousarray(picture[:, ::-1]), heights[:, ::-1]
    return Drawn(picture, tilt_of(rotation), heights, width, middle)


def depth_map(
    triangles: "NDArray[np.float32]", rotation: "NDArray[np.float64]", view: View
) -> "tuple[NDArray[np.float32], float, float]":
    """Return how high the mesh is under each pixel, the whole of it in the picture.

    Returns
    -------
    heights : (S, S) float32 in units of `width`, measured from `middle`; -inf where there is no surface.
    width : what the picture's side shows, mesh units.
    middle : z of the middle of the turned mesh, mesh units.

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
    step = float(np.spacing(np.float32(np.abs(box).max())))
    if step * FEWEST_STEPS > max(sides):
        raise SinonomError(
            f"so far from the origin that coordinates are rounded to {step:g}, while the mesh is {max(sides):g} wide",
            "export it in double precision, or move it to the origin",
        )
    if view.projection == "perspective":
        heights = cast_rays(triangles, rotation, centre, float(max(sides)), view.size)
    else:
        heights = z_buffer(triangles, rotation, centre, width, view.size)
    if not np.isfinite(heights).any():
        raise SinonomError("nothing of the mesh is to be seen from +Z", "turn the mesh to face +Z, y up")
    return heights / np.float32(width), float(width), float(centre[2])


def targets(items: list[Item], known: dict[str, tuple[str, str]]) -> list[Item]:
    """Give each item the name of its picture: `images/<relative path>.png`.

    Parameters
    ----------
    items : meshes.
    known : label and char by absolute path, for meshes whose character is known.
    """
    names = distinct({item.key: _without_suffix(item.key) for item in items}, ".png")
    out = []
    for item in items:
        label, char = known.get(str(item.path.absolute()), ("", ""))
        files = files_beside(item.path) if item.path.suffix.lower() == ".gltf" and not item.fault else ()
        target = Target(f"images/{names[item.key]}", label, char)
        out.append(replace(item, data=target, about=label + char, files=files))
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
