"""The doubt about a query is a logistic regression of its signs, and signs are what a loop over answers gives."""

import math

import numpy as np
import pytest

from sinonom_cli.search.doubt import CROWD, Doubt, fit_weights, signs_of
from sinonom_cli.search.rows import Row


def rows_of(labels: str) -> list[Row]:
    return [
        Row(f"{place}.png", "", label and f"U+{ord(label):04X}", label, "set") for place, label in enumerate(labels)
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_the_weights_are_those_of_scikit_learn(count: int) -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(count)
    scale = np.array([0.5, 3.0, 20.0])[:count]
    known = (rng.normal(0, 1, (300, count)) + [0, 1.0, 0.5][:count]) * scale
    unknown = (rng.normal(0, 1, (200, count)) + [1.5, 0, 0][:count]) * scale
    both = np.concatenate([known, unknown])
    fitted = LogisticRegression(C=10, tol=1e-10, max_iter=1000).fit(
        (both - both.mean(axis=0)) / both.std(axis=0), np.repeat([0, 1], [300, 200])
    )
    weights = fit_weights(known, unknown)
    assert weights == pytest.approx(fitted.coef_[0] / both.std(axis=0), rel=1e-3)
    assert weights[0] > 0 > weights[1]


def test_where_greater_distances_count_as_known_the_distance_alone_decides() -> None:
    near, far = np.array([[0.0, 1.0, 2.0], [0.2, 0.0, 1.0]]), np.array([[1.0, 0.5, 1.0], [1.4, 0.7, 2.0]])
    assert fit_weights(far, near) == (1.0, 0.0, 0.0)
    assert fit_weights(near, np.zeros((0, 3))) == (1.0, 0.0, 0.0)
    assert fit_weights(np.ones((4, 2)), np.ones((4, 2))) == (1.0, 0.0)
    assert fit_weights(near, far)[0] > 0


def test_queries_that_are_separated_have_finite_weights() -> None:
    known, unknown = np.array([[-1.0, 0.0], [-2.0, 0.1]] * 5), np.array([[1.0, 0.0], [2.0, 0.1]] * 5)
    weights = fit_weights(known, unknown)
    assert 0 < weights[0] < 20 and np.isfinite(weights).all()


def test_signs_look_at_each_other_character_once_and_at_twenty_of_them_at_most() -> None:
    labels = "天天地" + "地" + "".join(chr(0x4E00 + place) for place in range(40))
    energies = np.linspace(0.1, 1.5, len(labels)) ** 2
    # 地 has two rows, of which the nearer one counts; 20 others: 地 and the first 19 of the rest.
    others = [energies[2], *energies[4 : 4 + CROWD - 1]]
    found = signs_of(rows_of(labels), energies, 0.02)
    assert found == pytest.approx([math.log(0.01), math.log(sum(others) / 20), math.log(0.02)])
    assert signs_of(rows_of(labels), energies, None) == found[:2]


def test_signs_are_finite_for_equal_pictures_and_where_there_is_one_character_only() -> None:
    assert signs_of(rows_of("天地"), np.array([0.0, 0.5]), 0.0) == pytest.approx(
        [math.log(0.0005), math.log(0.5), math.log(1e-6)]
    )
    assert signs_of(rows_of("天天"), np.array([0.3, 0.5]), None) == pytest.approx([math.log(0.3)] * 2)
    assert np.isfinite(signs_of(rows_of("天天"), np.array([0.0, 0.0]), None)).all()
    # Rows without labels are one thing each.
    assert signs_of([Row("a", "", "", "", ""), Row("b", "", "", "", "")], np.array([0.3, 0.5]), None)[
        1
    ] == pytest.approx(math.log(0.5))


def test_a_doubt_is_read_as_it_was_written_and_a_damaged_one_is_refused() -> None:
    for weights in ((1.5, -0.5), (1.5, -0.5, -0.25)):
        doubt = Doubt(weights, 0.75)
        assert Doubt.from_record(doubt.as_record(), len(weights) == 3) == doubt
    assert Doubt((1.5, -0.5, -0.25), 0)([2.0, 4.0, 8.0]) == -1.0
    kept = Doubt((1.5, -0.5), 0.75).as_record()
    for broken in (kept | {"distance": -1}, kept | {"limit": float("inf")}, kept | {"others": "x"}, {"limit": 1}, [1]):
        with pytest.raises((KeyError, TypeError, ValueError)):
            Doubt.from_record(broken, False)
    with pytest.raises(KeyError):
        Doubt.from_record(kept, True)  # there is no weight for the spread of views
