"""From a picture of a character to a relief that looks like a scanned woodblock.

Lengths are in units of the plate's width. The plate's face, where the strokes stand, is at height 0; ground is below.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sinonom_cli.carve.distance import distance_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEPTH = (0.12, 0.2)
"""How deep the ground lies far from any stroke: least and greatest."""
FLANK = (0.035, 0.06)
"""Distance from a stroke over which the ground falls to 1 - 1/e of its depth: narrow gaps stay shallow."""
BORDER = 0.1
"""Width of the strip around the picture, where neighbours' strokes and the plate's edge are."""
FINER = 2
"""Strokes are drawn on a grid so many times finer than the mesh, so that their edges fall between its vertices."""


@dataclass(frozen=True)
class Carving:
    """How reliefs are carved; every amount at 0 is an ideal block, scanned perfectly.

    Attributes
    ----------
    resolution : vertices along the side of the plate.
    tilt : greatest tilt about x and about y, degrees.
    bend : greatest bend of the plate from its middle to its edge, plate widths.
    wear : 0 fresh to 1 much worn: tops rounded and planed off in places, strokes broken.
    noise : standard deviation of the scan's noise, plate widths.
    neighbours : how likely a part of a neighbouring character shows on each side, 0 to 1.
    register : how far print and block are out of register; 1: up to 4 % shift, 5 % scale, 3 degrees.
    """

    resolution: int = 128
    tilt: float = 6.0
    bend: float = 0.02
    wear: float = 0.5
    noise: float = 0.0015
    neighbours: float = 0.5
    register: float = 1.0


@dataclass(frozen=True)
class Pose:
    """How a plate lies: rotations about x, then y, then z, degrees."""

    x: float
    y: float
    z: float


def carve_heights(
    ink: "NDArray[np.float32]", carving: Carving, rng: np.random.Generator
) -> "tuple[NDArray[np.float32], NDArray[np.bool_]]":
    """Carve a picture.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], 1 = ink.

    Returns
    -------
    heights : (N, N) float32, plate widths; row 0 is the top of the character.
    plate : (N, N) bool, where the plate is: all but what lies beyond its ragged edge.
    """
    size = carving.resolution
    strokes = _strokes(ink, carving, rng)
    far = _pooled(distance_to(strokes > rng.uniform(0.4, 0.6)), size) / np.float32(size * FINER)
    away = 1 - np.exp(-far / np.float32(rng.uniform(*FLANK)))
    depth = rng.uniform(*DEPTH)
    heights = -depth * away + depth * 0.1 * away * _tool_marks(size, rng)
    heights = _worn(heights, depth, carving.wear, rng)
    heights += _bend(size, carving.bend, rng)
    heights += carving.noise * _waves(size, 0.6, 0.6, rng)
    return heights.astype(np.float32), _plate(size, rng)


def pose(carving: Carving, rng: np.random.Generator) -> Pose:
    """Draw how the plate lies on the scanner."""
    x, y = rng.uniform(-carving.tilt, carving.tilt, 2)
    return Pose(float(x), float(y), float(rng.uniform(-3, 3) * carving.register))


def mesh_of(heights: "NDArray[np.float32]", plate: "NDArray[np.bool_]", lies: Pose) -> "NDArray[np.float32]":
    """Return the open surface of a height map as triangles facing +Z, y up, in the unit cube around the origin.

    Parameters
    ----------
    heights, plate : as `carve_heights` returns them.

    Returns
    -------
    (F, 3, 3) float32.
    """
    size = len(heights)
    at = np.arange(size) / (size - 1) - 0.5
    x, y = np.meshgrid(at, -at)
    points = np.stack([x, y, heights], axis=-1).reshape(-1, 3) @ _rotation(lies).T
    used = points[plate.ravel()]
    low, high = used.min(axis=0), used.max(axis=0)
    points = ((points - (low + high) / 2) / (high - low).max()).astype(np.float32)
    index = np.arange(size * size).reshape(size, size)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    whole = plate[:-1, :-1] & plate[:-1, 1:] & plate[1:, :-1] & plate[1:, 1:]
    faces = np.concatenate([np.stack([a, c, b], -1)[whole], np.stack([b, c, d], -1)[whole]])
    return points[faces]


def _rotation(lies: Pose) -> "NDArray[np.float64]":
    (sx, sy, sz), (cx, cy, cz) = (f(np.radians([lies.x, lies.y, lies.z])) for f in (np.sin, np.cos))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _strokes(ink: "NDArray[np.float32]", carving: Carving, rng: np.random.Generator) -> "NDArray[np.float32]":
    """Draw the character and its neighbours on the plate, out of register; (N FINER, N FINER) float32 in [0, 1]."""
    size = carving.resolution * FINER
    shift = rng.uniform(-0.04, 0.04, 2) * carving.register
    stretch = 1 + rng.uniform(-0.05, 0.05, 2) * carving.register
    strokes = _drawn(ink, size, shift, stretch)
    for side in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        present, reach, slide = rng.random(), rng.uniform(0.72, 0.9), rng.uniform(-0.1, 0.1)
        if present < carving.neighbours:
            # The character itself turned upside down serves as its neighbour: the same hand, and other strokes.
            away = np.array(side) * reach + np.array(side[::-1]) * slide
            strokes = np.maximum(strokes, _drawn(ink[::-1, ::-1], size, away, stretch))
    return strokes


def _drawn(
    ink: "NDArray[np.float32]", size: int, shift: "NDArray[np.float64]", stretch: "NDArray[np.float64]"
) -> "NDArray[np.float32]":
    """Draw a picture in the middle of the plate, moved by `shift` (x, y; plate widths) and scaled by `stretch`."""
    height, width = ink.shape
    step_x, step_y = max(height, width) / (1 - 2 * BORDER) / size / stretch
    left = width / 2 - step_x * size * (0.5 + shift[0])
    top = height / 2 - step_y * size * (0.5 + shift[1])
    picture = Image.fromarray(np.ascontiguousarray(ink))
    placed = picture.transform(
        (size, size), Image.Transform.AFFINE, (step_x, 0, left, 0, step_y, top), Image.Resampling.BILINEAR, fillcolor=0
    )
    return np.asarray(placed)


def _tool_marks(size: int, rng: np.random.Generator) -> "NDArray[np.float64]":
    """Return the streaks that a gouge leaves on the ground, along the grain; about -2 to 2."""
    along, across = 0.07 * size, 0.009 * size
    return _waves(size, across, along, rng) if rng.random() < 0.5 else _waves(size, along, across, rng)


def _worn(heights: "NDArray[np.float64]", depth: float, wear: float, rng: np.random.Generator) -> "NDArray[np.float64]":
    """Round the edges, plane tops off in places, break strokes."""
    size = len(heights)
    planed = np.maximum(0, _waves(size, 0.1 * size, 0.1 * size, rng) - 0.5) * 0.25 * depth * wear
    broken = np.zeros_like(heights)
    y, x = np.mgrid[0:size, 0:size] / (size - 1) - 0.5
    for _ in range(rng.poisson(6 * wear)):
        (cx, cy), (width, length), angle = (
            rng.uniform(-0.4, 0.4, 2),
            rng.uniform(0.012, 0.04, 2),
            rng.uniform(0, math.pi),
        )
        u = (x - cx) * math.cos(angle) + (y - cy) * math.sin(angle)
        v = (y - cy) * math.cos(angle) - (x - cx) * math.sin(angle)
        broken += rng.uniform(0.2, 0.7) * depth * np.exp(-((u / length) ** 2 + (v / width) ** 2) / 2)
    worn = np.minimum(heights, -np.minimum(planed + broken, depth))
    return _smooth(worn, (0.3 + 0.7 * wear) * size / 128)


def _bend(size: int, bend: float, rng: np.random.Generator) -> "NDArray[np.float64]":
    x = np.linspace(-1, 1, size)
    y = x[:, None]
    a, b, c = rng.uniform(-bend, bend, 3)
    return a * x * x + b * y * y + c * x * y / 2


def _plate(size: int, rng: np.random.Generator) -> "NDArray[np.bool_]":
    """Return where the plate is: cut out of its block along an irregular line."""
    at = np.linspace(0, 1, size)
    edges = []
    for _ in range(4):
        knots = rng.uniform(0.005, 0.06, 7)
        edges.append(np.interp(at, np.linspace(0, 1, 7), knots) + 0.004 * np.repeat(rng.normal(size=size), 2)[:size])
    left, right, top, bottom = edges
    x, y = at, at[:, None]
    return (x >= left[:, None]) & (x <= 1 - right[:, None]) & (y >= top) & (y <= 1 - bottom)


def _waves(size: int, rows: float, columns: float, rng: np.random.Generator) -> "NDArray[np.float64]":
    """Return noise of mean 0 and variance 1, smooth over so many rows and columns."""
    field = _filtered(rng.normal(size=(size, size)), rows, columns)
    return (field - field.mean()) / max(float(field.std()), 1e-12)


def _smooth(field: "NDArray[np.float64]", sigma: float) -> "NDArray[np.float64]":
    """Blur by a Gaussian; the border is repeated outwards."""
    pad = max(1, math.ceil(4 * sigma))
    return _filtered(np.pad(field, pad, mode="edge"), sigma, sigma)[pad:-pad, pad:-pad]


def _filtered(field: "NDArray[np.float64]", rows: float, columns: float) -> "NDArray[np.float64]":
    """Convolve with a Gaussian of these standard deviations (pixels), periodically, by the Fourier transform."""
    height, width = field.shape
    down = np.exp(-2 * (math.pi * rows * np.fft.fftfreq(height)) ** 2)
    across = np.exp(-2 * (math.pi * columns * np.fft.rfftfreq(width)) ** 2)
    return np.fft.irfft2(np.fft.rfft2(field) * down[:, None] * across, field.shape)


def _pooled(field: "NDArray[np.float32]", size: int) -> "NDArray[np.float32]":
    return field.reshape(size, FINER, size, FINER).mean(axis=(1, 3))
