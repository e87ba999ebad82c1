"""Choose the sizes of a whole block from the ink of its page."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.relief.block_options import BlockOptions
from sinonom_cli.relief.block_shape import DROP
from sinonom_cli.relief.strokes import BORDER

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_VERTICES = 30_000_000
"""Largest number of vertices of a block; its heights and fields need about 60 bytes for each."""
RIM = (0.005, 0.03)
"""Distance of the page's ink from the block's edge, as a share of the ink's width."""


@dataclass(frozen=True)
class Plan:
    """Sizes of a block, in points of its grid.

    Attributes
    ----------
    ink : box of the page's ink, x0, y0, x1, y1, in pixels.
    plate : points along a plate.
    rows, columns : size of the page's ink.
    rim : points between the ink and the block's edge, or a handle.
    left, right : width of each handle.
    step : distance of two points, in mm.
    drop : depth of the handles below the ground, in mm.
    """

    ink: tuple[int, int, int, int]
    plate: int
    rows: int
    columns: int
    rim: int
    left: int
    right: int
    step: float
    drop: float

    @property
    def size(self) -> tuple[int, int]:
        """Return the number of rows and columns of the whole block."""
        return self.rows + 2 * self.rim, self.left + self.columns + 2 * self.rim + self.right

    @property
    def plate_width(self) -> float:
        """Return the width of a plate, in mm."""
        return self.plate * self.step


def planned(ink: "NDArray[np.float32]", width: float, options: BlockOptions, rng: np.random.Generator) -> Plan:
    """Choose the sizes of a block.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], mirrored already if the block is.
    width : width of the ink of a usual character, in pixels.

    Raises
    ------
    SinonomError
        If there is no ink, or the block would have more than MOST_VERTICES vertices.
    """
    inked = ink > 0.5
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        raise SinonomError("the page is blank: there is nothing to carve", "give a picture with ink")
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    finer = options.resolution / width if options.resolution else 1.0
    plate = max(4, round(width / (1 - 2 * BORDER) * finer))
    down, across = (max(2, math.ceil((end - start) * finer)) for start, end in ((box[1], box[3]), (box[0], box[2])))
    ragged = math.ceil(options.carving.relief.ragged.high * plate) + 1
    rim = ragged + math.ceil(float(rng.uniform(*RIM)) * across)
    left, right = (round(float(rng.uniform(options.handles.low, options.handles.high)) * across) for _ in range(2))
    step = options.page_width / ink.shape[1] / finer
    drop = float(rng.uniform(*DROP)) * across * step
    if options.solid:  # a solid block keeps half of its thickness there
        drop = min(drop, options.thickness / 2)
    plan = Plan(box, plate, down, across, rim, left, right, step, drop)
    vertices = math.prod(plan.size)
    if vertices > MOST_VERTICES:
        raise SinonomError(
            f"the block would have {vertices:,} vertices, more than {MOST_VERTICES // 1_000_000} million",
            "give fewer vertices across a character with --resolution, or a smaller picture",
        )
    return plan


def corner_of_page(plan: Plan, mm: float, first: int) -> tuple[float, float]:
    """Return the place on the block of the page's corner whose pixel has the x `first` in the (mirrored) picture."""
    rows, columns = plan.size
    x = (plan.left + plan.rim - columns / 2) * plan.step + (first - plan.ink[0]) * mm
    return x, (rows / 2 - plan.rim) * plan.step + plan.ink[1] * mm
