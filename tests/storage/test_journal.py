"""Test the journal: items that two killed runs finished are kept, and no part of an incomplete line gets into the
tables."""

import json
from pathlib import Path

import pytest
from tinybatch import content

from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.journal import Journal, finished
from sinonom_cli.storage.own_tables import read_table

COLUMNS = ("file_name", "label")
ITEMS = [Item(f"khắc {number}", Path(f"{number}.png"), None, 100 + number) for number in range(6)]


def rows(number: int) -> list[dict[str, str]]:
    return [{"file_name": f'a, "{number}"\r.png\n', "label": f"U+{0x4E00 + number:04X}"}] * (number % 3)


def worked(journal: Journal, numbers: list[int]) -> None:
    for number in numbers:
        journal.add(ITEMS[number], rows(number), mark=f"mark {number}")
    journal.flush()


def torn(folder: Path, bytes_left: int = 20) -> None:
    """Leave only the start of a line, as a run does that is killed while it writes."""
    with (folder / "journal.jsonl").open("ab") as file:
        file.write((json.dumps({"item": "khắc 5", "bytes": 9, "rows": []}) + "\n").encode()[:bytes_left])


def tables(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in content(folder).items() if name.endswith(".csv")}


@pytest.mark.parametrize("bytes_left", [1, 20, 37])
def test_of_two_killed_runs_all_that_was_finished_is_kept(tmp_path: Path, bytes_left: int) -> None:
    for name in ("broken", "whole"):
        (tmp_path / name).mkdir()
    first = Journal(tmp_path / "broken")
    worked(first, [3, 0])
    first.close()
    torn(tmp_path / "broken", bytes_left)
    second = Journal(tmp_path / "broken")
    assert set(second.done) == {ITEMS[3].key, ITEMS[0].key}
    worked(second, [1, 5])
    second.close()
    torn(tmp_path / "broken", bytes_left)
    third = Journal(tmp_path / "broken")
    assert third.done == {ITEMS[number].key: (100 + number, f"mark {number}") for number in (3, 0, 1, 5)}
    worked(third, [4, 2])
    whole = Journal(tmp_path / "whole")
    worked(whole, list(range(6)))
    assert third.write_tables(ITEMS, COLUMNS) == whole.write_tables(ITEMS, COLUMNS)
    assert tables(tmp_path / "broken") == tables(tmp_path / "whole")
    found = read_table(tmp_path / "broken" / "metadata.csv")[1]
    assert found == [row for number in range(6) for row in rows(number)]


def test_a_journal_holds_whole_lines_alone_after_it_was_opened(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    worked(first, [0, 1])
    first.close()
    before = (tmp_path / "journal.jsonl").read_bytes()
    torn(tmp_path)
    Journal(tmp_path).close()
    assert (tmp_path / "journal.jsonl").read_bytes() == before


def test_what_stands_behind_a_damaged_line_is_done_again(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    worked(first, [0, 1, 2])
    first.close()
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "journal.jsonl").write_bytes(lines[0] + b"\x00" * 9 + b"\n" + lines[1] + lines[2])
    second = Journal(tmp_path)
    assert set(second.done) == {ITEMS[0].key}
    worked(second, [2, 1])
    assert second.write_tables(ITEMS, COLUMNS)["images"] == sum(len(rows(number)) for number in range(3))


def test_a_journal_made_again_from_tables_gives_the_same_tables(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    worked(first, [0, 1, 2, 5])
    counts = first.write_tables(ITEMS, COLUMNS, ("label",))
    first.delete()
    before = tables(tmp_path)
    assert set(finished(tmp_path)) == {ITEMS[number].key for number in (0, 1, 2, 5)}
    again = Journal(tmp_path)
    assert again.done == {ITEMS[number].key: (100 + number, f"mark {number}") for number in (0, 1, 2, 5)}
    assert again.write_tables(ITEMS, COLUMNS, ("label",)) == counts
    assert tables(tmp_path) == before
