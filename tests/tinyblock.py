"""Tiny carved blocks for tests: a page of bars for characters, border and rules, made without the code under test."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sinonom_cli.blocks.coarse import Coarse, coarse_of
from sinonom_cli.blocks.scan import Scan
from sinonom_cli.meshes.read import Notes


@dataclass(frozen=True)
class Block:
    """Carved block as a height map, and the truth about it.

    Attributes
    ----------
    heights : (H, W) float32, mm; NaN where there is no surface.
    tops : (H, W) float64, mm: the face of the wood before it was carved, without the handles.
    ink : (H, W) bool, the strokes, rules and border.
    plate : (H, W) bool, the rectangle that the border encloses.
    boxes : (N, 4) float64, x0 y0 x1 y1 of the characters, in pixels.
    owner : (H, W) int, number of the character that a pixel of ink belongs to; -1: none.
    pixel : side of a pixel, mm.
    """

    heights: NDArray[np.float32]
    tops: NDArray[np.float64]
    ink: NDArray[np.bool_]
    plate: NDArray[np.bool_]
    boxes: NDArray[np.float64]
    owner: NDArray[np.int64]
    pixel: float


def character(rng: np.random.Generator, size: int) -> NDArray[np.bool_]:
    """Return a made-up character: bars through a square that touch all four of its sides; (size, size)."""
    ink, thick = np.zeros((size, size), bool), max(2, size // 9)
    for at in (0, int(rng.integers(3, 6)) * size // 9, size - thick):
        low, high = sorted(rng.choice(np.arange(0, size, size // 6), 2, replace=False))
        ink[at : at + thick, low : max(high, low + size // 2)] = True
        low, high = sorted(rng.choice(np.arange(0, size, size // 6), 2, replace=False))
        ink[low : max(high, low + size // 2), at : at + thick] = True
    return ink


def carved(
    columns: int = 6,
    rows: int = 8,
    size: int = 36,
    gap: int = 4,
    pixel: float = 0.25,
    depth: float = 0.13,
    bend: tuple[float, ...] = (),
    handles: float | None = None,
    table: float | None = None,
    seed: int = 0,
) -> Block:
    """Return a carved block.

    Parameters
    ----------
    gap : empty pixels between one character and the next in a column; negative: they overlap.
    depth : of the relief, in widths of a character; blanks are half as deep again.
    bend : mm: slope across, slope up, bow across, bow up, twist, at the corners of the map.
    handles : height of smooth handles left and right above the tops, mm; None: none.
    table : height of a table around the block above the tops (negative), mm; None: nothing is around it.
    """
    rng = np.random.default_rng(seed)
    pitch, wide = size + gap, size + size // 2
    height, width = rows * pitch + 2 * size, columns * wide + 2 * size
    ink, owner = np.zeros((height, width), bool), np.full((height, width), -1)
    edge, rule = size // 2, max(2, size // 12)
    boxes = []
    for column in range(columns):
        for row in range(rows if column % 3 else rows // 2):  # some columns end in a blank
            x, y = size + column * wide + size // 4, size + row * pitch
            shape = character(rng, size)
            owner[y : y + size, x : x + size][shape & (owner[y : y + size, x : x + size] < 0)] = len(boxes)
            boxes.append((x, y, x + size, y + size))
    ink |= owner >= 0
    for column in range(columns + 1):
        ink[edge : height - edge, size + column * wide - rule // 2 :][:, :rule] = True
    plate = np.zeros_like(ink)
    plate[edge : height - edge, edge : width - edge] = True
    ink |= plate & ~ndimage.binary_erosion(plate, iterations=size // 6)
    away = ndimage.distance_transform_edt(~ink)
    flank = np.clip(away / (0.06 * size), 0, 1)
    depth *= size * pixel
    below = depth * flank * (1 + 0.5 * np.clip(away / size, 0, 1))  # blanks are cut deeper
    below += rng.normal(0, 0.03 * depth, below.shape) + ink * rng.uniform(0, 0.05 * depth, below.shape)
    y, x = np.mgrid[1 : -1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.zeros(5)
    terms[: len(bend)] = bend
    tops = terms[0] * x + terms[1] * y + terms[2] * x * x + terms[3] * y * y + terms[4] * x * y
    heights = np.where(plate, tops - below, np.nan)
    if handles is not None:
        heights[edge : height - edge, :edge] = heights[edge : height - edge, width - edge :] = handles
        side = plate[:, edge : edge + 1]
        heights = np.where(side & ~plate, tops + handles, heights)
    if table is not None:
        heights = np.where(np.isnan(heights), table, heights)
    return Block(heights.astype(np.float32), tops, ink, plate, np.array(boxes, float), owner, pixel)


def scan(triangles: NDArray[np.floating], parts: int = 1, notes: Notes | None = None) -> Scan:
    """Return triangles, (F, 3, 3), as a scan that comes in several blocks."""
    blocks = np.array_split(triangles.astype(np.float32), parts)
    return Scan(lambda: blocks, notes or Notes())


def coarse(triangles: NDArray[np.floating]) -> Coarse:
    """Return the coarse model of triangles, (F, 3, 3)."""
    return coarse_of(scan(triangles))


def solid(block: Block, thick: float = 8.0) -> NDArray[np.float32]:
    """Return a block as a closed mesh: its face, a flat back and walls; (F, 3, 3) float32, mm, outward windings."""
    heights = np.nan_to_num(block.heights, nan=float(np.nanmedian(block.heights)))
    face, back = open_face(heights, block.pixel), open_face(np.full_like(heights, -thick), block.pixel)
    edges = np.concatenate([face[:, [k, (k + 1) % 3]] for k in range(3)])
    keys = np.sort(np.unique(edges.reshape(-1, 3), axis=0, return_inverse=True)[1].reshape(-1, 2), axis=1)
    _, at, times = np.unique(keys, axis=0, return_index=True, return_counts=True)
    rim = edges[at[times == 1]]
    low = rim.copy()
    low[..., 2] = -thick
    walls = np.concatenate(
        [np.stack([rim[:, 1], rim[:, 0], low[:, 0]], axis=1), np.stack([rim[:, 1], low[:, 0], low[:, 1]], axis=1)]
    )
    return np.concatenate([face, back[:, ::-1], walls])


def open_face(heights: NDArray[np.floating], pixel: float) -> NDArray[np.float32]:
    """Return the triangles over a height map, x to the right and y up from its upper left corner; (F, 3, 3) float32."""
    rows, columns = np.mgrid[: heights.shape[0], : heights.shape[1]]
    points = np.stack([(columns + 0.5) * pixel, -(rows + 0.5) * pixel, heights], axis=-1)
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    faces = np.concatenate([np.stack([a, c, b], axis=-2).reshape(-1, 3, 3), np.stack([b, c, d], -2).reshape(-1, 3, 3)])
    return faces[np.isfinite(faces).all(axis=(1, 2))].astype(np.float32)
