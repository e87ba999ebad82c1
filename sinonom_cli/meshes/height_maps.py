"""Read height maps, which laboratories keep in place of meshes, into triangles: 16-bit or float pictures and arrays.

A map becomes the open surface through its samples, facing +Z, so everything that works for scanned meshes works for it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.samples import surface_of
from sinonom_cli.pictures.loading import is_deep, opened_picture, page_frames, reason_of
from sinonom_cli.storage.mapped_arrays import mapped_array, part_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from sinonom_cli.meshes.read import Notes

PICTURES, ARRAYS = frozenset({".png", ".tif", ".tiff"}), frozenset({".npy"})
HEIGHT_SUFFIXES = PICTURES | ARRAYS

MOST_SAMPLES = 25_000_000
"""Largest number of samples in a map; a file that claims more is refused before it is decoded. Such maps show whole
blocks, whose characters must be cut out first."""
LONGEST = 1024
"""Largest number of samples along the longer side; a finer map is averaged first. Pictures are 256 pixels wide."""
DEPTH = 0.1
"""Range of heights, as a share of the map's longer side, assumed for whole numbers without a scale: the range of
carvings."""
MIDDLE = (1, 99)
"""Percentiles of the heights between which that range is measured."""
APART = 5.0
"""Smallest distance of a value that marks holes (-9999, 1e38 and the like) from all other values of a float map, as a
multiple of their range; several samples must have that value."""


@dataclass(frozen=True)
class Scale:
    """Scale of height maps.

    Attributes
    ----------
    pixel : side of a pixel, in mm.
    deeper : "dark" if small numbers are deep; "light" if large numbers are deep.
    step : height of one step of a whole-number map, in mm; None: unknown, then the range of heights becomes `DEPTH`.
    """

    pixel: float
    deeper: str = "dark"
    step: float | None = None


@dataclass(frozen=True)
class Limits:
    """What is accepted as a height map, and assumed about it.

    Attributes
    ----------
    samples : largest number of samples; a file that claims more is refused before it is decoded.
    longest : largest number of samples along the longer side, above which a map is averaged; None: never.
    span : range of heights that is assumed for whole numbers without a scale, in mm; None: DEPTH of the longer side.
    single : whether heights are float32 where a picture has no more digits, so that large maps take half the memory.
    """

    samples: int = MOST_SAMPLES
    longest: int | None = LONGEST
    span: float | None = None
    single: bool = False


CHARACTERS = Limits()
"""Limits for the maps of single characters."""


def maps_in(path: Path) -> int:
    """Return the number of maps in a file: pages of a TIFF, or layers of an array; 1 if it cannot be read."""
    try:
        if path.suffix.lower() in ARRAYS:
            maps = _maps_of(path)
            return len(maps) if maps.ndim == 3 else 1
        with opened_picture(path) as image:
            return len(page_frames(image))
    except Exception:  # reading the file raises the error that the user sees
        return 1


def read_height_map(path: Path, number: int, scale: Scale, notes: "Notes") -> "NDArray[np.float32]":
    """Read one map of a file as a surface.

    Samples count as holes if they are NaN or infinite, 0 or 65535 in unsigned whole numbers, or the mark that other
    maps use for holes (see `APART`).

    Parameters
    ----------
    number : index of the map in the file, from 0.
    notes : receives a note if a finer map was averaged.

    Returns
    -------
    (F, 3, 3) float32 triangles, in mm, facing +Z, with y up, centred on the origin.

    Raises
    ------
    SinonomError
        If the file is not a height map of one channel and more than 8 bits, is too large, has nearly no heights, or
        does not fit this scale.
    """
    heights, pixel = read_heights(path, number, scale, notes)
    triangles = surface_of(heights.astype(np.float32), pixel)
    if not len(triangles):
        raise SinonomError(f"{path.name}: no three samples of the height map lie side by side", "give a whole map")
    return triangles


def read_heights(
    path: Path, number: int, scale: Scale, notes: "Notes", limits: Limits = CHARACTERS
) -> "tuple[NDArray[np.floating], float]":
    """Read one map of a file as heights.

    Parameters, holes and errors are those of `read_height_map`.

    Returns
    -------
    heights : (H, W) float64, or float32 (see `Limits`), in mm, about their median; NaN in holes; larger is nearer to
        the viewer.
    pixel : side of a pixel, in mm.
    """
    read = _read_array if path.suffix.lower() in ARRAYS else _read_picture
    heights, whole = read(path, number, limits)
    known = np.isfinite(heights)
    unsigned = whole and heights.min() >= 0
    known &= ((heights > 0) & (heights < 65535)) if unsigned else ~_stands_for_nothing(heights, known)
    heights[~known] = np.nan
    del known
    if scale.deeper == "light":
        np.negative(heights, out=heights)
    times = -(-max(heights.shape) // limits.longest) if limits.longest else 1
    if times > 1:
        heights = averaged(heights, times)
        notes.left_out.append(f"samples: {times} x {times} averaged to one")
    pixel = scale.pixel * times
    if np.isfinite(heights).sum() < 4:
        raise SinonomError(f"{path.name}: the height map holds no heights, or nearly none", "give a map with heights")
    heights -= np.nanmedian(heights)
    if whole:
        heights *= (
            scale.step
            if scale.step is not None
            else _usual_step(heights, limits.span or DEPTH * max(heights.shape) * pixel)
        )
    low, high = np.nanpercentile(heights, MIDDLE)
    if high - low > max(heights.shape) * pixel:
        what = f"{path.name}: heights vary by {high - low:.3g} mm on a map {max(heights.shape) * pixel:.3g} mm wide"
        raise SinonomError(what, "check --pixel, and --step if heights are whole numbers")
    return heights, pixel


def _read_picture(path: Path, number: int, limits: Limits) -> "tuple[NDArray[np.floating], bool]":
    """Return the heights (H, W) of a picture, and whether they are whole numbers."""
    try:
        with opened_picture(path) as image:
            image.seek(page_frames(image)[number])
            _refuse_size(path, image.size, limits.samples)
            if not is_deep(image):
                raise SinonomError(
                    f"{path.name}: a picture of {_kind_of(image)}, not a height map",
                    "height maps have one channel of 16 bits or floats; pictures of characters go to index or query",
                )
            values = np.asarray(image)
    except SinonomError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on bad bytes
        raise SinonomError(f"{path.name} {reason_of(path, error)}", "export it again") from error
    return values.astype(_precision(values.dtype, limits)), image.mode != "F"


def _precision(kind: Any, limits: Limits) -> Any:
    """Return the type of heights that a file has in another type."""
    return np.float32 if limits.single and (kind.itemsize == 2 or kind == np.float32) else np.float64


def _kind_of(image: "Image.Image") -> str:
    channels = len(image.getbands())
    return f"{channels} channels" if channels > 1 else "8 bits a pixel"


def _maps_of(path: Path) -> Any:
    """Map an array file that holds height maps, (H, W) or (N, H, W), as whole numbers or floats; raise for others."""
    maps = mapped_array(path)
    if not isinstance(maps, np.ndarray):
        raise SinonomError(f"{path.name}: an archive is not a height map", "save with numpy.save, not savez")
    if maps.ndim not in (2, 3) or maps.size == 0:
        raise SinonomError(
            f"{path.name}: an array of shape {maps.shape} is not a height map", "give (H, W), or (N, H, W)"
        )
    if maps.dtype.kind not in "fiu" or maps.dtype.itemsize < 2:
        raise SinonomError(f"{path.name}: an array of {maps.dtype} is not a height map", "give float32, or uint16")
    return maps


def _read_array(path: Path, number: int, limits: Limits) -> "tuple[NDArray[np.floating], bool]":
    """Return the heights (H, W) of an array's layer, and whether they are whole numbers."""
    try:
        maps = _maps_of(path)
        _refuse_size(path, (maps.shape[-1], maps.shape[-2]), limits.samples)
        values = part_of(maps, 0, len(maps)) if maps.ndim == 2 else part_of(maps, number, number + 1)[0]
        with np.errstate(over="ignore", invalid="ignore"):
            return values.astype(np.float64), maps.dtype.kind != "f"
    except SinonomError:
        raise
    except Exception as error:  # a header may hold anything
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise SinonomError(f"{path.name}: cannot be read as an array: {reason}", "save it with numpy.save") from error


