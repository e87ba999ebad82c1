"""Compute the depth images that `render` would draw of carved reliefs, in whole batches and without making meshes.

The relief model is that of `physics`, which `carve` uses as well; a test compares these depth images with those that
`render` draws of carved meshes. The functions work on any torch device. They take a generator, so that a batch depends
on its seed alone.
"""

import functools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sinonom_cli.relief import physics as carved
from sinonom_cli.relief.physics import Relief, Span
from sinonom_cli.relief.random_fields import RandomFields
from sinonom_cli.relief.tone_constants import CUT, PERCENTILES, REACH, SOFT, WORN

CACHED = 2**17
"""Number of pixels that are processed at a time."""

LEVELLED = (Span(0, 1.8), Span(0, 0.016))
"""Tilt (degrees) and bend (plate widths) that remain in a relief after levelling."""


def depth_images(
    strokes: Tensor, draw: RandomFields, relief: Relief | None = None, left: tuple[Span, Span] = LEVELLED
) -> Tensor:
    """Carve strokes and draw the relief as `render` would, levelled and toned.

    Parameters
    ----------
    strokes : (N, S, S) float32 in [0, 1], 1 = stroke; a picture shows a whole plate. The caller places the characters
        on it, and neighbours beside them.
    draw : result of `torch_fields` for N pictures of side S, on the device of `strokes`.
    relief : ranges of the relief's amounts; None: those of `carve`.
    left : tilt, in degrees, and bend, in plate widths, that remain after levelling.

    Returns
    -------
    (N, S, S) float32, whole numbers 0..255: stroke tops are dark, the ground and places outside the plate are light.
    """
    return toned(*surfaces(strokes, draw, relief, left))


def surfaces(
    strokes: Tensor, draw: RandomFields, relief: Relief | None = None, left: tuple[Span, Span] = LEVELLED
) -> tuple[Tensor, Tensor]:
    """Return heights (N, S, S) float32, in plate widths, and where the plate is, (N, S, S) bool; see `depth_images`."""
    relief = relief or Relief()
    drawn = carved.amounts(relief, draw)
    plate = carved.plate(relief.ragged, draw)
    lies = carved.lie(*left, draw)
    y, x = draw.plane()
    slope = torch.tan(lies.tilt * (math.pi / 180)) * (torch.cos(lies.way) * x + torch.sin(lies.way) * y)
    heights = carved.heights(distance(strokes), strokes, drawn, draw)
    return heights.add_(slope + carved.bent(lies, draw)), plate


