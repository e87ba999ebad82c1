"""Corrections of characters: a confirmed one is on disk, a torn line is mended, and they apply to new readings."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from refused import naming, refused

from sinonom_cli.errors import ExitCode
from sinonom_cli.layout.apply_corrections import Corrected, applied, neighbour_before
from sinonom_cli.layout.corrections import Box, Correction, CorrectionsFile, Spot, read_corrections
from sinonom_cli.layout.corrections_log import CorrectionsLog

OF = "ab" * 32


def box(column: int, place: int, moved: float = 0.0) -> Box:
    """Return the box of a character of 10 x 10 in a grid of columns that run from right to left."""
    x, y = 100 - 12 * column + moved, 12 * place + moved
    return (x, y, x + 10, y + 10)


def page(moved: float = 0.0) -> list[Corrected]:
    """Return two columns: 一二三 and 四五六."""
    return [
        Corrected(box=box(column, place, moved), char=char, index=index, column=column, place=place)
        for index, (char, column, place) in enumerate(
            zip("一二三四五六", (1, 1, 1, 2, 2, 2), (1, 2, 3) * 2, strict=True)
        )
    ]


def correction(number: int, action: str, was: list[Spot], now: list[Spot], after: Box | None = None) -> Correction:
    return Correction(id=number, when="", who="", page="p", action=action, was=tuple(was), now=tuple(now), after=after)


def text(characters: list[Corrected]) -> str:
    return "".join(one.char for one in characters)


HALF = Spot(box=(88, 24, 98, 29), char="卜"), Spot(box=(88, 29, 98, 34), char="卞")
CASES = {
    "change": ([Spot(box=box(1, 2), char="二")], [Spot(box=box(1, 2), char="仁")], "一仁三四五六"),
    "accept": ([Spot(box=box(1, 2), char="二")], [Spot(box=box(1, 2), char="二")], "一二三四五六"),
    "split": ([Spot(box=box(1, 2), char="二")], list(HALF), "一卜卞三四五六"),
    "merge": (
        [Spot(box=box(1, 1), char="一"), Spot(box=box(1, 2), char="二")],
        [Spot(box=(88, 12, 98, 34), char="亘")],
        "亘三四五六",
    ),
    "delete": ([Spot(box=box(2, 1), char="四")], [], "一二三五六"),
}


@pytest.mark.parametrize("action", CASES)
@pytest.mark.parametrize("moved", [0.0, 1.5])
def test_each_correction_applies_also_to_a_new_reading_whose_boxes_moved(action: str, moved: float) -> None:
    was, now, wanted = CASES[action]
    found, unfit = applied(page(moved), [correction(1, action, was, now)])
    assert (text(found), unfit) == (wanted, [])
    for column in (1, 2):
        places = [one.place for one in found if one.column == column]
        assert places == list(range(1, len(places) + 1))
    assert sum(one.checked for one in found) == len(now)


def test_a_correction_of_a_character_that_is_not_there_is_counted_and_left_out() -> None:
    far = Spot(box=(500, 500, 510, 510), char="一")
    asked = correction(1, "delete", [far], [])
    found, unfit = applied(page(), [asked])
    assert (text(found), unfit) == ("一二三四五六", [asked])


@pytest.mark.parametrize("action", CASES)
@pytest.mark.parametrize("moved", [0.0, 0.6])
def test_corrections_that_a_reading_holds_already_change_it_no_more(action: str, moved: float) -> None:
    was, now, wanted = CASES[action]
    once, _ = applied(page(), [correction(1, action, was, now)])
    shifted = [replace(one, box=tuple(side + moved for side in one.box)) for one in once]
    twice, _ = applied(shifted, [correction(1, action, was, now)])
    assert text(twice) == wanted and len(twice) == len(once)


def test_an_added_box_that_a_new_reading_has_found_names_its_character() -> None:
    new = box(1, 2, 1.0)
    found, unfit = applied(page(), [correction(1, "add", [], [Spot(box=new, char="仁")], box(1, 1))])
    assert (text(found), unfit) == ("一仁三四五六", [])
    assert (found[1].index, found[1].box, found[1].checked) == (1, new, True)


def test_a_correction_of_the_character_alone_keeps_the_box_of_the_new_reading() -> None:
    spot = box(1, 2)
    found, _ = applied(page(1.5), [correction(1, "change", [Spot(box=spot, char="二")], [Spot(box=spot, char="仁")])])
    assert found[1].box == box(1, 2, 1.5) and found[1].char == "仁"


@pytest.mark.parametrize(
    ("new", "wanted", "column"),
    [
        ((88, 48, 98, 58), "一二三口四五六", 1),
        ((76, 1, 86, 10), "一二三口四五六", 2),
        ((76, 48, 86, 58), "一二三四五六口", 2),
    ],
)
def test_an_added_box_takes_its_place_in_its_column(new: Box, wanted: str, column: int) -> None:
    after = neighbour_before(page(), new)
    found, unfit = applied(page(), [correction(1, "add", [], [Spot(box=new, char="口")], after)])
    assert (text(found), unfit) == (wanted, [])
    assert next(one.column for one in found if one.char == "口") == column


def test_corrections_build_on_each_other_and_undo_takes_back_one_of_them() -> None:
    both = [
        correction(1, "change", [Spot(box=box(1, 2), char="二")], [Spot(box=box(1, 2), char="仁")]),
        correction(2, "change", [Spot(box=box(1, 2), char="仁")], [Spot(box=box(1, 2), char="任")]),
    ]
    assert text(applied(page(), both)[0]) == "一任三四五六"
    undo = Correction(id=3, when="", who="", page="p", action="undo", of=2)
    assert text(applied(page(), [*both, undo])[0]) == "一仁三四五六"


def some(log: CorrectionsLog, count: int) -> None:
    for number in range(count):
        spot = Spot(box=box(1, number + 1), char="人")
        log.add(who="Lan", page="trang 1", action="change", was=(spot,), now=(Spot(box=spot.box, char="入"),))


def test_a_log_reads_again_what_it_wrote_as_lines_of_json(tmp_path: Path) -> None:
    log = CorrectionsLog(tmp_path / "corrections.jsonl", OF, clock=lambda: "2026-01-31T09:12:44Z")
    some(log, 2)
    assert log.undo("trang 1", "Lan") == log.corrections[1]
    assert log.undo("another page", "Lan") is None
    lines = [json.loads(line) for line in (tmp_path / "corrections.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[0] == {"kind": "corrections", "schema": 1, "of": OF}
    assert lines[1] == {
        "id": 1, "when": "2026-01-31T09:12:44Z", "who": "Lan", "page": "trang 1", "action": "change", "after": None,
        "was": [{"box": [88, 12, 98, 22], "char": "人"}], "now": [{"box": [88, 12, 98, 22], "char": "入"}],
    }  # fmt: skip
    assert (lines[3]["action"], lines[3]["of"]) == ("undo", 2)
    assert read_corrections(tmp_path / "corrections.jsonl") == CorrectionsFile(
        of=OF, upon=(), corrections=log.corrections
    )


@pytest.mark.parametrize("left", [1, 40])
def test_a_torn_last_line_is_cut_off_and_the_others_stay(
    tmp_path: Path, left: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "corrections.jsonl"
    log = CorrectionsLog(path, OF)
    some(log, 3)
    log.close()
    whole = path.read_bytes()
    end = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: end + left])
    again = CorrectionsLog(path, OF)
    naming(capsys, path, f"{left} bytes")
    assert path.read_bytes() == whole[: end + left]  # a file that is only read is not changed
    assert len(again.corrections) == 2
    some(again, 1)
    assert path.read_bytes().startswith(whole[:end])
    assert [each.id for each in read_corrections(path).corrections] == [1, 2, 3]


def test_a_killed_program_loses_no_confirmed_correction(tmp_path: Path) -> None:
    path = tmp_path / "corrections.jsonl"
    code = (
        "import sys, pathlib\n"
        "from sinonom_cli.layout.corrections import Spot\n"
        "from sinonom_cli.layout.corrections_log import CorrectionsLog\n"
        f"log = CorrectionsLog(pathlib.Path({str(path)!r}), {OF!r})\n"
        "while True:\n"
        "    done = log.add(who='', page='p', action='add', now=(Spot(box=(0, 0, 1, 1), char='人'),))\n"
        "    print(done.id, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        confirmed = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
        confirmed += [int(line) for line in process.stdout.read().splitlines() if line.strip()]
    log = CorrectionsLog(path, OF)
    assert [each.id for each in log.corrections][: len(confirmed)] == confirmed
    some(log, 1)  # a killed process leaves no lock


def test_corrections_of_other_pages_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "corrections.jsonl"
    log = CorrectionsLog(path, OF)
    some(log, 1)
    with refused(ExitCode.BAD_INPUT, path):
        CorrectionsLog(path, "cd" * 32, ["trang 2"])


def test_corrections_stay_when_their_folder_gets_more_pages(tmp_path: Path) -> None:
    path = tmp_path / "corrections.jsonl"
    first = CorrectionsLog(path, OF)
    some(first, 1)
    first.close()
    later = CorrectionsLog(path, "cd" * 32, ["trang 1", "trang 2"])
    assert later.corrections == first.corrections
    some(later, 1)
    assert len(read_corrections(path).corrections) == 2


@pytest.mark.parametrize("line", [b"{", b'{"id": 1}', b"[]", b'{"id": 1, "action": "burn"}', b"\xff"])
def test_a_line_that_is_no_correction_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "corrections.jsonl"
    some(CorrectionsLog(path, OF), 1)
    path.write_bytes(path.read_bytes() + line + b"\n")
    with refused(ExitCode.BAD_INPUT, path, "line 3"):
        read_corrections(path)


def test_two_programs_do_not_write_one_file(tmp_path: Path) -> None:
    first, second = (CorrectionsLog(tmp_path / "corrections.jsonl", OF) for _ in range(2))
    some(first, 1)
    with refused(ExitCode.OUTPUT_IN_THE_WAY, tmp_path / "corrections.jsonl"):
        some(second, 1)
    first.close()
    with refused(ExitCode.OUTPUT_IN_THE_WAY, tmp_path / "corrections.jsonl"):
        some(second, 1)  # it has not seen what the first one wrote


def test_another_thread_may_let_other_programs_write(tmp_path: Path) -> None:
    path = tmp_path / "corrections.jsonl"
    first = CorrectionsLog(path, OF)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(some, first, 1).result()
        first.close()
        some(CorrectionsLog(path, OF), 1)
    assert len(read_corrections(path).corrections) == 2


def test_two_threads_that_undo_take_two_corrections_back(tmp_path: Path) -> None:
    log = CorrectionsLog(tmp_path / "corrections.jsonl", OF)
    some(log, 12)
    with ThreadPoolExecutor(4) as pool:
        undone = list(pool.map(lambda _: log.undo("trang 1", "Lan"), range(12)))
    assert {each.id for each in undone if each} == set(range(1, 13))


def test_a_full_disk_is_said_and_the_file_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "corrections.jsonl"
    log = CorrectionsLog(path, OF)
    some(log, 1)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with refused(ExitCode.OUTPUT_IN_THE_WAY, path):
        some(log, 1)
    monkeypatch.undo()
    assert path.read_bytes() == before and len(log.corrections) == 1
    some(log, 1)
    assert len(read_corrections(path).corrections) == 2


def test_in_horizontal_text_an_added_box_takes_its_place_in_its_row() -> None:
    turned = [
        replace(one, box=(one.box[1], -one.box[2], one.box[3], -one.box[0])) for one in page()
    ]  # 一二三 over 四五六
    new = (48.0, -98.0, 58.0, -88.0)
    after = neighbour_before(turned, new, "horizontal")
    assert after == turned[2].box
    found, _ = applied(turned, [correction(1, "add", [], [Spot(box=new, char="口")], after)], "horizontal")
    assert text(found) == "一二三口四五六" and found[3].column == 1
    first = neighbour_before(turned, (1.0, -86.0, 10.0, -76.0), "horizontal")
    assert first == turned[2].box  # before 四, and so after 三
