"""Find the characters of a page or of a block with the detector that ships.

The detector is a convolutional network that gives, for each cell of 4 x 4 pixels, the probability that a character's
middle lies there and the distances to the sides of its box (Zhou et al. 2019, "Objects as points", arXiv:1904.07850).
It has learnt characters of about `SIZE` pixels. A picture of unknown scale is looked at in several scales first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.assets import ASSETS
from sinonom_cli.errors import BadInput
from sinonom_cli.layout.suppress import suppressed
from sinonom_cli.networks.embedder import session_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIPPED = ASSETS / "detector" / "characters.onnx"
SIZE = 28.0
"""Height in pixels of an ordinary character at the scale that the network works best at."""
CELL = 4
"""Side of a cell of the network's output, pixels."""
LIKELY, FAINT = 0.55, 0.35
"""Smallest probability of a box that is a character, and of one that is a character if it stands in a line."""
ASIDE, APART, ALIKE = 0.2, 1.8, 1.5
"""A box stands in a line if two others of about its size (up to this ratio) lie this far aside at most and this far
apart, in longer sides of the larger box. All three were chosen on boxed pages and simulated blocks."""
TINY = 0.42
"""Smallest longer side of a box, in heights of an ordinary character. Notes have half the size of the text, and the
smallest of the 12,340 characters of boxed pages has 0.62 of it. Smaller boxes are bits of a border or of the next page.
"""
TILE, OVERLAP = 768, 96
"""Side of the tiles that a large picture is cut into, and their overlap, pixels; both are multiples of 32."""
SMALLEST, LARGEST = 10.0, 400.0
"""Range of the height of an ordinary character, in pixels of the picture."""
LADDER = 1.35
"""Ratio of one tried scale to the next."""
FITTING = (0.7, 1.45)
"""Range of the median height of found characters, as a multiple of `SIZE`, in which a scale is believed."""
LOOKED_AT = 1024
"""Longest side, in pixels, of the picture in which the size of characters is looked for. 100 characters of a column
fit in, and the time for all scales does not grow with the scan."""
NEAREST = LADDER**-0.5
"""Median height of found characters, as a multiple of `SIZE`, from which no finer scale is nearer to `SIZE`."""
FINER, WINDOW = LADDER**3, 384
"""Scale, as a multiple of the nearest one, at which one more look is taken for smaller characters, and the side in
pixels of the part that is looked at: the one with most ink outside the boxes."""
SEVERAL, A_FEW = 20, 2.0
"""Smallest surplus of right boxes over wrong ones at a scale after which no finer scales are tried, and the surplus of
boxes in the window from which they are tried all the same."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Characters found in a picture.

    Attributes
    ----------
    boxes : (N, 4) float64, x0, y0, x1, y1 in pixels of the picture, the most probable first.
    scores : (N,) float64 in [0, 1], probability that a box holds a character.
    size : height of an ordinary character, pixels of the picture.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    size: float


class Detector:
    """Detector of characters, read from an ONNX file.

    Parameters
    ----------
    path : ONNX file that takes (1, 1, H, W) ink in [0, 1], H and W multiples of 32, and gives (1, 5, H / 4, W / 4):
        probability, and distances to the left, upper, right and lower side in pixels.
    threads : threads of ONNX Runtime.

    Raises
    ------
    BadInput
        If the file is not such a network.
    """

    def __init__(self, path: Path = SHIPPED, threads: int = 1) -> None:
        try:
            self._session = session_of(str(path), threads)
        except Exception as error:  # ONNX Runtime has no common class for the errors of a broken file
            reason = str(error).strip().splitlines()[-1]
            raise BadInput(f"{path} is not an ONNX model: {reason}", "give a detector that sinonom made") from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or not outputs or len(outputs[0].shape) != 4:
            raise BadInput(f"{path} is not a detector of characters", "give a detector that sinonom made")
        self._input = inputs[0].name

    def find(self, ink: NDArray[np.float32], size: float | None = None, likely: float = LIKELY) -> Found:
        """Find the characters of a picture.

        Parameters
        ----------
        ink : (H, W) float32 in [0, 1], 1 where there is ink, or where the surface of a block stands highest.
        size : height of an ordinary character, pixels; None: find it.
        likely : smallest probability of a box that is a character wherever it stands, in [0, 1].
        """
        size = self.size_of(ink) if size is None else size
        boxes, scores = self._at(ink, SIZE / size)
        large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) >= TINY * size
        boxes, scores = boxes[large], scores[large]
        kept = (scores >= likely) | in_line(boxes, scores >= likely)
        return Found(boxes=boxes[kept], scores=scores[kept], size=size)

    def size_of(self, ink: NDArray[np.float32]) -> float:
        """Return the height of an ordinary character, pixels: that of the scale at which most characters are found.

        A scale counts by the number of right boxes less that of wrong ones, as the probabilities let expect, if the
        characters found there have about `SIZE` pixels.
        """
        reduced = resized(ink, min(1.0, LOOKED_AT / max(ink.shape)))
        best, chosen = 0.0, SIZE
        size = LARGEST
        while size >= SMALLEST:
            if size <= 1.5 * max(reduced.shape):
                boxes, scores = self._at(reduced, SIZE / size)
                height = float(np.median(boxes[:, 3] - boxes[:, 1])) if len(boxes) else 0.0
                total = _surplus(scores)
                if total > best and FITTING[0] <= height / size <= FITTING[1]:
                    best, chosen = total, height
                if total >= SEVERAL and height / size >= NEAREST and not self._are_smaller(reduced, boxes, height):
                    break
            size /= LADDER
        return chosen * max(ink.shape) / max(reduced.shape)

    def _are_smaller(self, ink: NDArray[np.float32], boxes: NDArray[np.float64], size: float) -> bool:
        """Return whether there are characters outside the boxes that are too small for the scale of the boxes."""
        rest = ink.copy()
        for x0, y0, x1, y1 in boxes.astype(int):
            rest[y0 : y1 + 1, x0 : x1 + 1] = 0
        y, x, side = _most_ink(rest, round(WINDOW * size / SIZE / FINER))
        _, scores = self._at(rest[y : y + side, x : x + side], FINER * SIZE / size)
        return _surplus(scores) > A_FEW

    def _at(self, ink: NDArray[np.float32], scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return boxes, in pixels of the picture, and scores at one scale."""
        picture = resized(ink, scale)
        parts = [self._tile(picture, y, x) for y in _starts(picture.shape[0]) for x in _starts(picture.shape[1])]
        boxes, scores = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
        kept = suppressed(boxes, scores)
        factor = np.array([ink.shape[1] / picture.shape[1], ink.shape[0] / picture.shape[0]] * 2)
        return boxes[kept] * factor, scores[kept]

    def _tile(self, picture: NDArray[np.float32], y: int, x: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        part = picture[y : y + TILE, x : x + TILE]
        high, wide = (-(-length // 32) * 32 for length in part.shape)
        padded = np.pad(part, ((0, high - part.shape[0]), (0, wide - part.shape[1])))
        output: Any = self._session.run(None, {self._input: padded[None, None]})[0][0]
        heat = output[0]
        around = np.pad(heat, 1)
        highest = np.max([around[i : i + heat.shape[0], j : j + heat.shape[1]] for i in range(3) for j in range(3)], 0)
        rows, columns = np.nonzero((heat >= FAINT) & (heat == highest))
        middle_x, middle_y = CELL * columns + CELL / 2, CELL * rows + CELL / 2
        left, upper, right, lower = output[1:, rows, columns].astype(np.float64)
        boxes = np.stack([middle_x - left, middle_y - upper, middle_x + right, middle_y + lower], axis=1)
        # What a neighbouring tile sees whole is left to it.
        inner = (middle_x >= (OVERLAP / 2 if x else 0)) & (middle_y >= (OVERLAP / 2 if y else 0))
        inner &= (middle_x < TILE - OVERLAP / 2) | (x + TILE >= picture.shape[1])
        inner &= (middle_y < TILE - OVERLAP / 2) | (y + TILE >= picture.shape[0])
        limits = np.array([picture.shape[1], picture.shape[0]] * 2)
        boxes = np.clip(boxes + np.array([x, y] * 2), 0, limits)
        return boxes[inner], heat[rows, columns].astype(np.float64)[inner]


def in_line(boxes: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which boxes, (N,) bool, have two known neighbours in one column, or in one row.

    Parameters
    ----------
    boxes : (N, 4) float64, x0, y0, x1, y1.
    known : (N,) bool, boxes that are surely characters.
    """
    middle, side = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    found = np.zeros(len(boxes), bool)
    for number in range(len(boxes)):
        larger = np.maximum(side, side[number])
        others = known & (larger < ALIKE * np.minimum(side, side[number]))
        others[number] = False
        away = np.abs(middle - middle[number]) / larger[:, None]
        for aside, along in ((0, 1), (1, 0)):
            found[number] |= (others & (away[:, aside] < ASIDE) & (away[:, along] < APART)).sum() >= 2
    return found


def shipped_detector() -> Detector:
    """Return the detector that ships; each process reads it once."""
    return opened_detector(SHIPPED)


def opened_detector(path: Path) -> Detector:
    """Return the detector of an ONNX file; each process reads the same file once. Errors are those of `Detector`."""
    try:
        about = path.stat()
    except OSError:
        return Detector(path)  # says what is wrong
    return _opened(path, about.st_mtime_ns, about.st_size)


@lru_cache(2)
def _opened(path: Path, changed: int, size: int) -> Detector:
    """Return the detector of a file that was changed at a time and has a size; another file would have others."""
    return Detector(path)


def resized(ink: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Return a picture at another scale, averaged where it becomes smaller, (round(H scale), round(W scale))."""
    from PIL import Image

    shape = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    if shape == ink.shape[::-1]:
        return np.ascontiguousarray(ink, np.float32)
    image = Image.fromarray(np.ascontiguousarray(ink, np.float32))
    return np.asarray(image.resize(shape, Image.Resampling.BILINEAR), np.float32)


def _surplus(scores: NDArray[np.float64]) -> float:
    """Return the expected number of right boxes less that of wrong ones."""
    return float((2 * scores - 1).sum())


def _most_ink(ink: NDArray[np.float32], side: int) -> tuple[int, int, int]:
    """Return the upper left corner, y and x, of the square part with most ink, and its side, at most `side` pixels."""
    side = min(side, *ink.shape)
    sums = np.pad(np.cumsum(np.cumsum(ink, axis=0, dtype=np.float64), axis=1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(y), int(x), side


def _starts(length: int) -> list[int]:
    """Return where tiles begin along a side."""
    return [0] if length <= TILE else list(range(0, length - OVERLAP, TILE - OVERLAP))
