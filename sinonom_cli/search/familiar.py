"""Measure how much a picture looks like a known character, with the model and the index of characters that ship."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.search.naming import shipped_namer


class Familiar:
    """Measures the distance of pictures to known characters; the model is opened at the first call of a process."""

    def __call__(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64] | None:
        """Return the distance of each picture to the nearest known character, (N,) float64.

        The result is None if the model or the index of characters cannot be opened.

        Parameters
        ----------
        pictures : (H, W) uint8 each, dark strokes on a light background; at most a few.
        """
        try:
            return shipped_namer().distances(pictures)
        except SinonomError:
            return None
