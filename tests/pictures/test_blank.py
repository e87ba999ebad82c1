"""Test the detection of blank pictures: pictures without ink are blank, all others are not, and no command embeds a
blank."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.pictures.blank import is_blank
from sinonom_cli.search.index import read_index


def ramp(side: int) -> np.ndarray:
    return np.linspace(0, 1, side)


def noise(side: int, deviation: float, ground: int = 250) -> np.ndarray:
    rng = np.random.default_rng(side)
    return np.clip(ground + rng.normal(0, deviation, (side, side)), 0, 255).astype(np.uint8)


def as_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def gradient(shape: Callable[[np.ndarray, np.ndarray], np.ndarray], side: int = 100) -> np.ndarray:
    x, y = np.meshgrid(ramp(side), ramp(side))
    return (255 * np.clip(shape(x, y), 0, 1)).astype(np.uint8)


BLANK = {
    "white": np.full((128, 128), 255, np.uint8),
    "black": np.zeros((50, 70), np.uint8),
    "grey": np.full((9, 300), 128, np.uint8),
    "one pixel": np.zeros((1, 1), np.uint8),
    "two pixels": np.full((1, 2), 7, np.uint8),
    "from left to right": gradient(lambda x, y: x),
    "from corner to corner": gradient(lambda x, y: (x + y) / 2),
    "bent": gradient(lambda x, y: x**2.2),
    "bent the other way": gradient(lambda x, y: y**0.4545),
    "bright in the middle": gradient(lambda x, y: 1 - np.hypot(x - 0.5, y - 0.5) / 0.71),
    "a large one": gradient(lambda x, y: 0.3 + 0.5 * x * y, 900),
    "a gradient as JPEG": as_jpeg(gradient(lambda x, y: x), 20),
    "Pillow's own": np.asarray(Image.radial_gradient("L")),
    "noise": noise(64, 4),
    "noise on grey": noise(200, 6, 128),
    "noise as JPEG": as_jpeg(noise(64, 3), 30),
    "noise on black as JPEG": as_jpeg(noise(96, 4, 3), 50),
}


@pytest.mark.parametrize("name", BLANK)
def test_a_picture_without_ink_is_blank(name: str) -> None:
    assert is_blank(BLANK[name])
    assert is_blank(255 - BLANK[name])


def stroke(*place: float, side: int = 80, ink: int = 20, ground: int = 250) -> np.ndarray:
    image = Image.new("L", (side, side), ground)
    ImageDraw.Draw(image).rectangle([side * one for one in place], fill=ink)
    return np.asarray(image)


SHOWN = {
    "one": stroke(0.1, 0.45, 0.9, 0.55),
    "a stroke that fills the picture": stroke(0, 0.3, 1, 0.7),
    "down": stroke(0.47, 0.05, 0.53, 0.95),
    "a dot": stroke(0.45, 0.4, 0.55, 0.52),
    "faint": stroke(0.1, 0.45, 0.9, 0.55, ink=200, ground=235),
    "small": stroke(0.2, 0.4, 0.8, 0.6, side=12),
    "thin": stroke(0.2, 0.5, 0.8, 0.512, side=400, ink=0),
    "under a lamp": np.minimum(gradient(lambda x, y: 0.3 + 0.7 * x, 80), stroke(0.1, 0.45, 0.9, 0.55)),
    "out of focus": np.asarray(
        Image.fromarray(stroke(0.1, 0.3, 0.9, 0.6, side=20)).resize((200, 200), Image.Resampling.BICUBIC)
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_single_stroke_is_not_blank(name: str) -> None:
    assert not is_blank(SHOWN[name])
    assert not is_blank(255 - SHOWN[name])
    assert not is_blank(as_jpeg(SHOWN[name], 40))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model")
    tiny_pictures(folder / "set", [f"U+4E0{i}/{i}.png" for i in range(4)])
    Image.fromarray(BLANK["white"]).save(folder / "trắng.png")
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(folder / "trong suốt.png")
    monkeypatch.chdir(folder)
    return folder


def test_query_refuses_a_blank_picture_and_leaves_it_out_among_others(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["index", "set", "db.faiss", "--model", "model", "-q"]) == 0
    for name in ("trắng.png", "trong suốt.png"):
        capsys.readouterr()
        assert cli.run(["query", name, "-i", "db.faiss"]) == 4
        captured = capsys.readouterr()
        assert captured.out.count("\n") <= 1 and name in captured.err and "U+4E0" not in captured.out
    truth = "query,label\ntrắng.png,U+4E00\n0.png,U+4E00\n"
    (house / "truth.csv").write_text(truth, encoding="utf-8")
    typed = ["query", "trắng.png", "set/U+4E00/0.png", "-i", "db.faiss", "--truth", "truth.csv", "--scores", "s.csv"]
    assert cli.run(typed) == 6
    with (house / "s.csv").open(encoding="utf-8") as file:
        lines = {line["query"]: line for line in csv.DictReader(file)}
    assert lines["trắng.png"]["rank"] == "0" and lines["trắng.png"]["failure"] and lines["0.png"]["rank"] == "1"


def test_index_lists_blank_pictures_as_failures(house: Path) -> None:
    Image.fromarray(BLANK["noise as JPEG"]).save(house / "set" / "U+4E00" / "nhiễu.png")
    assert cli.run(["index", "set", "db.faiss", "--model", "model", "-q"]) == 6
    index = read_index(house / "db.faiss")
    assert sorted(row.item for row in index.rows) == [f"U+4E0{i}/{i}.png" for i in range(4)]
    assert index.record.counts == {"items": 5, "rows": 4, "failed": 1}
    assert "nhiễu.png" in (house / "db.faiss.failures.csv").read_text(encoding="utf-8")


def test_training_counts_blank_pictures_as_unreadable(house: Path) -> None:
    pytest.importorskip("filelock")
    from sinonom_cli.storage.image_set import read_imageset
    from sinonom_cli.train.prepared_pictures import fill_cache

    Image.fromarray(BLANK["black"]).save(house / "set" / "U+4E00" / "đen.png")
    images = read_imageset(house / "set")
    cells = fill_cache(house / "cache", [images], 16, 0)
    [position] = cells.unreadable
    assert images.pictures[position].item == "U+4E00/đen.png"
