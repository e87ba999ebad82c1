"""Height maps, as laboratories keep them in place of meshes: 16-bit or float pictures and arrays, read into triangles.

A map becomes the open surface through its samples, facing +Z, so that all that holds for scanned meshes holds for it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.loading import is_deep, opened_picture, reason_of
from sinonom_cli.storage.mapped_arrays import mapped_array

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from sinonom_cli.meshes.read import Notes

PICTURES, ARRAYS = frozenset({".png", ".tif", ".tiff"}), frozenset({".npy"})
HEIGHT_SUFFIXES = PICTURES | ARRAYS

MOST_SAMPLES = 25_000_000
"""A file that claims more in one map is refused before anything is read: whole blocks are to be cut."""
LONGEST = 1024
"""Samples along the longer side that are kept: a finer map is averaged first. Pictures are 256 pixels wide."""
DEPTH = 0.1
"""Range of the heights, as a share of the map's longer side, that is taken where whole numbers have no scale: that of
carvings."""
MIDDLE = (1, 99)
"""Percentiles between which that range is measured."""
APART = 5.0
"""A value of a float map that several samples have, and that lies this many times the range of all others away from
them, stands for no surface: -9999, 1e38 and the like."""


@dataclass(frozen=True)
class Scale:
    """How to read height maps.

    Attributes
    ----------
    pixel : side of a pixel, mm.
    deeper : "dark": small numbers are deep; "light": great ones are.
    step : mm that a step of a map of whole numbers is high; None: nobody knows, and the range is taken for `DEPTH`.
    """

    pixel: float
    deeper: str = "dark"
    step: float | None = None


def maps_in(path: Path) -> int:
    """Return how many maps a file holds: pages of a TIFF, or layers of an array; 1 if it cannot be read."""
    try:
        if path.suffix.lower() in ARRAYS:
            maps = _maps_of(path)
            return len(maps) if maps.ndim == 3 else 1
        with opened_picture(path) as image:
            return int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    except Exception:  # who reads it says what is wrong with it
        return 1


def read_height_map(path: Path, number: int, scale: Scale, notes: "Notes") -> "NDArray[np.float32]":
    """Read one map of a file as a surface.

    Holes are NaN, infinite, 0 and 65535 of whole numbers, and what other maps have in their place: see `APART`.

    Parameters
    ----------
    number : which map of the file, from 0.
    notes : where it is said that a finer map was averaged.

    Returns
    -------
    (F, 3, 3) float32, triangles that face +Z, y up, mm, around the origin.

    Raises
    ------
    SinonomError
        If it is no height map of one channel and more than 8 bits, is too large, is all holes, or cannot have this
        scale.
    """
    values, whole = _read_array(path, number) if path.suffix.lower() in ARRAYS else _read_picture(path, number)
    known = np.isfinite(values)
    unsigned = whole and values.min() >= 0
    known &= ((values > 0) & (values < 65535)) if unsigned else ~_stands_for_nothing(values, known)
    heights = np.where(known, values, np.nan)
    if scale.deeper == "light":
        heights = -heights
    times = -(-max(heights.shape) // LONGEST)
    if times > 1:
        heights = _averaged(heights, times)
        notes.left_out.append(f"samples: {times} x {times} averaged to one")
    pixel = scale.pixel * times
    if np.isfinite(heights).sum() < 4:
        raise SinonomError(f"{path.name}: the height map is all holes, or nearly", "give a map with heights")
    heights -= np.nanmedian(heights)
    if whole:
        heights *= scale.step if scale.step is not None else _usual_step(heights, pixel)
    low, high = np.nanpercentile(heights, MIDDLE)
    if high - low > max(heights.shape) * pixel:
        what = f"{path.name}: heights of {high - low:.3g} mm on a map {max(heights.shape) * pixel:.3g} mm wide"
        raise SinonomError(what, "look at --pixel, and at --step where heights are whole numbers")
    triangles = _surface(heights.astype(np.float32), pixel)
    if not len(triangles):
        raise SinonomError(f"{path.name}: no three samples of the height map lie side by side", "give a whole map")
    return triangles


def _read_picture(path: Path, number: int) -> "tuple[NDArray[np.float64], bool]":
    """Heights (H, W) of a picture, and whether they are whole numbers."""
    try:
        with opened_picture(path) as image:
            _refuse_size(path, image.size)
            image.seek(number)
            if not is_deep(image):
                raise SinonomError(
                    f"{path.name}: a picture of {_kind_of(image)}, and no height map",
                    "height maps have one channel of 16 bits or floats; pictures of characters go to index or query",
                )
            values = np.asarray(image)
    except SinonomError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on bad bytes
        raise SinonomError(f"{path.name} {reason_of(path, error)}", "export it again") from error
    return values.astype(np.float64), image.mode != "F"


def _kind_of(image: "Image.Image") -> str:
    channels = len(image.getbands())
    return f"{channels} channels" if channels > 1 else "8 bits a pixel"


def _maps_of(path: Path) -> Any:
    """Map an array file that holds height maps, (H, W) or (N, H, W), of whole numbers or floats; else raise."""
    maps = mapped_array(path)
    if not isinstance(maps, np.ndarray):
        raise SinonomError(f"{path.name}: an archive is no height map", "numpy.save, not savez")
    if maps.ndim not in (2, 3) or maps.size == 0:
        raise SinonomError(f"{path.name}: an array of shape {maps.shape} is no height map", "(H, W), or (N, H, W)")
    if maps.dtype.kind not in "fiu" or maps.dtype.itemsize < 2:
        raise SinonomError(f"{path.name}: an array of {maps.dtype} is no height map", "float32, or uint16")
    return maps


def _read_array(path: Path, number: int) -> "tuple[NDArray[np.float64], bool]":
    """Heights (H, W) of a layer of an array, and whether they are whole numbers."""
    try:
        maps = _maps_of(path)
        _refuse_size(path, (maps.shape[-1], maps.shape[-2]))
        with np.errstate(over="ignore", invalid="ignore"):
            return (maps if maps.ndim == 2 else maps[number]).astype(np.float64), maps.dtype.kind != "f"
    except SinonomError:
        raise
    except Exception as error:  # a header may hold anything
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise SinonomError(f"{path.name}: cannot be read as an array: {reason}", "save it with numpy.save") from error


def _refuse_size(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MOST_SAMPLES:
        raise SinonomError(
            f"{path.name} claims {width:,} x {height:,} samples, more than {MOST_SAMPLES // 1_000_000} million",
            "cut the characters out, or make the map coarser",
        )


def _stands_for_nothing(values: "NDArray[np.float64]", known: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Where the least or the greatest float is a mark for holes: many samples have it, and no other is near."""
    nothing = np.zeros(values.shape, bool)
    for extreme in (np.min, np.max):
        some = values[known & ~nothing]
        if len(some) < 2:
            break
        mark = extreme(some)
        others = some[some != mark]
        if len(others) < 2 or len(some) - len(others) < 2:
            continue
        away = min(abs(mark - others.min()), abs(mark - others.max()))
        if away > APART * np.ptp(others) > 0:  # drawn maps may have two heights in all
            nothing |= values == mark
    return nothing


