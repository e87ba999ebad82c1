"""Draw characters of bars, for tests of the changes made to pictures."""

import numpy as np


def drawn(side=96, left=0.2, top=0.15, scale=0.6):
    """Return a character without symmetry, dark on light with soft edges, (side, side) uint8."""
    y, x = (np.mgrid[: 4 * side, : 4 * side] + 0.5) / (4 * side)
    x, y = (x - left) / scale, (y - top) / scale
    bars = [
        (0.0, 0.1, 1.0, 0.2),
        (0.1, 0.1, 0.22, 1.0),
        (0.45, 0.5, 1.0, 0.6),
        (0.45, 0.0, 0.55, 0.75),
        (0.5, 0.9, 0.8, 1.0),
    ]
    ink = np.zeros_like(x)
    for x0, y0, x1, y1 in bars:
        ink[(x >= x0) & (x < x1) & (y >= y0) & (y < y1)] = 1
    return np.round(250 - 230 * ink.reshape(side, 4, side, 4).mean(axis=(1, 3))).astype(np.uint8)
