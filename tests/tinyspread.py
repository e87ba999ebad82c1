"""A spread of two pages as boxes in reading order: columns, notes, headings, strip; turned, bent, incomplete."""

from dataclasses import dataclass, field

import numpy as np

PITCH, ROW, TOP = 60.0, 42.0, 100.0
PAGE_COLUMNS, ROWS = 7, 15
WIDTH, HEIGHT = (2 * PAGE_COLUMNS + 1) * PITCH, ROWS * ROW
SHAPE = int(HEIGHT + 2 * TOP), int(WIDTH + 2 * TOP)


@dataclass
class Spread:
    """Characters in reading order.

    Attributes
    ----------
    boxes : (n, 4) float64.
    where : (column, place, part) of each.
    frame : (4, 2) float64 corners, clockwise from the upper left.
    """

    boxes: np.ndarray
    where: list[tuple[int, int, str]]
    frame: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))


def spread(seed: int = 0, *, headings: bool = True, notes: bool = True, strip: bool = True) -> Spread:
    """Make a spread: text with notes of half columns, some whole columns of notes, headings and a narrow strip."""
    rng = np.random.default_rng(seed)
    columns: list[list[tuple[float, float, float, float, str]]] = []
    for side in (0, 1):
        edge = TOP + WIDTH - side * (PAGE_COLUMNS + 1) * PITCH
        if headings:
            for k in (0, 3):
                x = edge - (k + 0.4) * PITCH
                columns.append([(x, TOP - 60 + 22 * n, 22, 20, "heading") for n in range(2)])
        for k in range(PAGE_COLUMNS):
            columns.append(_column(rng, edge - (k + 0.5) * PITCH, k, notes))
        if side == 0 and strip:
            x = TOP + WIDTH / 2
            columns.append([(x, TOP + 18 + 32 * n, 56, 30, "centre") for n in range(7)])
            columns[-1] += [(x, TOP + 330 + 32 * n, 54, 30, "centre") for n in range(2)]
            columns[-1].append((x + 14, TOP + 560, 26, 24, "centre"))
    boxes, where = [], []
    for number, column in enumerate(columns, 1):
        for place, (x, y, width, height, part) in enumerate(column, 1):
            middle = np.array([x, y]) + rng.normal(0, 1, 2)
            half = np.array([width, height]) / 2 * (1 + rng.normal(0, 0.05, 2))
            boxes.append((*(middle - half), *(middle + half)))
            where.append((number, place, part))
    x0, y0, x1, y1 = TOP, TOP, TOP + WIDTH, TOP + HEIGHT
    frame = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    return Spread(np.array(boxes), where, frame)


def _column(rng: np.random.Generator, x: float, k: int, notes: bool) -> list[tuple[float, float, float, float, str]]:
    """Make a column: indented, with characters of several widths; a note in the middle, at the end, or all of it."""
    first = int(rng.integers(0, 3)) if k % 3 else 0
    last = ROWS if k % 4 else int(rng.integers(first + 4, ROWS))
    if notes and k in (4, 5):
        return _note(x, TOP + 0.5 * ROW, int((ROWS - 1) * ROW / 30), -1 if k == 5 else 0)
    row = first
    column: list[tuple[float, float, float, float, str]] = []
    while row < last:
        if notes and row == first + 3 and k in (1, 2):
            column += _note(x, TOP + (row + 0.4) * ROW, 4, -(k % 2))
            row += 3
            continue
        wide, tall = (44, 38) if rng.random() > 0.15 else [(26, 36), (44, 14)][int(rng.integers(2))]
        column.append((x, TOP + (row + 0.5) * ROW, wide, tall, "text"))
        row += 1
    return column


def _note(x: float, top: float, rows: int, less: int) -> list[tuple[float, float, float, float, str]]:
    right = [(x + 0.24 * PITCH, top + 30 * n, 25.0, 25.0, "note-right") for n in range(rows)]
    return right + [(x - 0.24 * PITCH, top + 30 * n, 25.0, 25.0, "note-left") for n in range(rows + less)]


def turned(page: Spread, degrees: float, bend: float = 0.0) -> Spread:
    """Turn a spread about its middle and bend its columns by up to `bend` pixels; boxes stay upright."""
    middle = np.array([TOP + WIDTH / 2, TOP + HEIGHT / 2])
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    def moved(points: np.ndarray) -> np.ndarray:
        at = points - middle
        bent = at + np.stack([bend * (at[:, 1] / (HEIGHT / 2)) ** 2, np.zeros(len(at))], axis=1)
        return bent @ turn + middle

    half = (page.boxes[:, 2:] - page.boxes[:, :2]) / 2
    centres = moved((page.boxes[:, 2:] + page.boxes[:, :2]) / 2)
    return Spread(np.hstack([centres - half, centres + half]), page.where, moved(page.frame))


def without(page: Spread, share: float, seed: int = 0) -> Spread:
    """Leave out a share of the characters; places are counted anew."""
    kept = np.flatnonzero(np.random.default_rng(seed).random(len(page.boxes)) >= share)
    where: list[tuple[int, int, str]] = []
    columns: dict[int, int] = {}
    for k in kept:
        column, _, part = page.where[k]
        number = columns.setdefault(column, len(columns) + 1)
        where.append((number, sum(one == number for one, _, _ in where) + 1, part))
    return Spread(page.boxes[kept], where, page.frame)
