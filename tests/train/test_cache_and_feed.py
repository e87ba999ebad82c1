"""Pictures prepared once, and batches made ahead."""

from __future__ import annotations

import operator
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.artifacts.imageset import ImageSet, Picture
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.models.preprocess import load_picture, prepare

pytest.importorskip("torch")

from sinonom_cli.train import cache
from sinonom_cli.train.feed import feed


def draw(folder: Path, count: int = 4) -> list[Path]:
    """Pictures of one stroke each, at different slants."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(count):
        page = np.full((40, 40), 255, np.uint8)
        for y in range(8, 32):
            page[y, 6 + y * i // 8 : 12 + y * i // 8] = 0
        paths.append(folder / f"{i}.png")
        Image.fromarray(page).save(paths[-1])
    return paths


def a_set(folder: Path, paths: list[Path]) -> ImageSet:
    return ImageSet(folder, [Picture(p.name, "U+5B57", "字", p.name) for p in paths], {}, folder.name)


def test_each_cell_holds_its_picture_prepared(tmp_path: Path) -> None:
    first, second = draw(tmp_path / "a"), draw(tmp_path / "b", 6)[3:]
    sets = [a_set(tmp_path / "a", first), a_set(tmp_path / "b", second)]
    cells = cache.fill_cache(tmp_path / "cache", sets, 32, 0)
    assert (cells.unreadable, len(cells)) == ({}, 7)
    order = np.array([6, 0, 3, 4])
    for path, cell in zip([(first + second)[k] for k in order], cells[order], strict=True):
        np.testing.assert_allclose(cell / 255, prepare(load_picture(path), 32), atol=0.002)


def test_another_training_on_the_same_set_reads_nothing_and_a_longer_one_the_rest(tmp_path: Path) -> None:
    paths = draw(tmp_path / "a")
    images = a_set(tmp_path / "a", paths)
    few = cache.fill_cache(tmp_path / "cache", [images], 32, 0, limit=2)
    assert len(few) == 2
    kept = few[np.arange(2)]
    for path in paths[:2]:
        path.unlink()
    every = cache.fill_cache(tmp_path / "cache", [images], 32, 0)
    assert every.unreadable == {} and np.array_equal(every[np.arange(2)], kept) and every[np.arange(4)][3].any()


def test_a_killed_run_is_gone_on_with_where_it_stopped(tmp_path: Path) -> None:
    paths = draw(tmp_path / "a")
    images = a_set(tmp_path / "a", paths)
    whole = cache.fill_cache(tmp_path / "cache", [images], 32, 0)[np.arange(4)]
    (marked,) = (tmp_path / "cache").glob("*/pictures.marks")
    marks = np.memmap(marked, np.uint8, "r+")
    marks[2] = cache.TODO
    marks.flush()
    for path in (paths[0], paths[1], paths[3]):
        path.unlink()
    again = cache.fill_cache(tmp_path / "cache", [images], 32, 0)
    assert again.unreadable == {} and np.array_equal(again[np.arange(4)], whole)


def test_a_bad_picture_is_named_and_tried_again_by_a_new_training_only(tmp_path: Path) -> None:
    paths = draw(tmp_path / "a")
    good = paths[1].read_bytes()
    paths[1].write_bytes(b"")
    images = a_set(tmp_path / "a", paths)
    assert list(cache.fill_cache(tmp_path / "cache", [images], 32, 0).unreadable) == [1]
    paths[1].write_bytes(good)
    assert list(cache.fill_cache(tmp_path / "cache", [images], 32, 0, again=False).unreadable) == [1]
    cells = cache.fill_cache(tmp_path / "cache", [images], 32, 0)
    assert cells.unreadable == {} and cells[np.array([1])].any()


def test_another_size_or_a_set_made_anew_is_prepared_anew(tmp_path: Path) -> None:
    images = a_set(tmp_path / "a", draw(tmp_path / "a"))
    other = ImageSet(images.path, images.pictures, {"options": {"tone": "local"}}, images.identity)
    for each, size in ((images, 32), (images, 48), (other, 32)):
        assert cache.fill_cache(tmp_path / "cache", [each], size, 0)[np.array([2])].shape == (1, size, size)
    assert len(list((tmp_path / "cache").glob("*/pictures.u8"))) == 3


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    images = a_set(tmp_path / "a", draw(tmp_path / "a"))
    with ThreadPoolExecutor(1) as pool, cache._turn(tmp_path / "cache", cache._key(images, 32)):
        other = pool.submit(cache.fill_cache, tmp_path / "cache", [images], 32, 0)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.3)
        assert not list((tmp_path / "cache").glob("*/pictures.u8"))
    assert len(other.result()) == 4


def test_what_was_longest_unused_goes_when_the_cache_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, old = tmp_path / "cache", time.time() - 3 * cache.A_DAY
    sets = [a_set(tmp_path / name, draw(tmp_path / name)) for name in "abcd"]
    for number, images in enumerate(sets):
        cache.fill_cache(folder, [images], 32, 0)
        if number < 3:
            os.utime(folder / cache._key(images, 32) / "pictures.json", (old + number, old + number))
    size = cache._taken(folder / cache._key(sets[0], 32))
    monkeypatch.setattr(cache, "MOST", 2 * size)
    cache.fill_cache(folder, [sets[0]], 32, 0)
    assert [(folder / cache._key(s, 32)).exists() for s in sets] == [True, False, False, True]


def test_a_disk_without_room_is_refused_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100})())
    with pytest.raises(SinonomError) as raised:
        cache.fill_cache(tmp_path / "cache", [a_set(tmp_path / "a", draw(tmp_path / "a"))], 32, 0)
    assert raised.value.code is ExitCode.OUTPUT_IN_THE_WAY and "--cache" in raised.value.hint


def test_a_cache_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(SinonomError) as raised:
        cache.fill_cache(tmp_path / "cache", [a_set(tmp_path / "a", draw(tmp_path / "a"))], 32, 0)
    assert raised.value.code is ExitCode.OUTPUT_IN_THE_WAY and "--cache" in raised.value.hint


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_the_order_of_their_steps(workers: int) -> None:
    with feed(operator.neg, range(3, 20), workers) as batches:
        assert list(batches) == [-step for step in range(3, 20)]


def test_a_worker_that_dies_is_one_clear_line() -> None:
    with pytest.raises(SinonomError) as raised, feed(os._exit, range(1, 5), 1) as batches:
        list(batches)
    assert "--workers 0" in raised.value.hint
