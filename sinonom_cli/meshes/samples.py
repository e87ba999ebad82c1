"""Join the samples of a height map to triangles."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def surface_of(heights: "NDArray[np.float32]", pixel: float) -> "NDArray[np.float32]":
    """Return two triangles for every four adjacent samples, or one where a sample is missing."""
    height, width = heights.shape
    points = np.empty((height, width, 3), np.float32)
    points[..., 0] = (np.arange(width) - (width - 1) / 2) * pixel
    points[..., 1] = (((height - 1) / 2 - np.arange(height)) * pixel)[:, None]
    points[..., 2] = heights
    there = np.isfinite(heights)
    corners = [(slice(None, -1), slice(None, -1)), (slice(1, None), slice(None, -1))]
    corners += [(slice(1, None), slice(1, None)), (slice(None, -1), slice(1, None))]  # counter-clockwise, from above
    known = [there[corner] for corner in corners]
    count = np.sum(known, axis=0)
    found = []
    for missing, of in (
        (None, (0, 1, 2)),
        (None, (0, 2, 3)),
        (0, (1, 2, 3)),
        (1, (0, 2, 3)),
        (2, (0, 1, 3)),
        (3, (0, 1, 2)),
    ):
        mine = count == 4 if missing is None else (count == 3) & ~known[missing]
        found.append(np.stack([points[corners[k]][mine] for k in of], axis=1))
    return np.concatenate(found)
