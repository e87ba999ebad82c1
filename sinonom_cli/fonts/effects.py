"""Apply the effects of bad printing, one in each function, compiled by numba."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_WAVE = np.array(
    [[np.cos((2 * x + 1) * k * np.pi / 16) / (2 if k else np.sqrt(8)) for x in range(8)] for k in range(8)], np.float32
)
_WAVE_TURNED = np.ascontiguousarray(_WAVE.T)
_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.int64,
)
"""Quantisation table of luminance: ITU-T Recommendation T.81 (JPEG), table K.1."""


@njit(cache=True)
def inked(
    field: NDArray[np.float32],
    coarse: NDArray[np.float32],
    fine: NDArray[np.float32],
    cover: NDArray[np.float32],
    worn: NDArray[np.float32],
    strengths: NDArray[np.float32],
    limits: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the ink of a print, in [0, 1], with a spread and rough edge, uneven cover and worn spots without ink."""
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
def paper(
    shade: NDArray[np.float32],
    grain: NDArray[np.float32],
    stain: NDArray[np.float32],
    fibre: NDArray[np.float32],
    strengths: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return paper in 0..255: a ground of one grey with shade, stains, grain and fibres."""
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
def printed(ground: NDArray[np.float32], ink: NDArray[np.float32], black: np.float32) -> NDArray[np.uint8]:
    """Return ink of one grey printed on paper, both in 0..255."""
    picture = np.empty(ground.shape, np.uint8)
    for y in range(ground.shape[0]):
        for x in range(ground.shape[1]):
            value = ground[y, x] + (min(black, ground[y, x]) - ground[y, x]) * ink[y, x]
            picture[y, x] = np.uint8(min(max(value + np.float32(0.5), np.float32(0)), np.float32(255)))
    return picture


@njit(cache=True)
def noisy(picture: NDArray[np.uint8], grains: NDArray[np.uint8], noise: np.float32) -> NDArray[np.uint8]:
    """Add noise of standard deviation `noise`: the scaled difference of two uniform bytes, whose own is 104.5."""
    grey = np.empty(picture.shape, np.uint8)
    scale = noise / np.float32(104.5)
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            value = picture[y, x] + scale * (np.float32(grains[0, y, x]) - np.float32(grains[1, y, x]))
            grey[y, x] = np.uint8(min(max(value + np.float32(0.5), np.float32(0)), np.float32(255)))
    return grey


@njit(cache=True)
def enlarged(grid: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Enlarge random values on a grid to a square by bilinear interpolation, with standard deviation about 1/2."""
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
def turned(
    field: NDArray[np.float32], turn: float, stretch_x: float, stretch_y: float, shift_x: float, shift_y: float
) -> NDArray[np.float32]:
    """Rotate, stretch and shift a distance field about its centre; its border is repeated outwards."""
    side = field.shape[0]
    middle, one, most = (side - 1) / 2, np.float32(1), np.float32(side - 1.001)
    c, s = np.cos(turn), np.sin(turn)
    step_u, step_v = np.float32(c / stretch_x), np.float32(-s / stretch_y)
    out = np.empty((side, side), np.float32)
    for y in range(side):
        dy = y - middle - shift_y
        start_u = np.float32((c * (-middle - shift_x) + s * dy) / stretch_x + middle)
        start_v = np.float32((c * dy + s * (middle + shift_x)) / stretch_y + middle)
        for x in range(side):
            u = min(max(start_u + step_u * np.float32(x), np.float32(0)), most)
            v = min(max(start_v + step_v * np.float32(x), np.float32(0)), most)
            left, top = int(u), int(v)
            a, b = u - np.float32(left), v - np.float32(top)
            upper = field[top, left] * (one - a) + field[top, left + 1] * a
            lower = field[top + 1, left] * (one - a) + field[top + 1, left + 1] * a
            out[y, x] = upper * (one - b) + lower * b
    return out


@njit(cache=True)
def beside(
    field: NDArray[np.float32], other: NDArray[np.float32], place: int, depth: int, aside: int
) -> NDArray[np.float32]:
    """Let a neighbour's ink reach `depth` pixels into a field, in place; `place` 0 is above, the others clockwise."""
    here, there = np.rot90(field, place), np.rot90(other, place)
    side = len(there)
    last = side  # This becomes the row below the neighbour's lowest ink.
    while last > 0 and there[last - 1].max() <= 0:
        last -= 1
    first = max(last - depth, 0)
    for y in range(side - first):
        for x in range(max(aside, 0), side + min(aside, 0)):
            here[y, x] = max(here[y, x], there[first + y, x - aside])
    return field


@njit(cache=True)
def through_jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return a grey picture after JPEG compression of this quality (1 to 100, as in libjpeg).

    Only the lossy step is computed: the quantisation of the cosine transform of each 8 x 8 block. An encoder and a
    decoder would take ten times as long, which would be a fifth of all work.
    """
    height, width = picture.shape
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = np.empty((8, 8), np.float32)
    for v in range(8):
        for u in range(8):
            steps[v, u] = min(max((_LUMINANCE[v, u] * scale + 50) // 100, 1), 255)
    out = np.empty((height, width), np.uint8)
    block, half = np.empty((8, 8), np.float32), np.empty((8, 8), np.float32)
    for top in range(0, height, 8):
        for left in range(0, width, 8):
            for y in range(8):
                for x in range(8):
                    block[y, x] = np.float32(picture[min(top + y, height - 1), min(left + x, width - 1)]) - np.float32(
                        128
                    )
            _product(_WAVE, block, half)
            _product(half, _WAVE_TURNED, block)
            for v in range(8):
                for u in range(8):
                    block[v, u] = np.float32(np.rint(block[v, u] / steps[v, u])) * steps[v, u]
            _product(block, _WAVE, half)
            _product(_WAVE_TURNED, half, block)
            for y in range(min(8, height - top)):
                for x in range(min(8, width - left)):
                    value = block[y, x] + np.float32(128.5)
                    out[top + y, left + x] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))
    return out


@njit(cache=True)
def _product(a: NDArray[np.float32], b: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write the product a @ b of two 8 x 8 matrices to `out`."""
    for y in range(8):
        for x in range(8):
            total = np.float32(0)
            for k in range(8):
                total += a[y, k] * b[k, x]
            out[y, x] = total
