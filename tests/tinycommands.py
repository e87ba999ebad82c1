"""Prepare a small run of each command that makes a folder from files: its command line, and an input to change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from tinyfont import build

from sinonom_cli import cli
from sinonom_cli.meshes.stl import write_stl

Made = tuple[list[str], Path]


def sinonom(*arguments: object) -> int:
    """Run a command line and return its exit code."""
    return cli.run([str(argument) for argument in arguments])


def meshes(folder: Path, count: int = 4) -> Made:
    """Write tilted plates of two triangles, for `render`."""
    rng = np.random.default_rng(0)
    for number in range(count):
        corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
        corners[:, 2] = rng.normal(0, 0.02, 6) + (0, 0, 0, 0.2, 0.2, 0.2)  # a flat mesh would not be drawn
        write_stl(folder / f"{number}.stl", corners.reshape(2, 3, 3))
    return ["render", str(folder), "--size", "32"], folder / "1.stl"


def fonts(folder: Path) -> Made:
    """Write two fonts, for `synth-fonts`."""
    for style in (0, 1):
        build(folder / f"hand{style}.ttf", chars="字喃人", style=style)
    return ["synth-fonts", str(folder), "--chars", "字喃人"], folder / "hand1.ttf"


def patches(folder: Path) -> Made:
    """Write columns of three blots each, for `crop-nomnaocr`."""
    rng = np.random.default_rng(0)
    (folder / "Patches" / "book").mkdir(parents=True)
    lines = []
    for number in range(3):
        column = np.full((72, 26), 240, np.uint8)
        for k in range(3):
            column[24 * k + 3 : 24 * k + 21, 4:22] = np.where(rng.random((18, 18)) < 0.5, 30, 240)
        Image.fromarray(column).save(folder / "Patches" / "book" / f"page{number}_1.png")
        lines.append(f"book/page{number}_1.png\t字喃人\n")
    (folder / "Patches" / "All.txt").write_text("".join(lines), encoding="utf-8")
    changed = folder / "Patches" / "book" / "page1_1.png"
    return ["crop-nomnaocr", str(folder), "--doubtful-below", "0"], changed


def pictures(folder: Path, count: int = 4) -> Made:
    """Write pictures of crosses, for `carve`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        page = np.full((48, 48), 255, np.uint8)
        x, y = rng.integers(8, 36, 2)
        page[y : y + 5, 4:44] = 0
        page[4:44, x : x + 5] = 0
        Image.fromarray(page).save(folder / f"{number}.png")
    return ["carve", str(folder), "--resolution", "24"], folder / "1.png"


COMMANDS: dict[str, Callable[[Path], Made]] = {
    "render": meshes,
    "carve": pictures,
    "synth-fonts": fonts,
    "crop-nomnaocr": patches,
}


def replaced_in_place(path: Path, at: int | None = None) -> None:
    """Change one byte of a file, by default the last; keep its size and times."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[-1 if at is None else at] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
