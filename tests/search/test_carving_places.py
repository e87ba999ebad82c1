"""Rows of an index know their block and their place on it."""

import csv
import tracemalloc
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from refused import naming
from tinyblocks import COLUMNS, PITCH, ROWS, blocks, indexed
from tinyindex import tiny_index

from sinonom_cli import cli
from sinonom_cli.search.carving_places import NOWHERE, carving_places
from sinonom_cli.search.index import read_index
from sinonom_cli.search.rows import Row


def test_each_row_has_the_place_that_its_set_gives(tmp_path: Path) -> None:
    some = blocks("khối b", "khối a")
    index = read_index(indexed(tmp_path, some))
    places = carving_places(index)
    assert sorted(block.name for block in places.blocks) == ["khối a", "khối b"]
    for number, block in enumerate(places.blocks):
        [made] = [one for one in some if one.name == block.name]
        rows = places.rows_of(number)
        assert [index.rows[int(row)].item for row in rows] == [f"{block.name}/{k:03d}.png" for k in range(len(rows))]
        assert (places.owner[rows] == number).all()
        assert places.middles(rows) == pytest.approx(made.middles, abs=1e-3)
        assert block.size == (COLUMNS * PITCH, ROWS * PITCH)
        assert block.picture is not None
        assert block.picture.resolve() == tmp_path / "chạm" / "blocks" / f"{block.name}.png"


def test_blocks_of_one_name_in_two_sets_are_two_blocks(tmp_path: Path) -> None:
    indexed(tmp_path / "một", blocks("a"))
    indexed(tmp_path / "hai", blocks("a", seed=1))
    sets = [str(tmp_path / name / "chạm") for name in ("một", "hai")]
    assert cli.run(["index", *sets, str(tmp_path / "db.faiss"), "-q"]) == 0
    places = carving_places(read_index(tmp_path / "db.faiss"))
    assert [block.name for block in places.blocks] == ["một/chạm/a", "hai/chạm/a"]
    assert np.bincount(places.owner).tolist() == [35, 35]


def test_rows_that_have_left_their_table_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = indexed(tmp_path, blocks("a"))
    table = tmp_path / "chạm" / "metadata.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    table.write_text("\n".join(",".join(row) for row in [rows[0], *rows[4:]]) + "\n", encoding="utf-8")
    capsys.readouterr()
    places = carving_places(read_index(path))
    assert np.flatnonzero(places.owner == NOWHERE).tolist() == [0, 1, 2]
    assert np.isnan(places.boxes[:3]).all() and np.isfinite(places.boxes[3:]).all()
    naming(capsys, "db.faiss", "3", "sinonom index")


def test_the_order_of_a_table_does_not_matter(tmp_path: Path) -> None:
    index = read_index(indexed(tmp_path, blocks("a", "b")))
    before = carving_places(index)
    table = tmp_path / "chạm" / "metadata.csv"
    head, *lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([head, *lines[::-1]]) + "\n", encoding="utf-8")
    after = carving_places(index)
    assert (after.boxes == before.boxes).all() and (after.owner == before.owner).all()
    assert after.blocks == before.blocks


def test_tables_of_sets_are_not_held_in_memory(tmp_path: Path) -> None:
    count = 20_000
    folder = tmp_path / "chạm"
    folder.mkdir()
    boxes = np.random.default_rng(0).uniform(0, 300, (count, 4)).round(3)
    with (folder / "metadata.csv").open("w", encoding="utf-8") as file:
        file.write("file_name,block,upright_box,upright_size,block_picture\n")
        for k, box in enumerate(boxes.tolist()):
            file.write(f"images/{k}.png,b{k // 300},{' '.join(map(str, box))},300 200,blocks/b{k // 300}.png\n")
    rows = [Row(f"{k}.png", f"{k}.stl", "", "", "chạm") for k in range(count)]
    index = MagicMock(path=tmp_path / "db.faiss", record=MagicMock(sets=["chạm"]), rows=rows)
    index.__len__ = lambda self: count
    tracemalloc.start()
    places = carving_places(index)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.allclose(places.boxes, boxes, atol=1e-4) and len(places.blocks) == -(-count // 300)
    assert most < 100 * count  # bytes; the rows of the table as dictionaries would take 1,000 each


def test_a_set_without_a_table_has_no_blocks(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    places = carving_places(tiny_index(tmp_path / "db.faiss", np.eye(4, 3, dtype=np.float32)))
    assert places.blocks == () and places.owner.tolist() == [NOWHERE] * 4
