"""Pictures are prepared once, and batches are made ahead."""

from __future__ import annotations

import operator
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.networks.preprocess import prepare
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.storage.image_set import ImageSet, Picture, SetRecord, read_imageset

pytest.importorskip("torch")

from sinonom_cli.train import cache_folder, contents, prepared_pictures
from sinonom_cli.train.cache_folder import turn
from sinonom_cli.train.prefetch import feed


def draw(folder: Path, count: int = 4) -> list[Path]:
    """Draw pictures of one stroke each, at different slants, and return their paths."""
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
    return ImageSet(folder, [Picture(p.name, "U+5B57", "字", p.name) for p in paths], SetRecord(), folder.name)


def test_each_cell_holds_its_picture_prepared(tmp_path: Path) -> None:
    first, second = draw(tmp_path / "a"), draw(tmp_path / "b", 6)[3:]
    sets = [a_set(tmp_path / "a", first), a_set(tmp_path / "b", second)]
    cells = prepared_pictures.fill_cache(tmp_path / "cache", sets, 32, 0)
    assert (cells.unreadable, len(cells)) == ({}, 7)
    order = np.array([6, 0, 3, 4])
    for path, cell in zip([(first + second)[k] for k in order], cells[order], strict=True):
        np.testing.assert_allclose(cell / 255, prepare(load_picture(path), 32), atol=0.002)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the names of the pictures that are prepared."""
    names: list[str] = []
    read = prepared_pictures.inked_picture
    monkeypatch.setattr(prepared_pictures, "inked_picture", lambda path: (names.append(path.name), read(path))[1])
    return names


def test_another_training_on_the_same_set_reads_nothing_and_a_longer_one_the_rest(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = a_set(tmp_path / "a", draw(tmp_path / "a"))
    few = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0, limit=2)
    assert len(few) == 2 and reads == ["0.png", "1.png"]
    kept = few[np.arange(2)]
    hashed: list[Path] = []
    whole = contents.sum_of
    monkeypatch.setattr(contents, "sum_of", lambda path: (hashed.append(path), whole(path))[1])
    every = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0)
    assert reads[2:] == ["2.png", "3.png"] == [path.name for path in hashed]
    assert every.unreadable == {} and np.array_equal(every[np.arange(2)], kept) and every[np.arange(4)][3].any()


def replaced_in_place(path: Path, by: Path) -> None:
    """Give a file the bytes of another one, and keep its size and its times."""
    before, content = path.stat(), by.read_bytes()
    path.write_bytes(content.ljust(before.st_size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_picture_replaced_in_place_is_prepared_anew_and_one_that_was_touched_is_not(
    tmp_path: Path, reads: list[str]
) -> None:
    paths = draw(tmp_path / "a")
    other = draw(tmp_path / "b", 8)[7]
    paths[1].write_bytes(paths[1].read_bytes().ljust(400, b"\0"))
    images = a_set(tmp_path / "a", paths)
    before = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0)
    first = before[np.arange(4)]
    os.utime(paths[0], (1_000_000_000, 1_000_000_000))
    assert (
        prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0).contents == before.contents
        and len(reads) == 4
    )
    replaced_in_place(paths[1], other)
    (answers,) = [path.with_name("teacher-ab.bin") for path in (tmp_path / "cache").glob("*/pictures.u8")]
    answers.write_bytes(b"x" * 4 * 8)
    after = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0)
    assert reads[4:] == ["1.png"] and after.contents != before.contents
    np.testing.assert_allclose(after[np.array([1])][0] / 255, prepare(load_picture(other), 32), atol=0.002)
    assert np.array_equal(after[np.array([0, 2, 3])], first[[0, 2, 3]])
    assert answers.read_bytes() == b"x" * 8 + bytes(8) + b"x" * 16  # the teacher's answer is deleted


def test_a_picture_that_is_gone_is_unreadable_and_read_when_it_is_back(tmp_path: Path) -> None:
    paths = draw(tmp_path / "a")
    images = a_set(tmp_path / "a", paths)
    before = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0)
    content = paths[2].read_bytes()
    paths[2].unlink()
    gone = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0, again=False)
    assert list(gone.unreadable) == [2] and gone.contents != before.contents
    paths[2].write_bytes(content)
    back = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0, again=False)
    assert back.unreadable == {} and back.contents == before.contents
    assert back[np.array([2])].any()


def test_two_plain_folders_of_equal_names_and_sizes_share_nothing(tmp_path: Path) -> None:
    paths = draw(tmp_path / "a"), draw(tmp_path / "b", 8)[4:]
    for number, path in enumerate(paths[1]):
        path.rename(path.with_name(f"{number}.png"))
    for folder in ("a", "b"):
        for path in (tmp_path / folder).glob("*.png"):
            path.write_bytes(path.read_bytes().ljust(500, b"\0"))
    sets = [read_imageset(tmp_path / "a"), read_imageset(tmp_path / "b")]
    sets = [replace(s, pictures=[replace(p, label="U+5B57") for p in s.pictures]) for s in sets]
    assert sets[0].identity == sets[1].identity
    cells = prepared_pictures.fill_cache(tmp_path / "cache", sets, 32, 0)
    assert cells.contents[0] != cells.contents[1]
    for k in range(4):
        assert not np.array_equal(cells[np.array([k])], cells[np.array([4 + k])])


def test_what_is_asked_beforehand_is_what_a_training_finds_with_and_without_a_cache(tmp_path: Path) -> None:
    images = a_set(tmp_path / "a", draw(tmp_path / "a"))
    (tmp_path / "file").touch()
    asked = [prepared_pictures.contents_of(tmp_path / name, [images], 32, 3) for name in ("cache", "file")]
    assert (
        asked[0]
        == asked[1]
        == list(prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0, limit=3).contents)
    )
    assert asked[0] != prepared_pictures.contents_of(tmp_path / "cache", [images], 32, None)


def test_a_killed_run_is_gone_on_with_where_it_stopped(tmp_path: Path, reads: list[str]) -> None:
    images = a_set(tmp_path / "a", draw(tmp_path / "a"))
    whole = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0)[np.arange(4)]
    (marked,) = (tmp_path / "cache").glob("*/pictures.marks")
    marks = np.memmap(marked, np.uint8, "r+")
    marks[2] = prepared_pictures.TODO
    marks.flush()
    reads.clear()
    again = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0)
    assert reads == ["2.png"]
    assert again.unreadable == {} and np.array_equal(again[np.arange(4)], whole)


def test_a_bad_picture_is_named_and_tried_again_by_a_new_training_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = a_set(tmp_path / "a", draw(tmp_path / "a"))
    read = prepared_pictures.inked_picture

    def chokes(path: Path) -> np.ndarray:
        if path.name == "1.png":
            raise SinonomError("not today")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(prepared_pictures, "inked_picture", chokes)
        assert list(prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0).unreadable) == [1]
    assert list(prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0, again=False).unreadable) == [1]
    cells = prepared_pictures.fill_cache(tmp_path / "cache", [images], 32, 0)
    assert cells.unreadable == {} and cells[np.array([1])].any()


def test_another_size_or_other_rows_are_prepared_anew(tmp_path: Path) -> None:
    images = a_set(tmp_path / "a", draw(tmp_path / "a"))
    other = replace(images, identity="other rows")
    for each, size in ((images, 32), (images, 48), (other, 32)):
        assert prepared_pictures.fill_cache(tmp_path / "cache", [each], size, 0)[np.array([2])].shape == (1, size, size)
    assert len(list((tmp_path / "cache").glob("*/pictures.u8"))) == 3


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    images = a_set(tmp_path / "a", draw(tmp_path / "a"))
    with ThreadPoolExecutor(1) as pool, turn(tmp_path / "cache", prepared_pictures._key(images, 32)):
        other = pool.submit(prepared_pictures.fill_cache, tmp_path / "cache", [images], 32, 0)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.3)
        assert not list((tmp_path / "cache").glob("*/pictures.u8"))
    assert len(other.result()) == 4


def test_what_was_longest_unused_goes_when_the_cache_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, old = tmp_path / "cache", time.time() - 3 * cache_folder.A_DAY
    sets = [a_set(tmp_path / name, draw(tmp_path / name)) for name in "abcd"]
    for number, images in enumerate(sets):
        prepared_pictures.fill_cache(folder, [images], 32, 0)
        if number < 3:
            os.utime(folder / prepared_pictures._key(images, 32) / "pictures.json", (old + number, old + number))
    size = cache_folder.taken(folder / prepared_pictures._key(sets[0], 32))
    monkeypatch.setattr(cache_folder, "MOST", 2 * size)
    prepared_pictures.fill_cache(folder, [sets[0]], 32, 0)
    assert [(folder / prepared_pictures._key(s, 32)).exists() for s in sets] == [True, False, False, True]


def test_nothing_but_entries_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, old = tmp_path / "cache", time.time() - 3 * cache_folder.A_DAY
    images = [a_set(tmp_path / name, draw(tmp_path / name)) for name in "ab"]
    prepared_pictures.fill_cache(folder, images[:1], 32, 0)
    entry = folder / prepared_pictures._key(images[0], 32)
    (folder / "holiday").mkdir()
    for name in ("pictures.json", "pictures.u8"):
        (folder / "holiday" / name).write_text("{}", encoding="utf-8")
    (entry / "notes.txt").write_text("a user's", encoding="utf-8")
    for path in (entry, folder / "holiday"):
        os.utime(path / "pictures.json", (old, old))
    monkeypatch.setattr(cache_folder, "MOST", 0)
    prepared_pictures.fill_cache(folder, images[1:], 32, 0)
    assert [path.name for path in entry.iterdir()] == ["notes.txt"]
    assert len(list((folder / "holiday").iterdir())) == 2


def test_a_disk_without_room_is_refused_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_folder.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100})())
    with pytest.raises(SinonomError) as raised:
        prepared_pictures.fill_cache(tmp_path / "cache", [a_set(tmp_path / "a", draw(tmp_path / "a"))], 32, 0)
    assert raised.value.code is ExitCode.OUTPUT_IN_THE_WAY and "--cache" in raised.value.hint


def test_a_cache_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(SinonomError) as raised:
        prepared_pictures.fill_cache(tmp_path / "cache", [a_set(tmp_path / "a", draw(tmp_path / "a"))], 32, 0)
    assert raised.value.code is ExitCode.OUTPUT_IN_THE_WAY and "--cache" in raised.value.hint


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_the_order_of_their_steps(workers: int) -> None:
    with feed(operator.neg, range(3, 20), workers) as batches:
        assert list(batches) == [-step for step in range(3, 20)]


def test_a_worker_that_dies_is_one_clear_line() -> None:
    with pytest.raises(SinonomError) as raised, feed(os._exit, range(1, 5), 1) as batches:
        list(batches)
    assert "--workers 0" in raised.value.hint
