"""The examples run unchanged, and the README is short."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BASH = shutil.which("bash") if os.name == "posix" else None  # on Windows, bash needs an installed Linux


def example(name: str, out: Path) -> "subprocess.CompletedProcess[str]":
    """Run an example script, which writes to a folder, with the `sinonom` of these tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(BASH), str(ROOT / "examples" / name), str(out)],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, "PATH": path},
    )


@pytest.mark.skipif(BASH is None, reason="no bash")
def test_quickstart_finds_the_carving_of_the_character_it_asks_for(tmp_path: Path) -> None:
    ran = example("quickstart.sh", tmp_path / "bản khắc")
    answer = json.loads(ran.stdout.splitlines()[-1])
    assert answer["results"][0]["char"] == "字"
    assert (tmp_path / "bản khắc" / "answer.png").exists()


@pytest.mark.skipif(BASH is None, reason="no bash")
def test_block_to_answer_finds_the_carving_on_the_block(tmp_path: Path) -> None:
    ran = example("block_to_answer.sh", tmp_path / "khối")
    asked = re.search(r"U\+([0-9A-F]+)", ran.stderr)
    assert asked
    first = next(line for line in ran.stdout.splitlines() if line.startswith("1\t") or "\t1\t" in line)
    assert chr(int(asked[1], 16)) in first
    assert (tmp_path / "khối" / "answer.png").exists()
    assert list((tmp_path / "khối" / "characters" / "blocks").glob("*.png"))


@pytest.mark.skipif(BASH is None, reason="no bash")
def test_page_to_block_finds_the_block_that_printed_the_photo(tmp_path: Path) -> None:
    example("page_to_block.sh", tmp_path / "trang")
    reading = tmp_path / "trang" / "reading"
    with (reading / "blocks.csv").open(encoding="utf-8", newline="") as file:
        best = next(csv.DictReader(file))
    assert best["block"] == "block-2" and float(best["probability"]) > 0.9  # the photo shows a part of the second page
    with (reading / "matches.csv").open(encoding="utf-8", newline="") as file:
        first = [row for row in csv.DictReader(file) if row["rank"] == "1"]
    assert sum(row["block"] == "block-2" and row["agrees"] == "yes" for row in first) > 0.9 * len(first)
    assert (reading / "pages" / "photo.blocks.html").is_file()


@pytest.mark.skipif(BASH is None, reason="no bash")
@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.sh")), ids=lambda p: p.name)
def test_an_example_is_a_script_that_can_be_run(script: Path) -> None:
    subprocess.run([str(BASH), "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)


def test_the_readme_begins_with_the_two_commands_and_is_read_in_two_minutes() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"\A# sinonom\n\n    make demo .*\n    make test ", text)
    assert len(text.splitlines()) <= 100
