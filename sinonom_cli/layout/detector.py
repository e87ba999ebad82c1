"""Run a detector of characters with ONNX Runtime: an ONNX file whose output has YOLOv8's form gives a page's boxes."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.layout.suppress import suppressed
from sinonom_cli.networks.embedder import session_of
from sinonom_cli.storage.atomic import cached_by_file

CONFIDENT = 0.25
"""Smallest score of a box that counts."""
PAPER = 114
"""Grey around a page that does not fill the input, as in YOLO's training."""


class Localizer:
    """Detector of characters, read from an ONNX file.

    Attributes
    ----------
    size : side of its square input, pixels.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Read a detector.

        Raises
        ------
        SinonomError
            If the file is missing, is not an ONNX model, or does not take one square picture and give
            (1, 4 + classes, n).
        """
        if not path.is_file():
            raise SinonomError(f"{path} does not exist", "sinonom train-localizer PAGES OUT makes OUT/localizer.onnx")
        try:
            session = session_of(str(path), threads)
        except Exception as error:  # ONNX Runtime has no common class for the errors of a broken file.
            reason = str(error).strip().splitlines()[-1]
            raise SinonomError(f"{path} is not an ONNX model: {reason}", "give a localizer.onnx") from None
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shape, out = inputs[0].shape if len(inputs) == 1 else [], outputs[0].shape if outputs else []
        square = len(shape) == 4 and shape[1] in (1, 3) and shape[2] == shape[3]
        if not square or len(out) != 3 or (isinstance(out[1], int) and out[1] < 5):
            raise SinonomError(
                f"{path} is not a detector: it takes {shape} and gives {out}",
                "give an ONNX file that takes (1, 3, S, S) and gives (1, 4 + classes, n), as YOLOv8's",
            )
        self.size = shape[2] if isinstance(shape[2], int) else 640
        self._channels, self._input, self._session = shape[1], inputs[0].name, session

    def boxes(self, grey: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the characters of a page.

        Parameters
        ----------
        grey : (H, W) uint8, of any size.

        Returns
        -------
        boxes : (n, 4) float64, x0, y0, x1, y1 in pixels of `grey`, the best first.
        scores : (n,) float64 in [0, 1].
        """
        canvas, scale = letterboxed(grey, self.size)
        tensor = np.repeat(canvas[None, None].astype(np.float32) / 255, self._channels, axis=1)
        output: NDArray[Any] = self._session.run(None, {self._input: tensor})[0][0]
        scores = output[4:].max(axis=0).astype(np.float64)
        sure = scores >= CONFIDENT
        middle, half = output[:2, sure].T.astype(np.float64), output[2:4, sure].T.astype(np.float64) / 2
        found = np.hstack([middle - half, middle + half]) / scale
        kept = suppressed(found, scores[sure])
        return found[kept], scores[sure][kept]


@cached_by_file(2)
def read_localizer(path: Path) -> Localizer:
    """Return the detector at `path`; each process reads it once."""
    return Localizer(path)


def letterboxed(grey: NDArray[np.uint8], size: int) -> tuple[NDArray[np.uint8], float]:
    """Fit a page into the upper left of a square.

    Returns
    -------
    (size, size) uint8, and its scale: pixels of the square per pixel of `grey`.
    """
    from PIL import Image

    height, width = grey.shape
    scale = size / max(height, width)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = np.full((size, size), PAPER, np.uint8)
    if scale == 1:
        canvas[:height, :width] = grey
    else:
        canvas[: shape[1], : shape[0]] = np.asarray(Image.fromarray(grey).resize(shape, Image.Resampling.BILINEAR))
    return canvas, scale
