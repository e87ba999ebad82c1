"""File names of any kind are read, written and printed unchanged, in any locale."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli.meshes.stl import write_stl

CHAIN = """
import os, sys
from sinonom_cli import cli
codes = []
for line in sys.argv[1].splitlines():
    sys.argv = ["sinonom", *line.split("|")]
    try:
        cli.main()
    except SystemExit as ended:
        codes.append(ended.code)
sys.exit(repr(codes) if any(codes) else 0)
"""
COMMANDS = """render|scans|depth|--size|32
sets|depth
index|depth|db.faiss|--model|model|--workers|0
index|depth|db.faiss|--model|model|--workers|0|--add
query|asked|--index|db.faiss|--model|model|--json
query|asked|--index|db.faiss|--model|model|--truth|truth.csv|--report|r.html|--scores|s.csv|--sheet|s.png
index|db.faiss|--remove|#0"""
FEWER = COMMANDS.splitlines()[::2][:3]


def ran(folder: Path, command: list[str], **environment: str) -> bytes:
    """Run Python in a folder and return what it writes to stdout."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def house(folder: Path, name: str) -> str:
    """Write meshes and a picture with this name, a model and a truth table; return the name."""
    tiny_model(folder / "model")
    (folder / "scans" / name).mkdir(parents=True)
    for number in range(3):
        corners = np.random.default_rng(number).random((40, 3, 3), np.float32)
        write_stl(folder / "scans" / name / f"{name}{number}.stl", corners)
    write_stl(folder / "scans" / "khắc.stl", np.random.default_rng(9).random((40, 3, 3), np.float32))
    tiny_pictures(folder, ["asked/hỏi.png", "asked/one.png"])
    (folder / "asked" / "one.png").rename(folder / "asked" / f"{name}.png")
    (folder / "truth.csv").write_text("query,label\nhỏi.png,khắc.stl\n", encoding="utf-8")
    return name


def test_names_outside_ascii_are_written_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "bản khắc 𡦂"
    name = house(folder, "chữ 喃'\"#%, ;" if os.name == "posix" else "chữ 喃'#%, ;")
    ran(folder, ["-c", CHAIN, COMMANDS])
    for path in ("depth/metadata.csv", "db.faiss.rows.csv"):
        assert name.replace('"', '""') in (folder / path).read_text(encoding="utf-8"), path


@pytest.mark.skipif(os.name != "posix", reason="Windows has no locale of ASCII")
def test_a_locale_of_ascii_keeps_no_name_from_being_opened(tmp_path: Path) -> None:
    house(tmp_path, "chữ 喃")
    said = b""
    for line in FEWER:
        said = ran(tmp_path, ["-m", "sinonom_cli", *line.split("|")], LC_ALL="C", PYTHONUTF8="0")
    assert "chữ 喃.png".encode() in said


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_names_that_are_no_utf_8_survive(tmp_path: Path) -> None:
    house(tmp_path, os.fsdecode(b"kh\xffc"))
    ran(tmp_path, ["-c", CHAIN, COMMANDS])
    assert len((tmp_path / "db.faiss.rows.csv").read_text(encoding="utf-8").splitlines()) == 4  # header, 3 of 4 rows
