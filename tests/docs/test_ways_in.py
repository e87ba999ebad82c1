"""The commands of the four ways in run as they are typed on their pages, in three at most, on small made data."""

import csv
import json
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from tinydocs import DOCS, ROOT, fenced

from sinonom_cli import cli
from sinonom_cli.assets import GLYPHS
from sinonom_cli.errors import ExitCode

FOLDER = "bản khắc 𡦂"
WAYS = ("scans", "pages", "report", "programs")


def typed(page: str) -> list[str]:
    """Return the lines of a page that are to be typed into a shell."""
    return [line for block in fenced(DOCS / page, "sh") for line in block.splitlines() if line]


def run(page: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run all lines of a page in this process; return what they print."""
    capsys.readouterr()
    for line in typed(page):
        program, *words = shlex.split(line)
        assert program == "sinonom"
        assert cli.run(words) in (ExitCode.DONE, ExitCode.SOME_FAILED), line
    return capsys.readouterr().out


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a Vietnamese and Nôm name that holds the data to practise on."""
    folder = tmp_path / FOLDER
    monkeypatch.setattr(sys, "argv", ["practice.py", str(folder)])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(ROOT / "examples" / "practice.py"), run_name="__main__")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.timeout(900)
def test_the_ways_in_for_scans_pages_and_programs_lead_to_results(
    practice: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sorted(path.name for path in (practice / "prints").glob("*/")) == ["hanamin", "wenkai", "yuji"]
    asked = next((practice / "asked").iterdir()).stem
    answers = run("start/scans.md", capsys)
    first = next(line for line in answers.splitlines() if line.split("\t")[1:2] == ["1"])
    assert asked in first.split("\t")
    assert all(Path(made).stat().st_size > 5_000 for made in ("blocks.html", "answer.png"))
    cut = rows("characters/metadata.csv")
    with (practice / "scans" / "metadata.csv").open(encoding="utf-8") as file:
        assert {row["block"] for row in cut} == {Path(row["file_name"]).stem for row in csv.DictReader(file)}

    run("start/pages.md", capsys)
    assert Path("text/pages/photo.txt").read_text(encoding="utf-8").count("\n") >= 4
    best = rows("found/blocks.csv")[0]
    assert best["block"] == "block-2" and float(best["probability"]) > 0.9  # the photo shows a part of the second page
    nearest = [row for row in rows("found/matches.csv") if row["rank"] == "1"]
    assert sum(row["block"] == "block-2" and row["agrees"] == "yes" for row in nearest) > 0.9 * len(nearest)
    assert Path("found/pages/photo.blocks.html").is_file()

    shutil.copy(next((GLYPHS / "wenkai" / "images" / "U+5B57").glob("*.png")), "crop.png")
    for language in ("start", "vi"):
        exec("\n".join(fenced(DOCS / language / "programs.md", "python")), {})
        printed = capsys.readouterr().out
        assert "字" in printed.splitlines()[0] + printed.splitlines()[1]
        assert Path("found/pages/photo.txt").read_text(encoding="utf-8").splitlines()[0] in printed
    assert Path("block.png").stat().st_size > 5_000


@pytest.mark.timeout(900)
def test_the_way_in_for_students_measures_the_model_that_ships_and_one_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    folder = tmp_path / FOLDER
    shutil.copytree(GLYPHS, folder / "prints")  # as practice.py does
    monkeypatch.chdir(folder)
    printed = run("start/report.md", capsys)
    scores = next(line for line in printed.splitlines() if line.startswith("188 queries"))
    assert float(scores.split("mrr@5 ")[1].split(",")[0]) > 0.9
    assert (folder / "demo" / "answers.png").stat().st_size > 10_000
    own = next(line.split("\t") for line in printed.splitlines() if line.startswith("hanamin\t"))
    assert own[1] == "100" and float(own[2]) > 0.6  # chance gives 0.02
    assert json.loads(Path("mine/artifact.json").read_text(encoding="utf-8"))["status"] == "complete"


@pytest.mark.parametrize("way", WAYS)
def test_a_way_in_reaches_a_first_result_in_three_commands_and_in_vietnamese_with_the_same(way: str) -> None:
    blocks = fenced(DOCS / "start" / f"{way}.md", "sh")
    assert all(len(block.splitlines()) <= 3 for block in blocks)
    assert fenced(DOCS / "vi" / f"{way}.md", "sh") == blocks


def test_the_tutorial_types_what_the_ways_in_type() -> None:
    known = {*typed("start/scans.md"), *typed("start/pages.md"), "cd practice"}
    made, *others = typed("tutorial.md")
    assert made == "python examples/practice.py practice"
    assert set(others) <= known and len(others) > 5
