"""Make a clean glyph look printed: worn block, uneven ink, old paper, scanner.

Each effect's strength is drawn at random up to the amount asked for, so that one amount gives a range of pictures.
"""

import io
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from PIL import Image

REACH = 0.03
"""How far, as a part of the picture's side, ink spread moves the edge of the ink at most; at amount 1."""


@dataclass(frozen=True)
class Wear:
    """What happens to one picture; lengths in pixels, angles in radians, greys in 0..255."""

    turn: float
    stretch: tuple[float, float]
    shift: tuple[float, float]
    spread: float
    rough: float
    loss: float
    uneven: float
    ink: float
    paper: float
    shade: float
    stain: float
    grain: float
    fibre: float
    rules: tuple[float, ...]
    blur: float
    noise: float
    quality: int

    @classmethod
    def drawn(cls, rng: np.random.Generator, amount: float, side: int) -> "Wear":
        """Draw the strengths of all effects for one picture of `side` pixels."""
        u = rng.random(22) * amount
        s = rng.normal(0, 1, 6).clip(-2, 2) * amount
        rules = tuple(
            float(edge * (0.5 - 0.11 * rng.random()) * side) for edge in (-1, 1) if rng.random() < 0.3 * amount
        )
        return cls(
            turn=np.radians(2.5) * s[0],
            stretch=(1 + 0.05 * s[1], 1 + 0.05 * s[2]),
            shift=(0.02 * side * s[3], 0.02 * side * s[4]),
            spread=0.008 * side * s[5],
            rough=0.012 * side * u[0],
            loss=u[1] * u[2],
            uneven=0.6 * u[3],
            ink=90 * u[4],
            paper=255 - 90 * u[5],
            shade=40 * u[6],
            stain=70 * u[7] if u[8] > 0.4 * amount else 0.0,
            grain=12 * u[9],
            fibre=14 * u[10],
            rules=rules,
            blur=0.016 * side * u[11],
            noise=9 * u[12],
            quality=int(95 - 65 * u[13]) if u[14] > 0.4 * amount else 0,
        )


