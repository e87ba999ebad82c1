"""Test products and exponentials without BLAS against reference values."""

import math

import numpy as np
import pytest

from sinonom_cli.parallel.products import exp, on_both_sides, product


@pytest.mark.parametrize(
    ("left", "right", "shape"),
    [
        ((5, 3), (3, 4), (5, 4)),
        ((2, 5, 3), (3, 4), (2, 5, 4)),
        ((5, 3), (2, 3, 4), (2, 5, 4)),
        ((1, 3), (3, 1), (1, 1)),
    ],
)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_product_sums_over_the_inner_index(
    left: tuple[int, ...], right: tuple[int, ...], shape: tuple[int, ...], kind: type
) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(left).astype(kind), rng.standard_normal(right).astype(kind)
    a[..., 0, 1] = 0
    found = product(a, b)
    assert found.dtype == kind and found.shape == shape
    slow = np.zeros(shape)
    for i in range(shape[-2]):
        for j in range(shape[-1]):
            slow[..., i, j] = sum(a[..., i, k].astype(float) * b[..., k, j] for k in range(left[-1]))
    np.testing.assert_allclose(found, slow, rtol=1e-5, atol=1e-6)


def test_weights_of_whole_numbers_count_and_zeros_do_not() -> None:
    left, right = np.array([[-1.0, 0.0, 1.0, 2.0]]), np.array([[3.0, 5.0], [7.0, 11.0], [13.0, 17.0], [19.0, 23.0]])
    assert product(left, right).tolist() == [[48, 58]]


def test_factors_of_two_types_give_the_wider_one() -> None:
    assert product(np.ones((2, 2), np.float32), np.ones((2, 2))).dtype == np.float64


def test_each_step_of_a_sum_is_rounded_in_the_order_of_the_inner_index() -> None:
    a, b = np.array([[1e8, 1.0, -1e8, 1.0]], np.float32), np.ones((4, 1), np.float32)
    assert product(a, b) == 1  # 1e8 + 1 rounds to 1e8 in float32
    assert product(np.array([[1e8, -1e8, 1.0, 1.0]], np.float32), b) == 2


def test_weights_on_both_sides_are_applied_to_rows_and_columns() -> None:
    rng = np.random.default_rng(1)
    rows, fields, columns = (rng.standard_normal(shape) for shape in ((6, 3), (2, 3, 4), (5, 4)))
    found = on_both_sides(rows, fields, columns)
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, np.einsum("ab,nbd,cd->nac", rows, fields, columns), rtol=1e-12, atol=1e-12)


def test_exponentials_are_right_to_their_last_digits() -> None:
    x = np.linspace(-80, 0, 1001)
    np.testing.assert_allclose(exp(x), [math.exp(each) for each in x], rtol=1e-8)
    assert exp(np.float32([0, -1])).dtype == np.float32
    assert exp(np.array([-700.0]))[0] < 1e-200
