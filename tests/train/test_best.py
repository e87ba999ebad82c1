"""Later weights are worse only if the queries show it."""

import numpy as np
import pytest

pytest.importorskip("torch")

from sinonom_cli.train.best import FEW, worse


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean difference, by drawing queries in a loop."""
    rng = np.random.default_rng(5)
    means = [rng.choice(differences, len(differences)).mean() for _ in range(4000)]
    return tuple(np.quantile(means, (0.025, 0.975)))


@pytest.mark.parametrize("lost", [0, 2, 10, 40])
def test_the_paired_bootstrap_is_that_of_a_loop(lost: int) -> None:
    rng = np.random.default_rng(lost)
    earlier = rng.choice([0.0, 0.2, 0.5, 1.0], 200)
    later = earlier.copy()
    changed = rng.permutation(200)
    later[changed[:lost]] = 0.0
    later[changed[190:]] = 1.0
    _, high = interval(later - earlier)
    assert worse(later, earlier) == (high < 0)


def test_pairs_show_what_two_means_alone_do_not() -> None:
    rng = np.random.default_rng(0)
    earlier = rng.choice([0.2, 1.0], 300)
    later = earlier - 0.02 * (rng.random(300) < 0.5)
    separate = rng.permutation(later)  # the same mean, of other queries
    assert worse(later, earlier) and not worse(separate, earlier)


def test_a_few_queries_decide_nothing_but_that_nothing_is_found() -> None:
    for count in range(1, FEW):
        assert not worse(np.full(count, 0.2), np.ones(count))
    assert worse(np.full(FEW, 0.2), np.ones(FEW))
    assert worse(np.zeros(3), np.array([1.0, 0.0, 0.0])), "a collapsed network finds nothing"
    assert not worse(np.zeros(3), np.zeros(3)) and not worse(np.zeros(0), np.zeros(0))
