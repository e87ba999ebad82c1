"""Pictures prepared once, and batches made ahead."""

from __future__ import annotations

import operator
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.models.preprocess import load_picture, prepare

pytest.importorskip("torch")

from sinonom_cli.train import cache
from sinonom_cli.train.feed import feed


def draw(folder: Path, count: int = 4) -> list[Path]:
    """Pictures of one stroke each, at different slants."""
    paths = []
    for i in range(count):
        page = np.full((40, 40), 255, np.uint8)
        for y in range(8, 32):
            page[y, 6 + y * i // 8 : 12 + y * i // 8] = 0
        paths.append(folder / f"{i}.png")
        Image.fromarray(page).save(paths[-1])
    return paths


def test_each_cell_holds_its_picture_prepared(tmp_path: Path) -> None:
    paths = draw(tmp_path)
    cells = cache.fill_cache(tmp_path / "resume", paths, 32, ["a"], 0)
    assert cells.unreadable == {}
    for path, cell in zip(paths, cells.pictures, strict=True):
        np.testing.assert_allclose(cell / 255, prepare(load_picture(path), 32), atol=0.002)


def test_a_second_run_reads_only_what_the_first_has_not_read(tmp_path: Path) -> None:
    paths = draw(tmp_path)
    folder = tmp_path / "resume"
    whole = np.array(cache.fill_cache(folder, paths, 32, ["a"], 0).pictures)
    marks = np.memmap(folder / "pictures.marks", np.uint8, "r+")
    marks[2] = cache.TODO
    marks.flush()
    for path in (paths[0], paths[1], paths[3]):
        path.unlink()
    again = cache.fill_cache(folder, paths, 32, ["a"], 0)
    assert again.unreadable == {} and np.array_equal(again.pictures, whole)


def test_a_bad_picture_is_named_and_other_data_are_read_anew(tmp_path: Path) -> None:
    paths = draw(tmp_path)
    paths[1].write_bytes(b"")
    assert list(cache.fill_cache(tmp_path / "resume", paths, 32, ["a"], 0).unreadable) == [1]
    assert list(cache.fill_cache(tmp_path / "resume", paths, 32, ["a"], 0).unreadable) == [1]
    draw(tmp_path)
    assert cache.fill_cache(tmp_path / "resume", paths, 32, ["b"], 0).unreadable == {}


def test_a_disk_without_room_is_refused_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100})())
    with pytest.raises(SinonomError) as raised:
        cache.fill_cache(tmp_path / "resume", draw(tmp_path), 32, ["a"], 0)
    assert raised.value.code is ExitCode.OUTPUT_IN_THE_WAY


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_the_order_of_their_steps(workers: int) -> None:
    with feed(operator.neg, range(3, 20), workers) as batches:
        assert list(batches) == [-step for step in range(3, 20)]


def test_a_worker_that_dies_is_one_clear_line() -> None:
    with pytest.raises(SinonomError) as raised, feed(os._exit, range(1, 5), 1) as batches:
        list(batches)
    assert "--workers 0" in raised.value.hint
