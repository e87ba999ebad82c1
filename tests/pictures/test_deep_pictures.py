"""Test the warning about height maps given to query or index; prints and depth images cause no warning."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli


def heights(path: Path, kind: str) -> Path:
    rng = np.random.default_rng(0)
    relief = np.asarray(
        Image.fromarray(rng.random((6, 6)).astype(np.float32)).resize((60, 60), Image.Resampling.BICUBIC)
    )
    if kind == "float.tif":
        Image.fromarray(relief.astype(np.float32)).save(path)
    elif kind.startswith("16"):
        Image.fromarray((relief.clip(0, 1) * 60_000).astype(np.uint16)).save(path)
    else:
        Image.fromarray((relief.clip(0, 1) * 255).astype(np.uint8)).convert("RGB" if "rgb" in kind else "L").save(path)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [("16.png", True), ("16.tif", True), ("float.tif", True), ("8.png", False), ("8.tif", False), ("8 rgb.jpg", False)],
)
def test_a_picture_of_more_than_8_bits_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, said: bool
) -> None:
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", ["0.png", "1.png"])
    index = str(tmp_path / "db.faiss")
    assert cli.run(["index", str(tmp_path / "set"), index, "--model", str(tmp_path / "model")]) == 0
    path = heights(tmp_path / kind, kind)
    capsys.readouterr()
    assert cli.run(["query", str(path), str(tmp_path / "set" / "0.png"), "-i", index]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "render" in line]
    assert len(lines) == said and all(str(path) in line for line in lines)


def test_height_maps_in_a_set_that_is_indexed_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", ["0.png", "1.png"])
    command = ["index", str(tmp_path / "set"), str(tmp_path / "db.faiss"), "--model", str(tmp_path / "model")]
    assert cli.run(command) == 0
    assert "render" not in capsys.readouterr().err
    heights(tmp_path / "set" / "2.png", "16.png")
    assert cli.run([*command, "--overwrite"]) == 0
    assert "render" in capsys.readouterr().err
