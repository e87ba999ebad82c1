"""Test weights of sets, ink and depth pictures in one batch, hard classes, and the syntax of sets and options."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from refused import refused

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.image_set import ImageSet, Picture, SetRecord
from sinonom_cli.train.config import Config, weighed
from sinonom_cli.train.losses.table import LOSSES
from sinonom_cli.train.options import complete
from sinonom_cli.train.sampler import HardClasses, Sampler
from sinonom_cli.train.split import Pictures, gather


def a_set(name: str, images: int, classes: range = range(40), *, depth: bool = False) -> ImageSet:
    pictures = [
        Picture(f"{c}/{i}.png", f"U+{0x4E00 + c:X}", "", f"{name}-{c}-{i}") for c in classes for i in range(images)
    ]
    return ImageSet(Path(name), pictures, SetRecord(reliefs=depth), name)


def joined(*sets: ImageSet) -> Pictures:
    return gather(sets, 0, 0.0)


def test_weights_share_the_pictures_of_a_character_between_its_sets() -> None:
    pictures = joined(a_set("fonts", 9), a_set("crops", 9), a_set("depth", 9))
    sampler = Sampler.of(pictures, 0, 20, 3, [1, 2, 1])
    counts = np.zeros(3)
    for step in range(150):
        rows = sampler.batch(step)
        of_class = np.array([np.bincount(s, minlength=3) for s in pictures.sets[rows].reshape(20, 3)])
        # The numbers are never more than one from the shares 0.75, 1.5 and 0.75.
        assert of_class[:, [0, 2]].max() <= 1 and of_class[:, 1].min() >= 1
        assert len(set(rows.tolist())) == 60
        counts += of_class.sum(axis=0)
    np.testing.assert_allclose(counts / counts.sum(), [0.25, 0.5, 0.25], atol=0.01)


@pytest.mark.parametrize("frequency", [0.0, 0.5, 1.0])
def test_characters_are_drawn_by_a_power_of_how_many_pictures_they_have(frequency: float) -> None:
    pictures = joined(a_set("fonts", 2), a_set("crops", 14, range(10)))
    sampler = Sampler.of(pictures, 3, 4, 2, frequency=frequency)
    first = np.array([pictures.classes[sampler.batch(step)[0]] for step in range(4000)])
    share = (first < 10).mean()
    expected = 10 * 16**frequency / (10 * 16**frequency + 30 * 2**frequency)
    assert share == pytest.approx(expected, abs=0.03)
    assert len(set(pictures.classes[sampler.batch(0)].tolist())) == 4


def test_sets_that_lack_a_character_leave_their_share_to_those_that_have_it() -> None:
    pictures = joined(a_set("fonts", 5), a_set("crops", 5, range(10)))
    sampler = Sampler.of(pictures, 1, 40, 4, [1, 3])
    rows = sampler.batch(0)
    of_class = (pictures.sets[rows].reshape(40, 4) == 1).sum(axis=1)
    assert all((n == 3) if c < 10 else (n == 0) for n, c in zip(of_class, pictures.classes[rows][::4], strict=True))


@pytest.mark.parametrize("images", [2, 3, 5])
def test_ink_and_depth_of_a_character_are_always_in_the_same_batch(images: int) -> None:
    pytest.importorskip("torch")
    from sinonom_cli.train.batches import reliefs_of

    sets = a_set("fonts", 3), a_set("crops", 3), a_set("crops2", 3), a_set("depth", 3, range(20), depth=True)
    pictures = joined(*sets)
    sampler = Sampler.of(pictures, 0, 40, images, [3, 3, 3, 0.1])
    for step in range(30):
        rows = sampler.batch(step)
        depths = pictures.depths[rows]
        of_class = depths.reshape(40, images).sum(axis=1)
        has_both = pictures.classes[rows][::images] < 20
        assert (of_class[has_both] >= 1).all() and (of_class[has_both] < images).all()
        assert (of_class[~has_both] == 0).all()
        reliefs = reliefs_of(depths, images)
        assert not (reliefs & depths).any()
        as_relief = (reliefs | depths).reshape(40, images).sum(axis=1)
        assert (as_relief == np.maximum(images // 2, of_class)).all(), "half of each class are reliefs"


def test_depth_pictures_alone_are_all_reliefs_and_no_trial_is_made_of_them() -> None:
    from sinonom_cli.train.split import trial

    pictures = gather([a_set("depth", 9, depth=True), a_set("fonts", 9, range(5, 30))], 0, 0.3)
    task = trial(pictures)
    assert len(task.queries) and not pictures.depths[task.queries].any() and not pictures.depths[task.gallery].any()


def test_a_depth_picture_is_moved_and_bent_but_not_made_a_relief_of(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from sinonom_cli.train.augment import views

    rng = np.random.default_rng(0)
    pictures = np.full((12, 64, 64), 30, np.uint8)
    for picture in pictures:
        for at, upright in zip(rng.integers(8, 50, 4), (True, False) * 2, strict=True):
            (picture.T if upright else picture)[at : at + 6, 8:56] = rng.integers(120, 250)
    seen = views(pictures, np.ones(12, bool), np.random.default_rng(1), depth=np.ones(12, bool))
    flat = [x.reshape(12, -1).astype(float) for x in (pictures, seen)]
    nearest = np.corrcoef(*flat)[:12, 12:].argmax(axis=1)
    assert (nearest == np.arange(12)).mean() > 0.6 and (seen != pictures).any()
    mixed = views(pictures, np.zeros(12, bool), np.random.default_rng(1), depth=np.arange(12) < 6)
    assert not np.array_equal(mixed[6:], seen[6:])


def table(classes: int, width: int) -> np.ndarray:
    """Return a table in which the neighbours of c are c ^ 1, c ^ 2, ..., so that neighbours come in pairs."""
    return np.array([[c ^ (k + 1) for k in range(width)] for c in range(classes)])


def test_hard_classes_come_with_their_nearest_neighbours(tmp_path: Path) -> None:
    pictures = joined(a_set("fonts", 3))
    hard = HardClasses(tmp_path, 0.5, every=10)
    sampler = Sampler.of(pictures, 0, 16, 2, hard=hard)
    plain = Sampler.of(pictures, 0, 16, 2)
    for step in range(20):  # these first steps have no table yet
        assert np.array_equal(sampler.batch(step), plain.batch(step))
    np.save(hard.path(1), table(40, hard.width))
    for step in range(20, 30):
        classes = pictures.classes[sampler.batch(step)][::2]
        assert len(set(classes.tolist())) == 16
        together = sum((c ^ 1) in classes for c in classes.tolist())
        alone = plain.batch(step)
        assert together >= 12 > sum((c ^ 1) in pictures.classes[alone] for c in pictures.classes[alone][::2].tolist())
    np.save(hard.path(2), np.full((40, hard.width), -1))
    assert len(set(pictures.classes[sampler.batch(30)].tolist())) == 16, "no neighbours known: random ones"
    assert np.array_equal(sampler.batch(25), Sampler.of(pictures, 0, 16, 2, hard=hard).batch(25))


def test_tables_are_written_a_whole_turn_before_they_are_read() -> None:
    hard = HardClasses(Path(), 0.5, every=100)
    for step in range(200, 1000):
        number = hard.table_of(step)
        written = next(after for after in range(1, 2000) if hard.written_after(after) == number)
        assert 100 <= step - written < 200
    assert hard.table_of(199) is None


def test_a_set_is_typed_with_or_without_its_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert weighed(Path("fonts:2")) == (Path("fonts"), 2.0)
    assert weighed(Path("fonts:0.5")) == (Path("fonts"), 0.5)
    assert weighed(Path("bản khắc 𡦂")) == (Path("bản khắc 𡦂"), 1.0)
    assert weighed(Path(r"C:\x:2")) == (Path(r"C:\x"), 2.0)
    assert weighed(Path(r"C:\x")) == (Path(r"C:\x"), 1.0)
    assert weighed(Path("a:b")) == (Path("a:b"), 1.0)
    for text in ("fonts:0", "fonts:-1", "fonts:nan", "fonts:inf"):
        with pytest.raises(SinonomError) as raised:
            weighed(Path(text))
        assert raised.value.code is ExitCode.USAGE and "weight" in raised.value.message


def test_the_record_notes_what_was_asked_for_and_nothing_that_the_loss_has_not() -> None:
    def options(loss: str, *data: str, **given: object) -> dict:
        fields = dict.fromkeys((f.name for f in dataclasses.fields(Config)), None)
        fields |= complete(loss, given) | {"loss": loss, "data": tuple(map(Path, data))}
        return Config(**fields).options()  # type: ignore[arg-type]

    plain = options("triplet", "a", "b")
    assert not {"set_weights", "memory", "micro_batch", "hard_classes", "simix", "recall_at"} & set(plain)
    assert (plain["margin"], plain["mining"]) == (0.2, "batch-hard")
    assert options("triplet", "a:1", "b:2.5")["set_weights"] == [1.0, 2.5]
    assert options("triplet", "a:2", "b:2") == plain, "equal weights are none"
    assert options("triplet", margin="soft")["margin"] == "soft"
    assert not {"margin", "mining"} & set(options("supcon")) and options("supcon", memory=64)["memory"] == 64
    assert options("recall@k", recall_at="5", simix=True)["recall_at"] == (5,)
    assert not {"lr", "backbone", "margin", "mining"} & set(options("lda"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_folder_with_a_colon_and_a_number_is_itself(tmp_path: Path) -> None:
    (tmp_path / "sets:2").mkdir()
    assert weighed(tmp_path / "sets:2") == (tmp_path / "sets:2", 1.0)
    assert weighed(tmp_path / "sets:2:3") == (tmp_path / "sets:2", 3.0)


@pytest.mark.parametrize(
    ("loss", "given", "named"),
    [
        ("supcon", {"mining": "batch-hard"}, "--mining batch-hard"),
        ("multi-similarity", {"mining": "semi-hard"}, "multi-similarity"),
        ("arcface", {"mining": "batch-all"}, "arcface"),
        ("quadruplet", {"mining": "batch-all"}, "batch-all"),
        ("cross-entropy", {"memory": 100}, "--memory"),
        ("proxy-anchor", {"memory": 100}, "--memory"),
        ("supcon", {"margin": "0.3"}, "--margin"),
        ("contrastive", {"margin": "soft"}, "--margin"),
        ("triplet", {"recall_at": "5"}, "--recall-at"),
        ("triplet", {"simix": True}, "--simix"),
        ("recall@k", {"recall_at": "0"}, "--recall-at"),
        ("recall@k", {"recall_at": "five"}, "--recall-at"),
        ("cross-entropy", {"hard_classes": 0.5}, "--hard-classes"),
        ("lda", {"micro_batch": 8}, "--micro-batch"),
        ("lda", {"hard_classes": 0.5}, "--hard-classes"),
        ("triplet", {"batch_size": 127}, "--batch-size 127"),
        ("triplet", {"batch_size": 128, "classes": 32}, "--classes"),
        ("triplet", {"batch_size": 64, "micro_batch": 65}, "--micro-batch 65"),
    ],
)
def test_combinations_that_make_no_sense_exit_2_and_say_why(loss: str, given: dict, named: str) -> None:
    with refused(ExitCode.USAGE, named) as raised:
        complete(loss, given)
    assert raised.value.hint


def test_every_loss_is_complete_with_its_defaults_and_each_of_its_minings() -> None:
    for loss, traits in LOSSES.items():
        for mining in traits.mining:
            assert complete(loss, {"mining": mining})["mining"] == mining
        assert complete(loss, {})["margin"] == traits.margin
    assert complete("triplet", {"batch_size": 4096, "images": 4})["classes"] == 1024
    assert complete("triplet", {"margin": "soft"})["margin"] is None
    assert complete("recall@k", {"recall_at": "5,1,5"})["recall_at"] == (1, 5)
    assert complete("lda", {"classes": 10})["classes"] == 10


def test_the_command_knows_the_losses_there_are() -> None:
    from sinonom_cli.train.options import LossName, Mining

    assert {each.value for each in LossName} == {*LOSSES, "lda"}
    assert {each.value for each in Mining} == {m for traits in LOSSES.values() for m in traits.mining}
