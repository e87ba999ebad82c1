"""Two blocks that touch in one scan are noticed; a column without characters inside one border is none."""

import numpy as np
import pytest

from sinonom_cli.blocks.touching import divided

SIZE = 30


def block(columns: int = 5, border: bool = True, empty: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the ink of a block of six rows, with a column left empty, and the boxes of its characters."""
    wide, high = (columns + 2) * 40, 8 * 36
    ink, boxes = np.zeros((high, wide), np.float32), []
    for i in range(columns):
        for j in range(6):
            x, y = 45 + 40 * i, 40 + 36 * j
            if i != empty:
                ink[y : y + SIZE, x : x + SIZE : 4] = 1
                boxes.append((x, y, x + SIZE, y + SIZE))
    if border:
        for k in range(wide - 40):  # it leans by 5 pixels
            ink[20 + k * 5 // wide :, 20 + k][:4] = ink[high - 24 + k * 5 // wide :, 20 + k][:4] = 1
        ink[20:-20, 20:24] = ink[20:-20, -24:-20] = 1
    return ink, np.array(boxes, float)


def together(first: np.ndarray, second: np.ndarray, beside: bool) -> tuple[np.ndarray, np.ndarray]:
    (ink, boxes), (other, more) = first, second
    move = [ink.shape[1], 0] * 2 if beside else [0, ink.shape[0]] * 2
    return np.concatenate([ink, other], axis=int(beside)), np.vstack([boxes, more + move])


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("border", [True, False])
def test_two_blocks_that_touch_are_noticed_with_the_place_between_them(beside: bool, border: bool) -> None:
    one = block(border=border)
    found = divided(*together(one, block(border=border), beside), SIZE)
    assert found is not None and found[0] == beside
    assert found[1] == pytest.approx(one[0].shape[1 if beside else 0], abs=12)


def test_one_block_is_one_even_with_an_empty_column() -> None:
    assert divided(*block(), SIZE) is None
    assert divided(*block(border=False), SIZE) is None
    assert divided(*block(empty=2), SIZE) is None


def test_a_few_characters_aside_are_no_block() -> None:
    ink, boxes = block(border=False)
    aside = np.array([[ink.shape[1] + 100, 40, ink.shape[1] + 130, 70]], float)
    wide = np.pad(ink, ((0, 0), (0, 200)))
    assert divided(wide, np.vstack([boxes, aside]), SIZE) is None
