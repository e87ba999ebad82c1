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
    moved = _turned(field, wear.turn, *wear.stretch, *wear.shift)
    coarse, fine = clouds(rng, side, 5), clouds(rng, side, max(8, side // 4))
    edge = offset + wear.spread * (0.5 + coarse) + wear.rough * fine
    edge = np.clip(edge, -REACH * side + min(offset, 0), REACH * side + max(offset, 0))
    ink = np.clip(moved + edge + np.float32(0.5), 0, 1)
    density = 1 - wear.uneven * np.clip(0.5 + clouds(rng, side, 4), 0, 1)
    holes = np.clip(8 * (clouds(rng, side, max(6, side // 5)) + 0.6 * coarse + 2.2 - 2.0 * wear.loss), 0, 1)
    ink *= density * holes
    ground = paper(rng, side, wear)
    picture = ground * (1 - ink) + np.minimum(wear.ink, ground) * ink
    if wear.blur > 0.2:
        picture = blurred(picture.astype(np.float32), wear.blur)
    if wear.noise:
        picture = picture + wear.noise * rng.standard_normal((side, side), np.float32)
    grey = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return through_jpeg(grey, wear.quality) if wear.quality else grey


def paper(rng: np.random.Generator, side: int, wear: Wear) -> NDArray[np.float32]:
    """Return (S, S) float32 paper in 0..255: shaded, stained, grainy, with fibres and the frame's ruling lines."""
    ground = wear.paper + wear.shade * np.minimum(clouds(rng, side, 3), 0)
    ground += wear.grain * clouds(rng, side, max(8, side // 3))
    if wear.stain:
        ground -= wear.stain * np.clip(2 * clouds(rng, side, 4) - 0.6, 0, 1)
    if wear.fibre:
        ground += wear.fibre * (
            clouds(rng, side, 4, side // 2) if rng.random() < 0.5 else clouds(rng, side, side // 2, 4)
        )
    for place in wear.rules:
        distance = np.abs(np.arange(side) - (side - 1) / 2 - place) - rng.uniform(0.2, 0.02 * side)
        line = np.clip(1 - distance, 0, 1) * rng.uniform(0.3, 1)
        broken = np.clip(1.2 + clouds(rng, side, 5), 0, 1)
        ground = ground + (wear.ink - ground) * line[None, :] * broken
    return np.clip(ground, 0, 255).astype(np.float32)


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
def _enlarged(grid: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    rows, columns = grid.shape[0] - 1, grid.shape[1] - 1
    out = np.empty((side, side), np.float32)
    left = np.empty(side, np.int64)
    part = np.empty(side, np.float32)
    for x in range(side):
        u = x * columns / side
        left[x] = int(u)
        part[x] = u - left[x]
    line = np.empty(columns + 1, np.float32)
    for y in range(side):
        v = y * rows / side
        top = int(v)
        b = np.float32(v - top)
        for k in range(columns + 1):
            line[k] = grid[top, k] * (1 - b) + grid[top + 1, k] * b
        for x in range(side):
            a = part[x]
            out[y, x] = np.float32(0.75) * (line[left[x]] * (1 - a) + line[left[x] + 1] * a)
    return out


@njit(cache=True)
def _turned(
    field: NDArray[np.float32], turn: float, stretch_x: float, stretch_y: float, shift_x: float, shift_y: float
) -> NDArray[np.float32]:
    """Turn, stretch and shift a distance field about its centre; what comes in from outside has no ink."""
    side = field.shape[0]
    middle = (side - 1) / 2
    c, s = np.cos(turn), np.sin(turn)
    out = np.full((side, side), np.float32(-side), np.float32)
    for y in range(side):
        for x in range(side):
            dx, dy = x - middle - shift_x, y - middle - shift_y
            u = (c * dx + s * dy) / stretch_x + middle
            v = (c * dy - s * dx) / stretch_y + middle
            left, top = int(np.floor(u)), int(np.floor(v))
            if 0 <= left < side - 1 and 0 <= top < side - 1:
                a, b = np.float32(u - left), np.float32(v - top)
                upper = field[top, left] * (1 - a) + field[top, left + 1] * a
                lower = field[top + 1, left] * (1 - a) + field[top + 1, left + 1] * a
                out[y, x] = upper * (1 - b) + lower * b
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
