"""The files of pages that were looked up among carvings."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from refused import refused
from tinyblocks import blocks, indexed, page

from sinonom_cli.errors import ExitCode
from sinonom_cli.pages.block_files import block_outputs, write_block_tables, write_blocks
from sinonom_cli.pages.read_page import SeenPage
from sinonom_cli.storage.own_tables import TableRow


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[TableRow]]:
    """Return the output, and the cells, of a page of the first of two blocks, and of a page of none."""
    folder = tmp_path_factory.mktemp("ra")
    some = blocks("khối a", "khối b")
    index = indexed(folder, some)
    rows = []
    for name, block in (("trang a", some[0]), ("không", blocks("khác", seed=9)[0])):
        reading, pictures = page(block.carved, block.middles)
        object.__setattr__(reading, "page", name)
        grey = np.full((reading.height, reading.width), 220, np.uint8)
        rows.append(write_blocks(folder / "out", SeenPage(reading=reading, pictures=pictures), grey, index))
    return folder / "out", rows


def test_the_tables_say_for_each_page_which_block_and_which_carvings(written: tuple[Path, list[TableRow]]) -> None:
    out, rows = written
    assert [row["blocks"] for row in rows] == ["khối a", ""]
    assert write_block_tables(out, rows) == {"pages_with_block": 1, "pages_without_block": 1}
    best = table(out / "blocks.csv")
    assert best[0]["page"] == "trang a" and best[0]["rank"] == "1" and best[0]["block"] == "khối a"
    assert float(best[0]["probability"]) > 0.9 and best[0]["placed"] == best[0]["characters"] == "35"
    none = [row for row in best if row["page"] == "không"]
    assert none and all(float(row["probability"]) < 0.5 for row in none)
    carvings = [row for row in table(out / "matches.csv") if row["page"] == "trang a" and row["rank"] == "1"]
    assert [row["item"] for row in carvings] == [f"khối a/{k:03d}.png" for k in range(35)]
    assert {row["agrees"] for row in carvings} == {"yes"}
    assert [(row["column"], row["place"]) for row in carvings[:8]] == [
        *(("1", str(k)) for k in range(1, 8)),
        ("2", "1"),
    ]


def test_every_file_is_among_the_outputs(written: tuple[Path, list[TableRow]]) -> None:
    out, rows = written
    there = {path.relative_to(out).as_posix() for path in out.rglob("pages/*")}
    assert there == {name for page_name in ("trang a", "không") for name in block_outputs(page_name)}
    assert {row[name] for row in rows for name in ("blocks_file_name", "blocks_page_file_name")} == there


def test_a_damaged_file_is_named(written: tuple[Path, list[TableRow]], tmp_path: Path) -> None:
    for content in ("{", json.dumps({"blocks": []}), "[]"):
        (tmp_path / "a.json").write_text(content)
        with refused(ExitCode.BAD_INPUT, "a.json", "--overwrite"):
            write_block_tables(tmp_path, [{"blocks": "", "blocks_file_name": "a.json"}])
