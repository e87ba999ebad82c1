"""Votes of characters for blocks, against a loop."""

import math

import numpy as np
import pytest

from sinonom_cli.pages.votes import candidates, likeness, votes


def test_each_character_has_one_vote_shared_by_probability() -> None:
    rng = np.random.default_rng(0)
    energies = np.sort(rng.uniform(0, 1, (30, 8)), axis=1)
    owners = rng.integers(-1, 5, (30, 8)).astype(np.int32)
    likely = likeness(energies, energies[:, 0], 0.1)
    expected = [0.0] * 5
    for row, blocks in zip(energies.tolist(), owners.tolist(), strict=True):
        total = sum(math.exp(-energy / 0.1) for energy in row)
        for energy, block in zip(row, blocks, strict=True):
            if block >= 0:
                expected[block] += math.exp(-energy / 0.1) / total
    assert votes(likely, owners, 5) == pytest.approx(expected)
    assert votes(likely, np.full((30, 8), 2, np.int32), 3) == pytest.approx([0, 0, 30])


def test_a_carving_that_is_nearer_than_the_nearest_found_is_not_more_than_certain() -> None:
    assert likeness(np.array([[0.1, 0.4, 0.4 + 0.05 * math.log(4)]]), np.array([0.4]), 0.05)[0] == pytest.approx(
        [1, 1, 0.25]
    )


def test_candidates_are_those_with_most_votes_and_none_without() -> None:
    counted = np.array([0.0, 3.0, 0.5, 3.0, 7.0, 0.0])
    assert candidates(counted, 3) == [4, 1, 3]
    assert candidates(counted, 6) == [4, 1, 3, 2]
