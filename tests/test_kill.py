"""A command that was killed twice ends with the same bytes as a run that was not interrupted."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinyfont import build

from sinonom_cli import cli
from sinonom_cli.meshes.stl import write_stl

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")


def meshes(folder: Path) -> list[str]:
    """Write 400 small tilted plates; return the command that renders them."""
    rng = np.random.default_rng(0)
    for i in range(400):
        corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
        corners[:, 2] = rng.normal(0, 0.02, 6) + (0, 0, 0, 0.2, 0.2, 0.2)  # a flat mesh would not be drawn
        write_stl(folder / f"{i:03}.stl", corners.reshape(2, 3, 3))
    return ["render", str(folder), "--size", "128"]


def fonts(folder: Path) -> list[str]:
    chars = "".join(chr(0x4E00 + i) for i in range(600))
    for style in (0, 1):
        build(folder / f"hand{style}.ttf", chars=chars, style=style)
    return ["synth-fonts", str(folder), "--chars", chars, "--degrade", "0.5"]


def patches(folder: Path) -> list[str]:
    """Write columns of six blots each; return the command that crops them."""
    rng = np.random.default_rng(0)
    lines = []
    for i in range(300):
        column = np.full((24 * 6, 26), 240, np.uint8)
        for k in range(6):
            column[24 * k + 3 : 24 * k + 21, 4:22] = np.where(rng.random((18, 18)) < 0.5, 30, 240)
        (folder / "Patches" / "book").mkdir(parents=True, exist_ok=True)
        Image.fromarray(column).save(folder / "Patches" / "book" / f"page{i:03}_1.jpg")
        lines.append(f"book/page{i:03}_1.jpg\t字喃人天地日\n")
    (folder / "Patches" / "All.txt").write_text("".join(lines), encoding="utf-8")
    return ["crop-nomnaocr", str(folder)]


def pictures(folder: Path) -> list[str]:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for i in range(60):
        page = np.full((48, 48), 255, np.uint8)
        for _ in range(4):
            x, y = rng.integers(4, 36, 2)
            page[y : y + 5, 4:44] = 0
            page[4:44, x : x + 5] = 0
        Image.fromarray(page).save(folder / f"{i:03}.png")
    return ["carve", str(folder)]


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def done(out: Path) -> int:
    """Return the number of finished items in the journal."""
    journal = out / "journal.jsonl"
    return journal.read_bytes().count(b'"rows"') if journal.exists() else 0


def killed(command: list[str], out: Path) -> None:
    """Run a command and kill it after five more items are finished."""
    before, deadline = done(out), time.monotonic() + 120
    process = subprocess.Popen(
        [sys.executable, "-m", "sinonom_cli", *command, str(out), "--workers", "0", "-q"], stdout=subprocess.DEVNULL
    )
    while process.poll() is None and time.monotonic() < deadline:
        if done(out) >= before + 5:
            break
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"


def torn(out: Path) -> None:
    """Append half a line to the journal, as a crash of the machine may leave it."""
    with (out / "journal.jsonl").open("ab") as file:
        file.write(b'{"item": "')


def finished(out: Path) -> dict[Path, int]:
    """Return the time of each complete file; files that were being written have temporary names and are removed."""
    whole = [p for p in out.rglob("*.*") if p.suffix in {".png", ".stl"} and not p.name.startswith(".")]
    assert whole
    return {p: p.stat().st_mtime_ns for p in whole}


@pytest.mark.parametrize(
    "make", [meshes, fonts, patches, pictures], ids=["render", "synth-fonts", "crop-nomnaocr", "carve"]
)
def test_a_command_killed_twice_resumes_to_the_same_bytes(make: Callable[[Path], list[str]], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    command = make(tmp_path / "in" / "khắc 𡦂")
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    killed(command, broken)
    after_one = finished(broken)
    torn(broken)
    killed(command, broken)
    torn(broken)
    kept = finished(broken)
    assert after_one.keys() <= kept.keys()
    for out in (broken, unbroken):
        assert cli.run([*command, str(out), "--workers", "0", "-q"]) == 0
    again = sum(p.stat().st_mtime_ns != before for p, before in kept.items())
    assert again < len(kept) - len(after_one) / 2, "what the first run had finished was not kept"
    assert content(broken) == content(unbroken)
