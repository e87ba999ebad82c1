"""A new loss, mesh format or query output takes at most three files: each is added here to a copy of the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sinonom_cli
from sinonom_cli.assets import ASSETS, GLYPHS

PACKAGE = Path(sinonom_cli.__file__).parent


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the package; its assets are links."""
    there = tmp_path / "sinonom_cli"
    # What numba has compiled is copied too: files keep their times, so it is still valid.
    left_out = shutil.ignore_patterns(*(path.name for path in ASSETS.iterdir() if not path.name.startswith("__")))
    shutil.copytree(PACKAGE, there, ignore=left_out)
    for path in ASSETS.iterdir():
        if not (there / "assets" / path.name).exists():
            (there / "assets" / path.name).symlink_to(path)
    return there


class Change:
    """Edits of a copy of the package, and the files that they changed."""

    def __init__(self, package: Path) -> None:
        self.package, self.touched = package, set[str]()

    def new(self, name: str, text: str) -> None:
        path = self.package / name
        assert not path.exists()
        path.write_text(text, encoding="utf-8")
        self.touched.add(name)

    def after(self, name: str, line: str, more: str) -> None:
        """Add the text `more` after the only line that begins with `line`."""
        path = self.package / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        [place] = [number for number, text in enumerate(lines) if text.startswith(line)]
        path.write_text("".join([*lines[: place + 1], more, *lines[place + 1 :]]), encoding="utf-8")
        self.touched.add(name)

    def run(self, *arguments: object) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.package.parent)}
        command = [sys.executable, "-m", "sinonom_cli", *map(str, arguments)]
        ran = subprocess.run(
            command, check=False, cwd=self.package.parent, env=environment, capture_output=True, encoding="utf-8"
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


def test_a_new_mesh_format_is_a_file_and_an_entry(copied: Path, tmp_path: Path) -> None:
    change = Change(copied)
    change.new(
        "meshes/numbers.py",
        "import numpy as np\n\n\ndef read_numbers(path, remarks):\n"
        "    return np.loadtxt(path, np.float32).reshape(-1, 3, 3)\n",
    )
    change.after(
        "meshes/read.py", "from sinonom_cli.meshes.gltf", "from sinonom_cli.meshes.numbers import read_numbers\n"
    )
    change.after("meshes/read.py", '    ".stl": read_stl', '    ".xyz": read_numbers,\n')
    assert len(change.touched) <= 3
    (tmp_path / "scans").mkdir()
    rows = []
    for i in range(30):  # the mesh is a ridge on a plate, with nine numbers for each triangle
        for j in range(30):
            corners = [
                (i + a, j + b, 4.0 * (12 <= i + a <= 18 and 4 <= j + b <= 26))
                for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))
            ]
            rows += [(corners[0], corners[1], corners[2]), (corners[1], corners[3], corners[2])]
    text = "\n".join(" ".join(str(number) for corner in row for number in corner) for row in rows)
    (tmp_path / "scans" / "a.xyz").write_text(text, encoding="utf-8")
    change.run("render", tmp_path / "scans", tmp_path / "depth", "-q")
    assert (tmp_path / "depth" / "images" / "a.png").exists()


def test_a_new_query_output_is_a_file_an_option_and_an_entry(copied: Path, tmp_path: Path) -> None:
    change = Change(copied)
    change.new(
        "reports/plain.py",
        "from sinonom_cli.search.results import AnswerWriter\n\n\nclass Plain(AnswerWriter):\n"
        "    def __init__(self, path):\n        self.path, self.lines = path, []\n\n"
        "    def answer(self, answer):\n        self.lines.append(answer.rows[0].label)\n\n"
        "    def close(self):\n        self.path.write_text('\\n'.join(self.lines), encoding='utf-8')\n",
    )
    change.after(
        "commands/query.py",
        "    limit: Limit = None",
        '    plain: Annotated[Path | None, typer.Option("--plain")] = None,\n',
    )
    change.after("commands/query.py", "            limit=limit", "            plain=plain,\n")
    change.after("reports/query.py", "    calibrate: bool = False", "    plain: Path | None = None\n")
    change.after(
        "reports/query.py",
        "    outputs = [_shown(",
        "    if config.plain:\n        from sinonom_cli.reports.plain import Plain\n\n"
        "        outputs.append(Plain(config.plain))\n",
    )
    assert len(change.touched) <= 3
    picture = next(GLYPHS.glob("hanamin/images/U+5B57/*.png"))
    change.run("query", picture, "--plain", tmp_path / "answers.txt")
    assert (tmp_path / "answers.txt").read_text(encoding="utf-8") == "U+5B57"


def test_a_new_loss_is_a_file_and_an_entry(copied: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    change = Change(copied)
    change.new(
        "train/losses/spread_out.py",
        "from torch import nn\n\nfrom sinonom_cli.train.losses.basic import with_figures\n\n\n"
        "class SpreadOut(nn.Module):\n    def __init__(self, choice, classes, length):\n        super().__init__()\n\n"
        "    def forward(self, rows, labels, references=None):\n"
        "        same = (labels[:, None] == labels).float()\n"
        "        return with_figures(((rows @ rows.T - same) ** 2).mean(), rows, labels)\n",
    )
    change.after(
        "train/losses/table.py",
        "LOSSES: dict",
        '    "spread-out": Entry(made_by="spread_out.SpreadOut", paper="nobody 2026"),\n',
    )
    assert len(change.touched) <= 2
    model = tmp_path / "model"
    options = ("--steps", 2, "--classes", 4, "--cache", tmp_path / "cache", "--workers", 0, "-q")
    change.run(
        "train",
        "--loss",
        "spread-out",
        "--data",
        GLYPHS / "wenkai",
        "--data",
        GLYPHS / "hanamin",
        "-o",
        model,
        *options,
    )
    record = json.loads((model / "artifact.json").read_text(encoding="utf-8"))
    assert record["options"]["loss"] == "spread-out"
    assert "spread-out" in change.run("train", "--help")
