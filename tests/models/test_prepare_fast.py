"""Compiled preparation gives the numbers of the plain one: an index made by workers is asked by a single process."""

import numpy as np
import pytest

from sinonom_cli.models import prepare_fast, preprocess


def pictures():
    """Blobs of many sizes and both polarities, framed or not, some blank or of one pixel."""
    rng = np.random.default_rng(0)
    for k in range(240):
        height, width = rng.integers(1, 40, 2)
        grain = int(rng.integers(1, 10))
        grey = np.kron(rng.integers(0, 256, (height, width), dtype=np.uint8), np.ones((grain, grain), np.uint8))
        if k % 3 == 0:
            grey = np.pad(grey, int(rng.integers(1, 20)), constant_values=int(rng.integers(0, 256)))
        if k % 5 == 0:
            grey = (grey // 64) * 64
        if k % 7 == 0:
            grey = 255 - grey // 50
        yield grey
    yield np.zeros((9, 9), np.uint8)
    yield np.full((1, 1), 7, np.uint8)


@pytest.mark.parametrize("size", [16, 64])
def test_the_numbers_are_the_same_to_the_last_bit(size: int) -> None:
    seen = []
    for picture in pictures():
        wanted = preprocess.prepare(picture, size)
        got = prepare_fast.prepare(picture, size)
        assert got.dtype == np.float32
        assert np.array_equal(got, wanted), picture.shape
        seen.append(bool(wanted.any()))
    assert 0.8 < np.mean(seen) < 1


def test_pairwise_sums_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    for length in (3, 8, 64, 129, 250, 1000):
        values = np.zeros(length)
        first, stop = sorted(rng.integers(0, length + 1, 2))
        values[first:stop] = rng.random(stop - first) * 10.0 ** rng.integers(-9, 9, stop - first)
        assert prepare_fast._pairwise(values, 0, length, first, stop, np.zeros(8)) == values.sum()


def test_what_is_no_grey_picture_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="4, 4, 3"):
        prepare_fast.prepare(np.zeros((4, 4, 3), np.uint8), 16)
