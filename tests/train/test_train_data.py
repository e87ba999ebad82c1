"""Test which pictures are held out, and which go into a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.image_set import ImageSet, Picture, SetRecord
from sinonom_cli.train import split
from sinonom_cli.train.sampler import Sampler


def a_set(name: str, counts: dict[str, int], per_source: int = 1) -> ImageSet:
    """Make a set with pictures of each label; `per_source` of them come from one source."""
    pictures = [
        Picture(f"images/{label}/{i}.png", label, "", f"{name}-{label}-{i // per_source}", "", {})
        for label, n in counts.items()
        for i in range(n)
    ]
    return ImageSet(Path(name), pictures, SetRecord(), name)


def many(name: str, images: int = 8, per_source: int = 1) -> ImageSet:
    return a_set(name, {f"U+{0x4E00 + i:X}": images for i in range(40)}, per_source)


def names(pictures: split.Pictures) -> set[str]:
    """Return the paths of the pictures that are held out."""
    return {pictures.paths[i].as_posix() for i in np.flatnonzero(pictures.held)}


def test_what_is_held_out_depends_neither_on_order_nor_on_other_pictures() -> None:
    a, b = many("a"), many("b")
    both = split.gather([a, b], seed=3, share=0.2)
    turned = split.gather([b, ImageSet(a.path, a.pictures[::-1], SetRecord(), "a")], 3, 0.2)
    assert names(both) == names(turned)
    assert names(split.gather([a], 3, 0.2)) == {n for n in names(both) if n.startswith("a/")}
    assert 0.15 < both.held.mean() < 0.25
    assert names(both) != names(split.gather([a, b], 4, 0.2))


def test_pictures_of_one_source_are_held_out_together() -> None:
    pictures = split.gather([many("a", images=9, per_source=3)], 0, 0.3)
    held = pictures.held.reshape(-1, 3)
    assert held.any() and (held.all(axis=1) == held.any(axis=1)).all()


def test_a_class_never_loses_all_its_pictures() -> None:
    pictures = split.gather([a_set("a", {f"U+{0x4E00 + i:X}": 2 for i in range(50)})], 0, 0.9)
    assert set(pictures.classes[~pictures.held]) == set(range(50))


@pytest.mark.parametrize("counts", [{}, {"U+4E00": 5}, {"U+4E00": 1, "U+4E01": 1}, {"": 4}])
def test_sets_that_cannot_train_are_refused_in_one_line(counts: dict[str, int]) -> None:
    with pytest.raises(SinonomError) as raised:
        split.gather([a_set("the set", counts)], 0, 0.0)
    assert raised.value.code is ExitCode.BAD_INPUT
    assert "the set" in raised.value.message and "\n" not in raised.value.message and raised.value.hint


def test_a_batch_is_p_classes_of_k_different_pictures_in_equal_shares_of_the_sets() -> None:
    pictures = split.gather([many("a", 12), many("b", 3)], 0, 0.1)
    sampler = Sampler.of(pictures, seed=0, classes=10, images=4)
    kept = np.bincount(pictures.classes[~pictures.held & (pictures.sets == 1)], minlength=40)
    for step in range(20):
        rows = sampler.batch(step)
        classes = pictures.classes[rows].reshape(10, 4)
        assert len(set(classes[:, 0])) == 10 and (classes == classes[:, :1]).all()
        assert not pictures.held[rows].any()
        of_b = (pictures.sets[rows].reshape(10, 4) == 1).sum(axis=1)
        assert (of_b[kept[classes[:, 0]] > 0] == 2).all()
        if (kept >= 2).all():
            assert len(set(rows.tolist())) == 40


def test_batches_depend_on_seed_and_step_alone() -> None:
    pictures = split.gather([many("a")], 0, 0.1)
    sampler = Sampler.of(pictures, 5, 8, 4)
    forwards = [sampler.batch(s).tolist() for s in range(6)]
    assert [sampler.batch(s).tolist() for s in reversed(range(6))] == forwards[::-1]
    assert len({tuple(b) for b in forwards}) == 6
    assert Sampler.of(pictures, 6, 8, 4).batch(0).tolist() != forwards[0]


def test_every_class_and_picture_comes_up() -> None:
    pictures = split.gather([many("a", 4)], 0, 0.1)
    sampler = Sampler.of(pictures, 0, 8, 2)
    seen = np.concatenate([sampler.batch(s) for s in range(200)])
    assert set(seen.tolist()) == set(np.flatnonzero(~pictures.held).tolist())


def test_a_lone_picture_fills_its_class_and_few_classes_make_small_batches() -> None:
    pictures = split.gather([a_set("a", {"U+4E00": 1, "U+4E01": 3, "U+4E02": 2})], 0, 0.0)
    rows = Sampler.of(pictures, 0, 32, 4).batch(0)
    assert len(rows) == 3 * 4
    assert sorted(np.unique(rows[pictures.classes[rows] == 1], return_counts=True)[1].tolist()) == [1, 1, 2]
    assert np.unique(rows[pictures.classes[rows] == 0], return_counts=True)[1].tolist() == [4]
    assert np.unique(rows[pictures.classes[rows] == 2], return_counts=True)[1].tolist() == [2, 2]


def test_the_trial_asks_held_out_prints_for_held_out_reliefs_of_their_character() -> None:
    pictures = split.gather([many("a", 30, per_source=3)], 0, 0.3)
    trial = split.trial(pictures)
    assert pictures.held[trial.gallery].all() and pictures.held[trial.queries].all()
    assert len(set(pictures.classes[trial.gallery])) == len(trial.gallery)
    assert (pictures.classes[trial.gallery[trial.answers]] == pictures.classes[trial.queries]).all()
    itself = trial.gallery[trial.answers] == trial.queries
    assert (itself == trial.same).all() and 0 < trial.same.sum() < len(trial.same)
    other = ~trial.same
    assert (pictures.twins[trial.gallery[trial.answers[other]]] != pictures.twins[trial.queries[other]]).all()


def test_an_unreadable_picture_is_left_out_and_the_others_keep_their_cells() -> None:
    a = many("a", 3)
    pictures = split.gather([a], 0, 0.0, unreadable=frozenset({0, 4}))
    assert pictures.cells.tolist() == [1, 2, 3, *range(5, 120)]
    assert [p.name for p in pictures.paths[:4]] == ["1.png", "2.png", "0.png", "2.png"]


def test_no_share_held_out_makes_an_empty_trial() -> None:
    trial = split.trial(split.gather([many("a")], 0, 0.0))
    assert (len(trial.gallery), len(trial.queries)) == (0, 0)


def test_validation_scores_what_a_loop_over_queries_scores() -> None:
    torch = pytest.importorskip("torch")
    from sinonom_cli.train.validate import Validation

    rng = np.random.default_rng(0)
    gallery = rng.integers(0, 256, (12, 32, 32), dtype=np.uint8)
    answers = np.repeat(np.arange(12), 2)
    noise = rng.integers(0, 256, (24, 32, 32), dtype=np.uint8)
    queries = (gallery[answers] * 0.2 + noise * 0.8).astype(np.uint8)
    same = np.arange(24) % 2 == 0
    trial = split.Trial(np.arange(12), np.arange(24), answers, same)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1024, 4))
    network = torch.nn.Sequential(network, torch.nn.LayerNorm(4, elementwise_affine=False))  # all rows have one length
    scores = Validation(trial, gallery, queries)(network)
    reciprocal = []
    with torch.no_grad():
        seen, asked = (network(torch.from_numpy(x)[:, None] / 255).numpy() for x in (gallery, queries))
    for q, answer in zip(asked, answers, strict=True):
        order = sorted(range(12), key=lambda g: float(((seen[g] - q) ** 2).sum()))
        rank = order.index(answer) + 1
        reciprocal.append(1 / rank if rank <= 5 else 0.0)
    assert 0.2 < np.mean(reciprocal) < 0.95
    assert scores["val_mrr@5"] == pytest.approx(np.mean(np.array(reciprocal)[~same]))
    assert scores["val_mrr@5_same_print"] == pytest.approx(np.mean(np.array(reciprocal)[same]))


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_a_network_that_answers_every_picture_with_one_vector_finds_nothing(noise: float) -> None:
    torch = pytest.importorskip("torch")
    from sinonom_cli.train.validate import Validation

    class Constant(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vector = torch.nn.Parameter(torch.linspace(-1, 1, 64))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            vectors = self.vector.repeat(len(pictures), 1)
            return vectors + noise * torch.randn(vectors.shape, generator=torch.Generator().manual_seed(0))

    pictures = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    trial = split.Trial(np.arange(40), np.arange(40), np.arange(40), np.arange(40) % 2 == 0)
    assert set(Validation(trial, pictures, pictures)(Constant()).values()) == {0.0}
