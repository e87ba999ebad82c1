"""`train-detector` learns from sets and boxed pages, goes on after a kill, and says how good the detector is."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from PIL import Image
from refused import naming, refused

from sinonom_cli import cli
from sinonom_cli.assets import GLYPHS
from sinonom_cli.errors import ExitCode
from sinonom_cli.layout import detector_training, train_detector
from sinonom_cli.layout.detect import Detector
from sinonom_cli.layout.detector_training import Pictures, Training
from sinonom_cli.layout.glyph_bank import GlyphBank
from sinonom_cli.storage.image_set import read_imageset

SHORT = ("--steps", 3, "--batch", 2, "--workers", 0, "--threads", 1, "-q")


def train(*arguments: object) -> int:
    return cli.run(["train-detector", str(GLYPHS / "wenkai"), *map(str, arguments)])


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    rng = np.random.default_rng(0)
    for part in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
        page = np.full((160, 120), 230, np.uint8)
        lines = []
        for y in range(20, 140, 30):
            page[y : y + 20, 40:60] = rng.integers(0, 60, (20, 20))
            lines.append(f"0 {50 / 120} {(y + 10) / 160} {20 / 120} {20 / 160}")
        Image.fromarray(page).save(folder / "images" / part / "1.png")
        (folder / "labels" / part / "1.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_a_detector_is_made_and_measured_and_nothing_is_done_twice(
    tmp_path: Path, pages: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_detector, "TRIED", 6)
    out = tmp_path / "detector"
    assert train(out, "--pages", pages, *SHORT) == 0
    record = json.loads((out / "artifact.json").read_text(encoding="utf-8"))
    assert record["val"]["boxes"] == 4 and record["composed"]["boxes"] > 50
    assert {"precision", "recall", "f1", "iou"} <= record["val"].keys()
    assert sorted(path.name for path in out.iterdir()) == ["artifact.json", "characters.onnx"]
    found = Detector(out / "characters.onnx").find(np.zeros((64, 64), np.float32), 28.0)
    assert found.boxes.shape[1] == 4
    before = (out / "characters.onnx").read_bytes()
    assert train(out, "--pages", pages, *SHORT) == 0
    assert (out / "characters.onnx").read_bytes() == before
    capsys.readouterr()
    assert train(out, "--pages", pages, *SHORT, "--seed", 1) == 5
    naming(capsys, "seed")
    assert train(out, *SHORT) == 5


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = GlyphBank([read_imageset(GLYPHS / "wenkai")], 0)
    pictures = Pictures(bank, (), 0, 8)

    def training(name: str) -> Training:
        return Training(pictures, 4, 2, tmp_path / name, "these")

    whole = training("whole").run(0, lambda *_: None).state_dict()
    monkeypatch.setattr(detector_training, "SECONDS_BETWEEN_SAVES", 0.0)
    broken, learn = training("broken"), Training._learn

    def dies(self: Training, *arguments: object) -> tuple[float, float]:
        if self.step == 2:
            raise KeyboardInterrupt
        return learn(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Training, "_learn", dies)
    with pytest.raises(KeyboardInterrupt):
        broken.run(0, lambda *_: None)
    monkeypatch.setattr(Training, "_learn", learn)
    resumed = training("broken")
    assert resumed.step == 2
    again = resumed.run(0, lambda *_: None).state_dict()
    assert all(np.array_equal(whole[name].numpy(), again[name].numpy()) for name in whole)
    assert Training(pictures, 4, 2, tmp_path / "broken", "other options").step == 0
    state = tmp_path / "broken"
    state.write_bytes(state.read_bytes()[:-100])
    with refused(ExitCode.BAD_INPUT, state, "--overwrite"):
        training("broken")


def test_a_picture_depends_on_seed_and_number_alone() -> None:
    bank = GlyphBank([read_imageset(GLYPHS / "wenkai")], 0)
    one, other = Pictures(bank, (), 3, 8), Pictures(bank, (), 3, 8)
    other.picture(5)
    for number in (0, 7):
        (ink, boxes), (again, boxes_again) = one.picture(number), other.picture(number)
        assert np.array_equal(ink, again) and np.array_equal(boxes, boxes_again)


def test_training_pictures_are_mirrored_and_turned_with_their_boxes() -> None:
    bank = GlyphBank([read_imageset(GLYPHS / "wenkai")], 0)
    pictures = Pictures(bank, (), 11, 60)
    inside, all_ = 0.0, 0
    for number in range(60):
        ink, boxes = pictures.picture(number)
        for x0, y0, x1, y1 in boxes:
            if min(x0, y0) < 2 or max(x1, y1) > 253 or x1 - x0 < 10:
                continue
            part = ink[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
            around = ink[max(0, int(y0) - 4) : int(y1) + 5, max(0, int(x0) - 4) : int(x1) + 5]
            inside += part.mean() - around.mean()
            all_ += 1
    assert all_ > 500 and inside / all_ > 0.01
