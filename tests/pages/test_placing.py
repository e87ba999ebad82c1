"""A page is laid on a block, and the blocks that were tried are judged."""

import dataclasses

import numpy as np
import pytest
from tinyblocks import TinyBlock, blocks

from sinonom_cli.pages.placing import Placing, features, placed, probabilities


def laid(page: TinyBlock, block: TinyBlock, part: slice = slice(None), number: int = 0) -> Placing:
    """Lay a page on a block: characters are known without a doubt."""
    energies = np.array([[0.1 if a == b else 1.5 for b in block.chars] for a in page.chars[part]])
    points = page.middles[part] * 4 + [30, 70]
    return placed(number, points, block.middles, np.exp(-(energies - 0.1) / 0.07), energies, np.sqrt(energies))


def test_a_page_lies_on_its_own_block_character_by_character() -> None:
    one, other = blocks("a", "b")
    placing = laid(one, one)
    count = len(one.chars)
    assert placing.pairs.tolist() == [[k, k] for k in range(count)]
    assert placing.same.all() and placing.covered == count
    assert placing.score == pytest.approx(1) and placing.distances == pytest.approx(np.sqrt(0.1))
    wrong = laid(one, other, number=1)
    own, rival = probabilities([placing, wrong], 2)
    assert own > 0.9 and rival < 0.1 and placing.evidence > 10 > wrong.evidence


def test_a_worn_carving_stays_in_place_and_is_said_not_to_look_alike() -> None:
    [one] = blocks("a")
    energies = np.array([[0.1 if a == b else 1.5 for b in one.chars] for a in one.chars])
    energies[4] = 1.2  # it is like nothing
    placing = placed(0, one.middles, one.middles, np.exp(-(energies - 0.1) / 0.07), energies, energies)
    assert placing.pairs.tolist() == [[k, k] for k in range(len(one.chars))]
    assert np.flatnonzero(~placing.alike).tolist() == [4]


def test_a_block_that_was_carved_anew_is_less_probable_than_the_one_that_printed() -> None:
    one, _ = blocks("a", "b")
    same = laid(one, one)
    placing = dataclasses.replace(same, likely=same.likely * 0.3, fit=0.1)
    # The same text at the same places, other strokes.
    anew = dataclasses.replace(same, block=1, likely=same.likely * 0.2, fit=-0.1)
    own, rival = probabilities([placing, anew], 2)
    assert own > 0.8 and rival < 0.1
    assert probabilities([anew], 2)[0] < 0.5 < probabilities([placing], 2)[0]  # each of them alone in the index


def test_blocks_with_other_characters_of_the_page_are_no_rivals() -> None:
    one, _ = blocks("a", "b")
    right, left = laid(one, one, slice(0, 14)), laid(one, one, slice(14, 35), number=1)
    left = dataclasses.replace(left, pairs=left.pairs + [14, 0])
    assert features(right, [right, left], 2) == features(right, [right], 2)
    assert features(right, [right, dataclasses.replace(right, block=1)], 2)[2] == pytest.approx(0)


@pytest.mark.filterwarnings("error")
def test_a_page_whose_characters_all_look_like_one_carving_does_not_shrink_to_its_place() -> None:
    one, other = blocks("a", "b")
    energies = np.array([[1.5] * len(one.chars)] * len(other.chars))
    energies[:, 17] = 0.1
    energies[:6, 18] = 0.1
    placing = placed(0, other.middles, one.middles, np.exp(-(energies - 0.1) / 0.07), energies, energies)
    assert placing.evidence < 1 and probabilities([placing], 1)[0] < 0.1


def test_characters_in_one_place_find_nothing() -> None:
    [one] = blocks("a")
    nowhere = np.zeros((35, 2))
    placing = placed(0, nowhere, one.middles, np.ones((35, 35)), np.ones((35, 35)), np.ones((35, 35)))
    assert not len(placing.pairs) and placing.score == 0
    assert probabilities([placing], 3) == [0.0]