def degraded(field: NDArray[np.float32], offset: float, amount: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Print a glyph badly.

    Parameters
    ----------
    field : (S, S) float32 signed distance to the edge of the ink in pixels, positive inside; exact to at least
        `offset + REACH * S`.
    offset : by how many pixels the edge of the ink is moved outwards everywhere.
    amount : 0..1; 0 leaves a clean picture.
    rng : everything random comes from here.

    Returns
    -------
    (S, S) uint8, dark ink on light ground.
    """
    side = field.shape[0]
    wear = Wear.drawn(rng, amount, side)
    limits = np.array([min(offset, 0) - REACH * side, max(offset, 0) + REACH * side], np.float32)
    ink = _inked(
        _turned(field, wear.turn, *wear.stretch, *wear.shift),
        clouds(rng, side, 5),
        clouds(rng, side, max(8, side // 4)),
        clouds(rng, side, 4),
        clouds(rng, side, max(6, side // 5)),
        np.array([offset, wear.spread, wear.rough, wear.uneven, wear.loss], np.float32),
        limits,
    )
    picture = _printed(paper(rng, side, wear), ink, np.float32(wear.ink))
    if wear.blur > 0.2:
        picture = blurred(picture, wear.blur)
    grains = np.frombuffer(rng.bytes(2 * side * side), np.uint8).reshape(2, side, side)
    grey = _scanned(picture, grains, np.float32(wear.noise))
    return through_jpeg(grey, wear.quality) if wear.quality else grey


def paper(rng: np.random.Generator, side: int, wear: Wear) -> NDArray[np.float32]:
    """Return (S, S) float32 paper in 0..255: shaded, stained, grainy, with fibres and the frame's ruling lines."""
    along = (4, side // 2) if rng.random() < 0.5 else (side // 2, 4)
    ground = _paper(
        clouds(rng, side, 3),
        clouds(rng, side, max(8, side // 3)),
        clouds(rng, side, 4),
        clouds(rng, side, *along),
        np.array([wear.paper, wear.shade, wear.grain, wear.stain, wear.fibre], np.float32),
    )
    for place in wear.rules:
        distance = np.abs(np.arange(side) - (side - 1) / 2 - place) - rng.uniform(0.2, 0.02 * side)
        line = np.clip(1 - distance, 0, 1) * rng.uniform(0.3, 1)
        broken = np.clip(1.2 + clouds(rng, side, 5), 0, 1)
        ground += (np.float32(wear.ink) - ground) * line[None, :].astype(np.float32) * broken
    return ground


def clouds(rng: np.random.Generator, side: int, cells: int, rows: int = 0) -> NDArray[np.float32]:
    """Return smooth noise of mean 0 and deviation about 1/2: `rows` x `cells` random values, enlarged to (S, S)."""
    grid = rng.standard_normal(((rows or cells) + 1, cells + 1), np.float32)
    return _enlarged(grid, side)


def through_jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return the picture as JPEG of this quality keeps it."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@njit(cache=True)
def _inked(
    field: NDArray[np.float32],
    coarse: NDArray[np.float32],
    fine: NDArray[np.float32],
    cover: NDArray[np.float32],
    worn: NDArray[np.float32],
    strengths: NDArray[np.float32],
    limits: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Ink in [0, 1] where the block prints: its edge spread and rough, its cover uneven, worn spots left out."""
    offset, spread, rough, uneven, loss = strengths
    half = np.float32(0.5)
    ink = np.empty_like(field)
    for y in range(field.shape[0]):
        for x in range(field.shape[1]):
            edge = offset + spread * (half + coarse[y, x]) + rough * fine[y, x]
            edge = min(max(edge, limits[0]), limits[1])
            print_ = min(max(field[y, x] + edge + half, np.float32(0)), np.float32(1))
            density = 1 - uneven * min(max(half + cover[y, x], np.float32(0)), np.float32(1))
            whole = 8 * (worn[y, x] + np.float32(0.6) * coarse[y, x] + np.float32(2.2) - 2 * loss)
            ink[y, x] = print_ * density * min(max(np.float32(whole), np.float32(0)), np.float32(1))
    return ink


@njit(cache=True)
def _paper(
    shade: NDArray[np.float32],
    grain: NDArray[np.float32],
    stain: NDArray[np.float32],
    fibre: NDArray[np.float32],
    strengths: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Paper in 0..255: a ground of one grey, shaded, stained, grainy and with fibres."""
    grey, shaded, grained, stained, fibred = strengths
    ground = np.empty_like(shade)
    for y in range(shade.shape[0]):
        for x in range(shade.shape[1]):
            spot = min(max(2 * stain[y, x] - np.float32(0.6), np.float32(0)), np.float32(1))
            value = grey + shaded * min(shade[y, x], np.float32(0)) + grained * grain[y, x]
            value += fibred * fibre[y, x] - stained * spot
            ground[y, x] = min(max(value, np.float32(0)), np.float32(255))
    return ground


@njit(cache=True)
def _printed(ground: NDArray[np.float32], ink: NDArray[np.float32], black: np.float32) -> NDArray[np.float32]:
    picture = np.empty_like(ground)
    for y in range(ground.shape[0]):
        for x in range(ground.shape[1]):
            picture[y, x] = ground[y, x] + (min(black, ground[y, x]) - ground[y, x]) * ink[y, x]
    return picture


@njit(cache=True)
def _scanned(picture: NDArray[np.float32], grains: NDArray[np.uint8], noise: np.float32) -> NDArray[np.uint8]:
    """Round to 8 bits, with noise of the deviation given: the difference of two uniform bytes, whose own is 104.5."""
    grey = np.empty(picture.shape, np.uint8)
    scale = noise / np.float32(104.5)
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            value = picture[y, x] + scale * (np.float32(grains[0, y, x]) - np.float32(grains[1, y, x]))
            grey[y, x] = np.uint8(min(max(value + np.float32(0.5), np.float32(0)), np.float32(255)))
    return grey


@njit(cache=True)
def _enlarged(grid: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    rows, columns = grid.shape[0] - 1, grid.shape[1] - 1
    wide = np.empty((rows + 1, side), np.float32)
    for x in range(side):
        u = np.float32(x * columns / side)
        left = int(u)
        part = u - np.float32(left)
        for k in range(rows + 1):
            wide[k, x] = np.float32(0.75) * (grid[k, left] * (1 - part) + grid[k, left + 1] * part)
    out = np.empty((side, side), np.float32)
    for y in range(side):
        v = np.float32(y * rows / side)
        top = int(v)
        lower = v - np.float32(top)
        upper = np.float32(1) - lower
        for x in range(side):
            out[y, x] = upper * wide[top, x] + lower * wide[top + 1, x]
    return out


@njit(cache=True)
def _turned(
    field: NDArray[np.float32], turn: float, stretch_x: float, stretch_y: float, shift_x: float, shift_y: float
) -> NDArray[np.float32]:
    """Turn, stretch and shift a distance field about its centre; what comes in from outside has no ink."""
    side = field.shape[0]
    middle, one = (side - 1) / 2, np.float32(1)
    c, s = np.cos(turn), np.sin(turn)
    step_u, step_v = np.float32(c / stretch_x), np.float32(-s / stretch_y)
    out = np.full((side, side), np.float32(-side), np.float32)
    for y in range(side):
        dy = y - middle - shift_y
        start_u = np.float32((c * (-middle - shift_x) + s * dy) / stretch_x + middle)
        start_v = np.float32((c * dy + s * (middle + shift_x)) / stretch_y + middle)
        for x in range(side):
            u, v = start_u + step_u * np.float32(x), start_v + step_v * np.float32(x)
            if u < 0 or v < 0:
                continue
            left, top = int(u), int(v)
            if left < side - 1 and top < side - 1:
                a, b = u - np.float32(left), v - np.float32(top)
                upper = field[top, left] * (one - a) + field[top, left + 1] * a
                lower = field[top + 1, left] * (one - a) + field[top + 1, left + 1] * a
                out[y, x] = upper * (one - b) + lower * b
    return out


@njit(cache=True)
def blurred(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return a picture under a Gaussian blur of `sigma` pixels, its border repeated outwards."""
    height, width = picture.shape
    reach = int(np.ceil(2.5 * sigma))
    weights = np.empty(2 * reach + 1, np.float32)
    for k in range(2 * reach + 1):
        weights[k] = np.exp(-0.5 * ((k - reach) / sigma) ** 2)
    weights /= weights.sum()
    rows = np.zeros((height, width), np.float32)
    for y in range(height):
        for k in range(2 * reach + 1):
            source = min(max(y + k - reach, 0), height - 1)
            for x in range(width):
                rows[y, x] += weights[k] * picture[source, x]
    out = np.zeros((height, width), np.float32)
    line = np.empty(width + 2 * reach, np.float32)
    for y in range(height):
        for x in range(width + 2 * reach):
            line[x] = rows[y, min(max(x - reach, 0), width - 1)]
        for k in range(2 * reach + 1):
            for x in range(width):
                out[y, x] += weights[k] * line[x + k]
    return out
