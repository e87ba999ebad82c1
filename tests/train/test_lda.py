"""The linear discriminant equals other implementations and finds characters again."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sinonom_cli.errors import SinonomError  # noqa: E402
from sinonom_cli.networks.directmap import DirectionFeatures  # noqa: E402
from sinonom_cli.networks.onnx_export import export_onnx  # noqa: E402
from sinonom_cli.train.augment import views  # noqa: E402
from sinonom_cli.train.lda import LdaConfig, Scatter, discriminant, fit_lda  # noqa: E402
from sinonom_cli.train.prefetch import Batch  # noqa: E402

SIDE = 32
CONFIG = LdaConfig(size=SIDE, dimensions=96, batches=24, shrinkage=0.2)


def toy(count, features, seed=0):
    """Return (count * 12, features) samples of `count` Gaussian classes, correlated within, and their classes."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(features, features))
    classes = np.repeat(np.arange(count), 12)
    means = 2 * rng.normal(size=(count, features))
    return means[classes] + rng.normal(size=(len(classes), features)) @ mixing, classes


def scattered(samples, classes, parts=5):
    scatter = Scatter(classes.max() + 1, samples.shape[1])
    order = np.random.default_rng(1).permutation(len(samples))
    for rows in np.array_split(order, parts):
        scatter.add(samples[rows], classes[rows])
    return scatter


def test_streamed_scatter_equals_a_loop_over_classes():
    samples, classes = toy(7, 5)
    within, between = scattered(samples, classes).within_and_between()
    inner, outer = np.zeros((5, 5)), np.zeros((5, 5))
    for c in range(7):
        mine = samples[classes == c]
        for row in mine:
            inner += np.outer(row - mine.mean(axis=0), row - mine.mean(axis=0))
        step = mine.mean(axis=0) - samples.mean(axis=0)
        outer += len(mine) * np.outer(step, step)
    assert np.allclose(within, inner / (len(samples) - 7))
    assert np.allclose(between, outer / len(samples))


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_the_projection_solves_the_generalised_eigenproblem(shrinkage):
    samples, classes = toy(9, 6)
    within, between = scattered(samples, classes).within_and_between()
    projection, spread = discriminant(within, between, 4, shrinkage)
    shrunk = (1 - shrinkage) * within + shrinkage * np.trace(within) / 6 * np.eye(6)
    ratios, vectors = np.linalg.eig(np.linalg.solve(shrunk, between))
    best = np.argsort(-ratios.real)[:4]
    assert np.allclose(spread, ratios.real[best])
    for column, k in zip(projection.T, best, strict=True):
        theirs = vectors[:, k].real
        cosine = abs(column @ theirs) / np.linalg.norm(column) / np.linalg.norm(theirs)
        assert cosine == pytest.approx(1, abs=1e-6)
    assert np.allclose(projection.T @ shrunk @ projection, np.eye(4), atol=1e-6)


def test_distances_equal_those_of_scikit_learn():
    theirs = pytest.importorskip("sklearn.discriminant_analysis")
    samples, classes = toy(8, 6)
    scatter = scattered(samples, classes)
    projected = (samples - scatter.mean()) @ discriminant(*scatter.within_and_between(), 6, 0.0)[0]
    other = theirs.LinearDiscriminantAnalysis(solver="eigen", n_components=6).fit(samples, classes).transform(samples)
    rows = np.random.default_rng(2).integers(len(samples), size=(50, 2))
    ours = np.linalg.norm(projected[rows[:, 0]] - projected[rows[:, 1]], axis=1)
    wanted = np.linalg.norm(other[rows[:, 0]] - other[rows[:, 1]], axis=1)
    kept = wanted > 0
    ratio = ours[kept] / wanted[kept]
    assert np.ptp(ratio) < 1e-6 * ratio.mean()


@dataclass(frozen=True)
class Glyphs:
    """Function object that makes batches of views of invented characters: bars and diagonals at varying places."""

    count: int = 300
    seed: int = 0

    def glyph(self, number, rng):
        strokes = np.random.default_rng(number)
        y, x = np.mgrid[:SIDE, :SIDE] + 0.5
        picture = np.zeros((SIDE, SIDE))
        for _ in range(5):
            angle = strokes.choice([0, np.pi / 2, np.pi / 4, -np.pi / 4]) + rng.normal(0, 0.05)
            at = strokes.uniform(8, SIDE - 8, 2) + rng.normal(0, 0.8, 2)
            along = (x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle)
            across = (y - at[1]) * np.cos(angle) - (x - at[0]) * np.sin(angle)
            inside = np.minimum(1.3 - abs(across), strokes.uniform(5, 11) - abs(along))
            picture = np.maximum(picture, np.clip(inside + 0.5, 0, 1))
        return (picture * 255).astype(np.uint8)

    def views(self, numbers, relief, rng):
        return views(np.stack([self.glyph(n, rng) for n in numbers]), relief, rng)

    def __call__(self, step):
        rng = np.random.default_rng([self.seed, step])
        numbers = rng.integers(self.count, size=128)
        return Batch(self.views(numbers, np.arange(128) % 2 == 1, rng), numbers)


@pytest.fixture(scope="module")
def fitted():
    return fit_lda(Glyphs(), 300, CONFIG)


def found(network, make, numbers):
    """Return the share of prints, over four draws of all, whose nearest relief shows the same character."""
    shares = []
    for draw in range(4):
        gallery = make.views(numbers, np.ones(len(numbers), bool), np.random.default_rng([100, draw]))
        queries = make.views(numbers, np.zeros(len(numbers), bool), np.random.default_rng([101, draw]))
        with torch.no_grad():
            a, b = (network(torch.from_numpy(p)[:, None].float() / 255).numpy() for p in (queries, gallery))
        shares.append((np.linalg.norm(a[:, None] - b[None], axis=2).argmin(axis=1) == np.arange(len(numbers))).mean())
    return np.mean(shares)


def test_it_finds_reliefs_by_prints_better_than_the_features_alone(fitted):
    network, card = fitted
    numbers = np.arange(300)
    assert card["dimensions"] == 96
    assert card["samples"] == 24 * 128
    assert found(network, Glyphs(), numbers) > found(DirectionFeatures(SIDE), Glyphs(), numbers) + 0.05


def test_embeddings_have_length_one_and_survive_export(fitted):
    network, _ = fitted
    pictures = torch.rand(6, 1, SIDE, SIDE)
    assert np.allclose(network(pictures).norm(dim=1).numpy(), 1, atol=1e-5)
    onnx, difference = export_onnx(network, SIDE)
    assert difference < 1e-5
    assert len(onnx) < 500_000
    assert {name for name, _ in network.named_buffers()} >= {"projection", "offset"}


def test_the_same_batches_give_the_same_model_and_others_do_not():
    few = replace(CONFIG, batches=9)
    once, again, other = (fit_lda(Glyphs(seed=seed), 300, few)[0].projection for seed in (0, 0, 1))
    assert torch.equal(again, once)
    assert not torch.equal(other, once)


def test_too_few_samples_are_refused():
    with pytest.raises(SinonomError, match="too few"):
        fit_lda(Glyphs(), 300, LdaConfig(size=SIDE, batches=2))