def _refuse_size(path: Path, size: tuple[int, int], most: int) -> None:
    width, height = size
    if width * height > most:
        raise SinonomError(
            f"{path.name} claims {width:,} x {height:,} samples, more than {most // 1_000_000} million",
            "cut the characters out, or make the map coarser",
        )


def _stands_for_nothing(values: "NDArray[np.floating]", known: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Return where values mark holes: the least or greatest value, if several samples have it and no other is near."""
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
        if away > APART * np.ptp(others) > 0:  # artificial maps may have only two heights
            nothing |= values == mark
    return nothing


def averaged(heights: "NDArray[np.floating]", times: int) -> "NDArray[np.floating]":
    """Return the mean of the known samples of each `times` x `times` block; NaN where fewer than half are known."""
    starts = np.arange(0, heights.shape[1], times)
    out = np.empty((-(-heights.shape[0] // times), len(starts)), heights.dtype)
    for row in range(len(out)):  # one row of blocks at a time: large maps are in memory once
        strip = heights[row * times : (row + 1) * times]
        there = np.isfinite(strip)
        count = np.add.reduceat(there.sum(axis=0), starts)
        sums = np.add.reduceat(np.where(there, strip, 0).sum(axis=0), starts)
        out[row] = np.where(count * 2 >= times * times, sums / np.maximum(count, 1), np.nan)
    return out


def _usual_step(heights: "NDArray[np.floating]", span: float) -> float:
    """Return the step, in mm, that gives the heights, after removing their plane, a range of `span` mm."""
    at = _some_of(np.isfinite(heights).ravel(), 20_000)
    rows, columns = (part.astype(np.float64) for part in np.divmod(at, heights.shape[1]))
    values = heights.ravel()[at].astype(np.float64)
    # Sums are used because matrix products of BLAS round differently on different processors.
    x, y, z = columns - columns.mean(), rows - rows.mean(), values - values.mean()
    xx, yy, xy, xz, yz = ((a * b).sum() for a, b in ((x, x), (y, y), (x, y), (x, z), (y, z)))
    determinant = xx * yy - xy * xy
    if determinant > 0:
        z = z - ((yy * xz - xy * yz) * x + (xx * yz - xy * xz) * y) / determinant
    low, high = np.percentile(z, MIDDLE)
    return float(span / (high - low)) if high > low else 1.0


def _some_of(known: "NDArray[np.bool_]", wanted: int) -> "NDArray[np.int64]":
    """Return the indices of every n-th True, such that at least `wanted` are chosen if there are so many."""
    step, seen, found = max(1, int(known.sum()) // wanted), 0, []
    for start in range(0, len(known), 1 << 22):
        here = np.flatnonzero(known[start : start + (1 << 22)])
        found.append(here[-seen % step :: step] + start)
        seen += len(here)
    return np.concatenate(found)
