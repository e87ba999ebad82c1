"""Change clean ink into what a scanned block or a photographed print shows, for the training of the detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

USUAL = 28.0
"""Height of a character, pixels, for which the lengths below are given; they grow with the character."""

Picture = NDArray[np.float32]


def damaged(rng: np.random.Generator, ink: Picture, height: float) -> Picture:
    """Return (S, S) float32 ink in [0, 1] of a block (two thirds) or of a print, worn, uneven, blurred and noisy.

    Parameters
    ----------
    rng : random generator.
    ink : (S, S) float32 in [0, 1], clean.
    height : height of an ordinary character, pixels.
    """
    side, scale = len(ink), height / USUAL
    if rng.random() < 0.3:
        ink = _broken(rng, ink)
    if rng.random() < 0.2:  # thicker or thinner strokes
        thick = (blurred(ink, 0.7 * scale) - rng.uniform(0.25, 0.5)) * rng.uniform(2, 6) + 0.5
        ink = np.clip(thick, 0, 1).astype(np.float32)
    ink = _as_block(rng, ink, scale) if rng.random() < 0.65 else _as_print(rng, ink, scale)
    if rng.random() < 0.5:
        ink = _coarse(ink, max(side // 4, round(side * rng.uniform(0.4, 1))))
    noisy = ink + rng.normal(0, rng.uniform(0, 0.06), ink.shape)
    return np.clip(noisy * rng.uniform(0.7, 1.1) + rng.uniform(-0.05, 0.1), 0, 1).astype(np.float32)


def blurred(picture: Picture, deviation: float) -> Picture:
    """Blur a picture with a Gaussian; its edge pixels are repeated outside."""
    if deviation < 0.15:
        return picture
    reach = max(1, int(3 * deviation))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(picture, [(reach, reach) if k == axis else (0, 0) for k in (0, 1)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=axis)
        picture = np.einsum("ijk,k->ij", windows, weights)
    return picture


def field(rng: np.random.Generator, points: int, side: int) -> Picture:
    """Return a smooth random field, (side, side), of mean 0 and variance about 1, drawn on points x points."""
    return _coarse(rng.normal(size=(points, points)).astype(np.float32), side, Image.Resampling.BICUBIC)


def _coarse(picture: Picture, size: int, way: Image.Resampling = Image.Resampling.BILINEAR) -> Picture:
    """Reduce a picture to `size` pixels a side and enlarge it again; a smaller one is only enlarged."""
    image = Image.fromarray(np.ascontiguousarray(picture, np.float32)).resize((size, size), way)
    if size < len(picture):
        image = image.resize(picture.shape[::-1], way)
    return np.asarray(image, np.float32)


def _broken(rng: np.random.Generator, ink: Picture) -> Picture:
    """Break strokes away in patches."""
    gone = np.clip(field(rng, int(rng.integers(8, 40)), len(ink)) - rng.uniform(1.2, 2.2), 0, 1)
    return np.clip(ink * (1 - gone * rng.uniform(1, 3)), 0, 1).astype(np.float32)


def _as_block(rng: np.random.Generator, ink: Picture, scale: float) -> Picture:
    """Return the heights of a block: sloping flanks, uneven tops, a ground with chisel marks, cracks, and its edge."""
    side = len(ink)
    ink = blurred(ink, scale * rng.uniform(0.4, 1.7))
    ground = rng.uniform(0, 0.4) * (0.5 + 0.5 * field(rng, int(rng.integers(6, 60)), side))
    ground = ground + rng.uniform(0, 0.25) * field(rng, int(rng.integers(3, 8)), side)
    if rng.random() < 0.5:  # the ground is higher near strokes
        ground = ground * np.clip(blurred(ink, scale * rng.uniform(3, 7)) * rng.uniform(1.5, 4), 0, 1)
    if rng.random() < 0.15:  # marks of a gouge, side by side
        phase = np.arange(side)[:, None] * rng.uniform(0.1, 0.6) + 3 * field(rng, 5, side)
        ground = ground + rng.uniform(0, 0.3) * np.abs(np.sin(phase))
    tops = np.maximum(ink * (1 + rng.uniform(0, 0.3) * field(rng, int(rng.integers(3, 10)), side)), 0)
    ink = tops + (1 - np.clip(tops, 0, 1)) * np.clip(ground, -0.1, 0.8)
    if rng.random() < 0.35:
        ink = np.maximum(ink, _hills(rng, tops, scale))
    for _ in range(rng.poisson(0.25)):
        crack = Image.new("L", (side, side))
        way = np.cumsum(rng.normal(0, 6, (40, 2)), axis=0) + rng.uniform(0, side, 2)
        ImageDraw.Draw(crack).line([*map(tuple, way)], fill=255, width=int(rng.integers(1, 4)))
        ink = ink * (1 - np.asarray(crack, np.float32) / np.float32(255))
    if rng.random() < 0.1:
        ink = np.where(_beside_the_plate(rng, side), np.float32(rng.choice([0.0, 0.5, 1.0])), ink)
    return np.asarray(ink, np.float32)


def _hills(rng: np.random.Generator, tops: Picture, scale: float) -> Picture:
    """Return the heights of ground that was left standing in blanks, which looks like large blots of ink."""
    side = len(tops)
    near = np.clip(3 * blurred(np.clip(tops, 0, 1), scale * rng.uniform(2, 5)), 0, 1)
    rough = field(rng, max(4, round(side / (USUAL * scale) * rng.uniform(0.7, 3))), side)
    rough = rough + rng.uniform(0, 0.5) * field(rng, int(rng.integers(20, 90)), side)
    hills = np.clip((rough - rng.uniform(0.3, 1.6)) * rng.uniform(1, 5), 0, 1) * rng.uniform(0.4, 1)
    return np.asarray(hills * (1 - near), np.float32)


def _beside_the_plate(rng: np.random.Generator, side: int) -> NDArray[np.bool_]:
    """Return where the picture shows what lies beside the block, (side, side)."""
    mask = Image.new("L", (side, side))
    at, slant = rng.uniform(0, side), rng.normal(0, 10)
    shape = [(at, 0), (at + slant, side), (0, side), (0, 0)]
    ImageDraw.Draw(mask).polygon(shape if rng.random() < 0.5 else [(y, x) for x, y in shape], fill=1)
    return np.asarray(mask) > 0


def _as_print(rng: np.random.Generator, ink: Picture, scale: float) -> Picture:
    """Return the ink of a print: blur, stains, shine-through, and a seal."""
    side = len(ink)
    ink = blurred(ink, scale * rng.uniform(0, 1.2))
    if rng.random() < 0.5:
        ink = ink + rng.uniform(0, 0.25) * np.clip(field(rng, int(rng.integers(4, 80)), side), -0.5, 2)
    if rng.random() < 0.15:
        ink = ink + rng.uniform(0.1, 0.5) * (field(rng, 5, side) > rng.uniform(0, 1.5))
    if rng.random() < 0.15:
        ink = np.maximum(ink, rng.uniform(0.2, 0.8) * _seal(rng, side))
    return ink.astype(np.float32)


def _seal(rng: np.random.Generator, side: int) -> Picture:
    """Return the ink of a seal: an outline with lines inside, (side, side) in [0, 1]."""
    seal = Image.new("L", (side, side))
    draw = ImageDraw.Draw(seal)
    corner, width = rng.uniform(0, side - 60, 2), rng.uniform(25, 90)
    draw.rectangle((*corner, *(corner + width)), outline=255, width=int(rng.integers(2, 6)))
    for _ in range(6):
        draw.line([tuple(rng.uniform(corner, corner + width)) for _ in range(3)], fill=255, width=3)
    return np.asarray(np.asarray(seal, np.float32) / 255, np.float32)
