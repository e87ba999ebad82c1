"""Test that the example that draws Debian's fonts runs unchanged on another folder of fonts."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tinyfont

SCRIPT = Path(__file__).parent.parent.parent / "examples" / "fonts-debian.sh"
BASH = shutil.which("bash") if os.name == "posix" else None


@pytest.mark.skipif(BASH is None, reason="no bash")
def test_the_example_says_what_the_fonts_draw_and_draws_it(tmp_path: Path) -> None:
    tinyfont.build(tmp_path / "my fonts" / "a.ttf")
    tinyfont.build(tmp_path / "my fonts" / "b.ttf", chars="字喃", style=3)
    (tmp_path / "my fonts" / "c.ttf").write_text("not a font", encoding="utf-8")
    (tmp_path / "chars.txt").write_text("字\n喃\n人\n", encoding="utf-8")
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "FONTS": str(tmp_path / "my fonts"),
        "CHARSET": str(tmp_path / "chars.txt"),
    }
    out = tmp_path / "bản khắc"
    arguments = [str(BASH), str(SCRIPT), str(out), "--degrade", "0,0.6", "--balance"]
    for _ in range(2):  # The second run finds all work done.
        ran = subprocess.run(arguments, capture_output=True, check=True, encoding="utf-8", env=environment)
        assert ran.stdout.strip() == str(out / "set")
    with (out / "fonts.csv").open(encoding="utf-8", newline="") as file:
        assert [row["drawn"] for row in csv.DictReader(file)] == ["3", "2"]
    with (out / "set" / "metadata.csv").open(encoding="utf-8", newline="") as file:
        chars = [row["char"] for row in csv.DictReader(file)]
    assert {char: chars.count(char) for char in chars} == {"字": 4, "喃": 4, "人": 4}
