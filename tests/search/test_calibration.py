"""Probabilities, their temperature and their errors agree with scikit-learn, loops and a grid search."""

import numpy as np
import pytest

from sinonom_cli.search.calibration import auroc, calibration_error, fit_temperature, likelihoods, probabilities


def asked(rng: np.random.Generator, count: int, temperature: float, answers: int = 12):
    """Draw queries whose relevant answers have the probabilities that follow from the temperature."""
    energies = np.sort(rng.gamma(4, 0.2, (count, answers)), axis=1)
    share = np.exp(-energies / temperature)
    share /= share.sum(axis=1, keepdims=True)
    drawn = (rng.random((count, 1)) > share.cumsum(axis=1)).sum(axis=1)
    right = np.zeros((count, answers), bool)
    right[np.arange(count), np.minimum(drawn, answers - 1)] = True
    return energies, right


def test_probabilities_are_a_softmax_and_leave_nothing_to_what_is_not_there():
    energies = np.array([[0.1, 0.4, np.inf], [800.0, 801.0, 802.0]])
    found = probabilities(energies, 0.5)
    assert found[0] == pytest.approx([np.exp(-0.2) / (np.exp(-0.2) + np.exp(-0.8)), 1 - found[0, 0], 0])
    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert found[1] == pytest.approx(np.exp([0, -2, -4]) / np.exp([0, -2, -4]).sum())


@pytest.mark.parametrize("temperature", [0.02, 0.1, 1.0])
def test_the_temperature_is_the_best_of_a_grid_and_the_one_the_queries_were_drawn_by(temperature):
    energies, right = asked(np.random.default_rng(0), 4000, temperature)
    found = fit_temperature(energies, right)

    def loss(one: float) -> float:
        return float((np.log(np.exp(-energies / one).sum(axis=1)) + energies[right] / one).sum())

    grid = np.exp(np.linspace(np.log(temperature / 3), np.log(temperature * 3), 60))
    best = grid[np.argmin([loss(one) for one in grid])]
    assert found == pytest.approx(best, rel=0.05)
    assert found == pytest.approx(temperature, rel=0.1)
    assert fit_temperature(energies * 1e6, right) == pytest.approx(found * 1e6, rel=1e-3)
    assert fit_temperature(energies + 50, right) == pytest.approx(found, rel=1e-3)


def test_of_several_right_answers_the_probabilities_add_up():
    energies = np.array([[0.1, 0.2, 0.5], [0.1, 0.2, 0.5]])
    right = np.array([[True, True, False], [False, False, True]])
    share = np.exp(-energies[0] / 0.3) / np.exp(-energies[0] / 0.3).sum()
    yes, no = likelihoods(energies, right, 0.3)
    assert np.exp(yes) == pytest.approx([share[0] + share[1], share[2]])
    assert np.exp(no) == pytest.approx([share[2], share[0] + share[1]])


def test_a_few_queries_all_answered_right_leave_some_doubt():
    energies = np.tile([0.1, 0.4, 0.6], (10, 1))
    right = np.tile([True, False, False], (10, 1))
    assert probabilities(energies[0], fit_temperature(energies, right))[0] == pytest.approx(11 / 12, abs=1e-4)


def test_temperatures_are_sought_from_a_hundred_thousandth_of_the_range_to_a_thousand_times_it():
    right = np.tile([True, False, False], (10, 1))
    sharp = np.tile([0.0, 1e-7, 1.0], (10, 1))  # the best temperature would be 1e-7 / log(11)
    assert fit_temperature(sharp, right) == pytest.approx(1e-5, rel=1e-3)
    assert fit_temperature(sharp + 7, right) == pytest.approx(1e-5, rel=1e-3)
    wrong = np.tile([0.3, 0.1, 0.0], (10, 1))  # the nearest is never relevant, so a higher temperature is better
    assert fit_temperature(wrong, right) == pytest.approx(0.3e3, rel=1e-3)
    assert np.isfinite(fit_temperature(np.ones((3, 3)), right[:3]))


def test_queries_that_teach_nothing_are_refused():
    with pytest.raises(ValueError, match="no query"):
        fit_temperature(np.array([[0.1, np.inf], [0.1, 0.2]]), np.array([[True, False], [False, False]]))


def test_the_calibration_error_is_that_of_a_loop_over_bins():
    rng = np.random.default_rng(1)
    confidence = rng.random(1507)
    correct = rng.random(1507) < 0.5 + 0.4 * np.sin(9 * confidence)  # accuracy crosses the diagonal several times
    ranked = sorted(zip(confidence.tolist(), correct.tolist(), strict=True))
    sizes = [1507 // 15 + (place < 1507 % 15) for place in range(15)]
    expected, start = 0.0, 0
    for size in sizes:
        members = ranked[start : start + size]
        start += size
        trust = sum(one for one, _ in members) / size
        share = sum(yes for _, yes in members) / size
        expected += size / 1507 * abs(trust - share)
    assert calibration_error(confidence, correct) == pytest.approx(expected)
    assert calibration_error(np.array([1.0, 1.0, 0.0]), np.array([True, True, False])) == 0
    assert calibration_error(np.array([0.7]), np.array([True])) == pytest.approx(0.3)
    assert calibration_error(np.zeros(0), np.zeros(0, bool)) == 0


def test_probabilities_that_mean_what_they_say_have_next_to_no_error():
    energies, right = asked(np.random.default_rng(2), 6000, 0.1)
    for temperature, low, high in ((0.1, 0, 0.03), (0.03, 0.1, 1)):
        confidence = probabilities(energies, temperature)[:, 0]
        assert low <= calibration_error(confidence, right[:, 0]) <= high


def test_auroc_is_that_of_scikit_learn_and_of_a_double_loop():
    rng = np.random.default_rng(3)
    known, unknown = np.round(rng.normal(0, 1, 150), 1), np.round(rng.normal(0.8, 1, 90), 1)
    wins = sum((u > k) + 0.5 * (u == k) for u in unknown for k in known)
    assert auroc(known, unknown) == pytest.approx(wins / (150 * 90))
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is only compared with")
    truth = np.r_[np.zeros(150), np.ones(90)]
    assert auroc(known, unknown) == pytest.approx(metrics.roc_auc_score(truth, np.r_[known, unknown]))
