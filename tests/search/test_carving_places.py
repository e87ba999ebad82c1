"""Rows of an index know their block and their place on it."""

import csv
from pathlib import Path

import numpy as np
import pytest
from refused import naming
from tinyblocks import COLUMNS, PITCH, ROWS, blocks, indexed
from tinyindex import tiny_index

from sinonom_cli import cli
from sinonom_cli.search.carving_places import NOWHERE, carving_places
from sinonom_cli.search.index import read_index


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


def test_a_set_without_a_table_has_no_blocks(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    places = carving_places(tiny_index(tmp_path / "db.faiss", np.eye(4, 3, dtype=np.float32)))
    assert places.blocks == () and places.owner.tolist() == [NOWHERE] * 4
