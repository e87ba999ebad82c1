"""Test levelling: tilt, bow and twist of a plate go, whatever else the scan shows."""

import numpy as np
import pytest
from tinyblock import carved

from sinonom_cli.blocks.ink import ink, stroke_width
from sinonom_cli.blocks.level import level
from sinonom_cli.blocks.surface import Surface
from sinonom_cli.errors import BadInput

BENT = (3.0, -2.0, 5.0, -3.0, 2.0)
"""mm at the corners of a map 10 cm wide: slope across and up, bow across and up, twist."""


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"bend": BENT},
        {"bend": BENT, "handles": 3.0},
        {"bend": BENT, "handles": -0.7},
        {"bend": (12.0, -9.0, 3.0, 2.0, 2.0), "table": -8.0},
        {"size": 70, "rows": 3, "columns": 4, "bend": BENT},
    ],
    ids=["flat", "bent", "high handles", "low handles", "steep, on a table", "large characters"],
)
def test_the_surface_goes_through_the_tops_and_nothing_else(block: dict) -> None:
    made = carved(**block)
    flat = level(Surface(made.heights, made.pixel))
    both = flat.plate & made.plate
    assert both.sum() > 0.98 * made.plate.sum()
    off = (made.heights - flat.heights - made.tops)[both]
    assert np.sqrt((off**2).mean()) < 0.05 and np.abs(off).max() < 0.15  # mm, of 1.2 mm relief and up to 12 mm of bend
    assert np.isnan(flat.heights[~flat.plate]).all()


def test_ink_is_on_the_tops_and_not_on_the_ground_of_any_depth() -> None:
    made = carved(bend=BENT, handles=2.0)
    found = ink(level(Surface(made.heights, made.pixel)))
    assert found.dtype == np.float32 and found.min() == 0 and found.max() == 1
    assert found[made.ink & made.plate].mean() > 0.95
    assert found[~made.ink & made.plate].mean() < 0.1
    assert not found[~made.plate & np.isnan(made.heights)].any()


def test_worn_tops_are_still_ink() -> None:
    made = carved()
    depth = 0.13 * 36 * made.pixel
    columns = np.linspace(0, 1, made.heights.shape[1], dtype=np.float32)
    worn = np.minimum(made.heights, -0.5 * depth * columns)  # to half of the relief at the right end
    found = ink(level(Surface(worn, made.pixel)))
    right = made.owner >= 0
    right[:, : 2 * right.shape[1] // 3] = False
    assert found[right].mean() > 0.9


def test_the_width_of_strokes_is_their_shorter_run() -> None:
    mask = np.zeros((60, 80), bool)
    mask[5:9, 10:70] = mask[20:24, 10:70] = mask[5:55, 40:44] = True
    mask[50:, 50:] = True
    assert stroke_width(mask) == 4
    assert stroke_width(np.zeros((5, 5), bool)) == 0


@pytest.mark.parametrize("heights", [np.zeros((200, 300)), np.full((200, 300), np.nan), np.ones((2, 2))])
def test_a_surface_without_relief_is_refused(heights: np.ndarray) -> None:
    with pytest.raises(BadInput):
        level(Surface(heights.astype(np.float32), 0.1))