def _averaged(heights: "NDArray[np.float64]", times: int) -> "NDArray[np.float64]":
    """Mean of the known samples of each `times` x `times`; NaN where fewer than half are known."""
    rows, columns = (-(-side // times) * times for side in heights.shape)
    wide = np.full((rows, columns), np.nan)
    wide[: heights.shape[0], : heights.shape[1]] = heights
    blocks = wide.reshape(rows // times, times, columns // times, times)
    there = np.isfinite(blocks)
    count = there.sum(axis=(1, 3))
    sums = np.where(there, blocks, 0).sum(axis=(1, 3))
    return np.where(count * 2 >= times * times, sums / np.maximum(count, 1), np.nan)


def _usual_step(heights: "NDArray[np.float64]", pixel: float) -> float:
    """mm a step by which the heights' range is that of a carving, whatever tilt they have: its plane is taken out."""
    rows, columns = np.nonzero(np.isfinite(heights))
    some = slice(None, None, max(1, len(rows) // 20_000))
    rows, columns = rows[some].astype(np.float64), columns[some].astype(np.float64)
    values = heights[rows.astype(int), columns.astype(int)]
    # Sums, not a matrix product of BLAS, which rounds otherwise on other processors.
    x, y, z = columns - columns.mean(), rows - rows.mean(), values - values.mean()
    xx, yy, xy, xz, yz = ((a * b).sum() for a, b in ((x, x), (y, y), (x, y), (x, z), (y, z)))
    determinant = xx * yy - xy * xy
    if determinant > 0:
        z = z - ((yy * xz - xy * yz) * x + (xx * yz - xy * xz) * y) / determinant
    low, high = np.percentile(z, MIDDLE)
    return float(DEPTH * max(heights.shape) * pixel / (high - low)) if high > low else 1.0


def _surface(heights: "NDArray[np.float32]", pixel: float) -> "NDArray[np.float32]":
    """Two triangles for each four samples side by side, one where a sample is missing."""
    height, width = heights.shape
    points = np.empty((height, width, 3), np.float32)
    points[..., 0] = (np.arange(width) - (width - 1) / 2) * pixel
    points[..., 1] = (((height - 1) / 2 - np.arange(height)) * pixel)[:, None]
    points[..., 2] = heights
    there = np.isfinite(heights)
    corners = [(slice(None, -1), slice(None, -1)), (slice(1, None), slice(None, -1))]
    corners += [(slice(1, None), slice(1, None)), (slice(None, -1), slice(1, None))]  # counter-clockwise, from above
    known = [there[corner] for corner in corners]
    count = np.sum(known, axis=0)
    found = []
    for missing, of in (
        (None, (0, 1, 2)),
        (None, (0, 2, 3)),
        (0, (1, 2, 3)),
        (1, (0, 2, 3)),
        (2, (0, 1, 3)),
        (3, (0, 1, 2)),
    ):
        mine = count == 4 if missing is None else (count == 3) & ~known[missing]
        found.append(np.stack([points[corners[k]][mine] for k in of], axis=1))
    return np.concatenate(found)
