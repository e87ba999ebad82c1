"""A small page of invented characters: a border, rules and columns of crosses and bars, black on light paper."""

import numpy as np


def page(columns=4, per_column=5, side=24, seed=0):
    """(H, W) uint8, and the boxes (x0, y0, x1, y1) of its characters, from right to left and top to bottom."""
    rng = np.random.default_rng(seed)
    across, down, margin = side * 3 // 2, side * 5 // 4, side
    height, width = per_column * down + 2 * margin, columns * across + 2 * margin
    grey, boxes = np.full((height, width), 235, np.uint8), []
    left, right, top, bottom = margin // 2, width - margin // 2, margin // 2, height - margin // 2
    for x in (left, right - 3):
        grey[top:bottom, x : x + 3] = 20
    for y in (top, bottom - 3):
        grey[y : y + 3, left:right] = 20
    for k in range(1, columns):
        grey[top:bottom, margin + k * across] = 20
    for column in reversed(range(columns)):
        for row in range(per_column):
            x, y = margin + column * across + side // 4, margin + row * down + 2
            thick = side // 6
            grey[y : y + thick, x : x + side] = 20
            grey[y + side - thick : y + side, x : x + side // 2] = 20
            grey[y : y + side, x : x + thick] = 20
            at = int(rng.integers(thick * 2, side - thick))
            grey[y : y + side, x + at : x + at + thick] = 20
            boxes.append((x, y, x + side, y + side))
    return grey, np.array(boxes)
