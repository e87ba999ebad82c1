"""Render meshes and height maps from Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.render.options import LARGEST, SMALLEST, Deeper, Level, Projection, Tone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Mesh: TypeAlias = str | Path | NDArray[np.floating] | tuple[NDArray[np.floating], NDArray[np.integer]]


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """A depth image of a mesh or of a height map.

    Attributes
    ----------
    picture : (S, S) uint8, dark strokes on light ground.
    heights : (S, S) float32, height of the surface under each pixel, in units of `width`; -inf where there is none.
    width : length that the picture's side shows, in the unit of the mesh (for a height map: mm).
    tilt : tilt of the mesh that was removed, degrees.
    turned : direction of the carved side in the file, such as `-Z`; "" if the mesh was not turned.
    left_out, remarks : parts that were left out, and anything odd or uncertain about the file.
    """

    picture: NDArray[np.uint8] = field(repr=False)
    heights: NDArray[np.float32] = field(repr=False)
    width: float
    tilt: float
    turned: str = ""
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def image(self) -> Image:
        """Return the picture as a Pillow image."""
        from PIL import Image

        return Image.fromarray(self.picture)

    def _repr_png_(self) -> bytes:
        import io

        buffer = io.BytesIO()
        self.image().save(buffer, "PNG")
        return buffer.getvalue()


def render(
    mesh: Mesh,
    *,
    size: int = 256,
    projection: str = "orthographic",
    level: str = "auto",
    tone: str = "local",
    mirror: bool = False,
    as_is: bool = False,
    pixel: float | None = None,
    deeper: str = "dark",
    step: float | None = None,
) -> Rendering:
    """Render one mesh, or one height map, to a depth image, as `sinonom render` does.

    Parameters
    ----------
    mesh : path of a mesh (STL, PLY, OBJ, OFF, glTF) or of a height map; or (F, 3, 3) triangles; or a tuple of
        vertices (V, 3) and faces (F, 3). If the carved side does not face +Z, it is searched for.
    size : side of the picture in pixels, 16 to 4096.
    projection : "orthographic", or "perspective", which needs the extra `open3d`.
    level : "auto" to remove tilt and bend, or "off" to keep them.
    tone : mapping from heights to grey values, "local" or "report".
    mirror : swap left and right.
    as_is : draw the mesh as it is, without turning it over or leaving parts out.
    pixel, deeper, step : for height maps only: side of a pixel in mm, the grey that is deeper ("dark" or "light"), and
        height of one grey step in mm.

    Raises
    ------
    BadInput
        If the mesh cannot be read, or has no relief.
    UsageError
        If an option has an invalid value.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:40, 0:40] / 40
    >>> z = np.where(abs(x - 0.5) < 0.1, 0.1, 0.0)
    >>> vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    >>> corner = (np.arange(39)[:, None] * 40 + np.arange(39)).reshape(-1, 1)
    >>> faces = np.concatenate([corner + [0, 1, 40], corner + [1, 41, 40]])
    >>> picture = render((vertices, faces), size=64).picture
    >>> bool(picture[32, 32] < 100 < picture[32, 8])
    True
    """
    from sinonom_cli.meshes.height_maps import Scale
    from sinonom_cli.meshes.read import Notes
    from sinonom_cli.meshes.zbuffer import load_open3d
    from sinonom_cli.render.render import View
    from sinonom_cli.render.run import drawn, read_one
    from sinonom_cli.search.familiar import Familiar

    for option, value, allowed in (
        ("projection", projection, Projection),
        ("level", level, Level),
        ("tone", tone, Tone),
        ("deeper", deeper, Deeper),
    ):
        if value not in list(allowed):
            raise UsageError(f"{option}={value!r} is not a valid value", " or ".join(allowed))
    if not SMALLEST <= size <= LARGEST:
        raise UsageError(f"size={size} is not between {SMALLEST} and {LARGEST}", "size=256")
    if pixel is None and (deeper != "dark" or step is not None):
        raise UsageError("deeper and step have no effect without pixel", "give pixel, in mm, such as pixel=0.1")
    if pixel is not None and not 0 < pixel < float("inf"):
        raise UsageError(f"pixel={pixel} is not a width", "give a positive width in mm, such as pixel=0.1")
    if projection == "perspective":
        load_open3d("projection='perspective'")
    view = View(size=size, projection=projection, level=level, tone=tone, mirror=mirror, depth16=False, as_is=as_is)
    notes = Notes()
    if isinstance(mesh, str | Path):
        if not Path(mesh).is_file():
            raise BadInput(f"{mesh} does not exist", "check the path")
        triangles = read_one(Path(mesh), 0, None if pixel is None else Scale(pixel, deeper, step), notes)
    else:
        triangles = _triangles_of(mesh)
    done, _ = drawn(triangles, view, Familiar(), notes)
    return Rendering(
        picture=done.picture,
        heights=done.heights,
        width=float(done.width),
        tilt=float(done.tilt),
        turned=notes.turned,
        left_out=tuple(notes.left_out),
        remarks=tuple(notes.remarks),
    )


def _triangles_of(mesh: Any) -> NDArray[np.float32]:
    """Return arrays as (F, 3, 3) float32 triangles, moved to the origin if float32 would round them."""
    import numpy as np

    from sinonom_cli.meshes.precision import single_precision

    try:
        if isinstance(mesh, tuple):
            vertices, faces = (np.asarray(part) for part in mesh)
            if faces.dtype.kind not in "iu" or (faces.size and faces.min() < 0):
                raise BadInput("faces are not indices of vertices, which count from 0", "give (F, 3) integers")
            triangles = vertices.astype(np.float64)[faces]
        else:
            triangles = np.asarray(mesh, np.float64)
    except (ValueError, TypeError, IndexError) as error:
        raise BadInput(f"these arrays are not a mesh: {error}", "give (F, 3, 3), or (V, 3) and (F, 3)") from error
    if triangles.ndim != 3 or triangles.shape[1:] != (3, 3) or len(triangles) == 0:
        raise BadInput(f"an array of shape {triangles.shape} is not a mesh", "give (F, 3, 3), or (V, 3) and (F, 3)")
    if not np.isfinite(triangles).all() or abs(triangles).max() > 1e30:
        raise BadInput("some vertices are not finite, or are too large", "leave their faces out")
    return single_precision(triangles)