def distance(strokes: Tensor) -> Tensor:
    """Return the distance of each pixel from the nearest stroke, in picture widths, at most `physics.FARTHEST`.

    Squared distances are computed along columns, then along rows, by erosion with parabolas (van den Boomgaard 1992).
    Each parabola is built up from three-point steps.

    Parameters
    ----------
    strokes : (N, S, S) float32 in [0, 1]; the edge of a stroke lies where the value is 0.5.

    Returns
    -------
    (N, S, S) float32.
    """
    size = strokes.shape[2]
    # A few pictures at a time fit into a processor's cache: two and a half times as fast as 128 at once.
    some = max(1, CACHED // size**2) if strokes.device.type == "cpu" else max(1, len(strokes))
    far = torch.cat([_eroded(part) for part in (strokes >= 0.5).split(some)])
    # Pixels of a stroke are found by their centres; the stroke's edge lies some 0.4 pixels beyond them (measured).
    # Pixels that the edge passes through give its distance themselves.
    edge = torch.where(strokes > 0, 0.5 - strokes, torch.inf)
    return (torch.minimum(far.sqrt() - 0.4, edge) / size).clamp(0, carved.FARTHEST)


def _eroded(inside: Tensor) -> Tensor:
    """Return squared distances (N, S, S), in pixels, to the nearest True; too large where none is within FARTHEST."""
    reach = math.ceil(carved.FARTHEST * inside.shape[2]) + 1
    far = torch.where(inside, 0.0, float(2 * reach * reach))
    for _ in range(2):
        raised = torch.empty_like(far)
        for k in range(reach):
            torch.add(far, 2 * k + 1, out=raised)
            torch.minimum(far[:, :-1], raised[:, 1:], out=far[:, :-1])
            torch.minimum(far[:, 1:], raised[:, :-1], out=far[:, 1:])
        far = far.mT.contiguous()
    return far


def toned(heights: Tensor, plate: Tensor) -> Tensor:
    """Tone heights like `render --tone local`: a point is dark if it is near the tops around it.

    Parameters
    ----------
    heights : (N, S, S) float32, levelled heights.
    plate : (N, S, S) bool, where there is a surface.

    Returns
    -------
    (N, S, S) float32, whole numbers 0..255. For S = 256 they equal those of `render`; for other S, those of a 256-pixel
    picture reduced to S.
    """
    size = heights.shape[2]
    low, high = _percentiles(heights[:, ::3, ::3].flatten(1), plate[:, ::3, ::3].flatten(1))
    d = (heights - high).div_((high - low).clamp(min=1e-9)).clamp_(-1.5, 0.1).masked_fill_(~plate, -1.5)
    fine, coarse = (torch.from_numpy(m).to(heights) for m in _smoothing(size))
    d = fine @ d @ fine.mT if SOFT * size > 1 else d
    block = max(1, size // 64)
    tops = functional.max_pool2d(d[:, None], block, ceil_mode=True)[:, 0] if block > 1 else d
    tops = coarse @ _highest(tops, _radius(tops.shape[1])) @ coarse.mT
    ink = (d - tops.clamp_(min=-WORN)).div_(CUT).add_(1).clamp_(0, 1).square_().mul_(plate)
    return ink.mul_(-255).add_(255.5).floor_()


def _percentiles(values: Tensor, known: Tensor) -> list[Tensor]:
    """Return PERCENTILES of the known ones of (N, K) values, interpolated; each (N, 1, 1), 0 where none is known."""
    ordered = torch.where(known, values, torch.inf).sort(dim=1).values
    last = known.sum(dim=1, keepdim=True) - 1
    found = []
    for share in PERCENTILES:
        place = last.clamp(min=0) * (share / 100)
        below = place.floor().long()
        low, high = (ordered.gather(1, torch.minimum(at, last.clamp(min=0))) for at in (below, below + 1))
        found.append(torch.where(last < 0, 0, low + (place - below) * (high - low))[:, :, None])
    return found


def _radius(count: int) -> int:
    return max(1, round(REACH * count / 2))


def _highest(field: Tensor, radius: int) -> Tensor:
    """Return the maximum over square windows of side 2 radius + 1."""
    for _ in range(2):
        top = field.clone()
        for k in range(1, radius + 1):
            torch.maximum(top[:, k:], field[:, :-k], out=top[:, k:])
            torch.maximum(top[:, :-k], field[:, k:], out=top[:, :-k])
        field = top.mT.contiguous()
    return field


@functools.lru_cache(8)
def _smoothing(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights (S, S) of the fine blur of heights, and (S, count) of the blur of block maxima."""
    block = max(1, size // 64)
    count = -(-size // block)
    repeated = np.repeat(np.eye(count), block, axis=0)[:size]
    tops = _box(size, 2 * block + 1) @ repeated @ _box(count, 2 * _radius(count) + 1)
    return _box(size, SOFT * size).astype(np.float32), tops.astype(np.float32)


def _box(size: int, width: float) -> NDArray[np.float64]:
    """Return (size, size) weights of the mean over `width` pixels around each one; the border is repeated outwards."""
    reach = math.ceil(width / 2) + 1
    away = np.abs(np.arange(-reach, size + reach)[None, :] - np.arange(size)[:, None])
    weights = np.clip((max(width, 1) + 1) / 2 - away, 0, 1)
    weights /= weights.sum(axis=1, keepdims=True)
    inside = weights[:, reach:-reach].copy()
    inside[:, 0] += weights[:, :reach].sum(axis=1)
    inside[:, -1] += weights[:, -reach:].sum(axis=1)
    return inside
