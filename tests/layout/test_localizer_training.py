"""Test `sinonom train-localizer`, if ultralytics is installed: killed runs resume, and nothing is unpickled."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.cli import run
from sinonom_cli.errors import SinonomError, need
from sinonom_cli.layout.yolo_pages import read_pages

for package in ("ultralytics", "onnx"):
    # importorskip would import ultralytics; only the command keeps it from the network and from replacing functions.
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed", allow_module_level=True)
try:
    need("cv2", "localize")  # ultralytics imports cv2, which needs libraries of the system.
except SinonomError as error:
    pytest.skip(error.message, allow_module_level=True)


def pages(folder: Path) -> Path:
    """Write six pages of dark squares on paper, with their boxes."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 4), ("val", 2)):
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
        for number in range(count):
            grey, lines = np.full((96, 64), 225, np.uint8), []
            for x, y in rng.integers(0, 5, (6, 2)) * (12, 18) + 3:
                grey[y : y + 10, x : x + 8] = 40
                lines.append(f"0 {(x + 4) / 64} {(y + 5) / 96} {8 / 64} {10 / 96}")
            turned = Image.Exif()
            turned[0x0112] = 6  # The picture is shown rotated clockwise by 90 degrees.
            images = folder / "images" / part
            if number == 1:  # ultralytics itself would read pages 1 and 2 differently, or leave them out.
                Image.fromarray(grey.astype(np.uint16) * 200).save(images / "p1.tif")
            elif number == 2:
                Image.fromarray(grey).transpose(Image.Transpose.ROTATE_90).save(images / "p2.PNG", exif=turned)
            else:
                Image.fromarray(grey).save(images / f"p{number}.png")
            (folder / "labels" / part / f"p{number}.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def train(folder: Path, out: Path) -> int:
    options = ["--epochs", "3", "--batch", "2", "--image-size", "64", "--device", "cpu", "-q"]
    return run(["train-localizer", str(folder), str(out), *options])


def test_a_killed_training_goes_on_and_ends_as_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, opened = pages(tmp_path / "trang sách 𡦂"), Image.open
    assert train(folder, tmp_path / "once") == 0
    assert Image.open is opened  # ultralytics replaces this function.
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "once")]

    from sinonom_cli.layout.yolo_training import Trainer

    whole, epochs = Trainer.save_model, []

    def killed(trainer: Trainer) -> bool:
        whole(trainer)
        epochs.append(trainer.epoch)
        if len(epochs) == 2:
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(Trainer, "save_model", killed)
    assert train(folder, tmp_path / "twice") == 130
    assert json.loads((tmp_path / "twice" / "artifact.json").read_text(encoding="utf-8"))["status"] == "running"
    assert train(folder, tmp_path / "twice") == 0
    assert epochs == [0, 1, 2]
    counts = json.loads((tmp_path / "twice" / "artifact.json").read_text(encoding="utf-8"))["counts"]
    boxes = [len(read_pages(folder)["train"][number].boxes) for number in range(4)]
    assert counts["train_pages"] == 4 and counts["val_pages"] == 2 and counts["train_boxes"] == sum(boxes)
    for name in ("localizer.onnx", "artifact.json"):
        assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
    assert not (tmp_path / "twice" / "resume").exists()
    label = folder / "labels" / "val" / "p0.txt"
    # The file keeps its size, but has other classes.
    label.write_bytes(label.read_bytes().replace(b"0 0.", b"1 0.", 1))
    assert train(folder, tmp_path / "once") == 5


def test_training_reads_no_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    import torch

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("unpickled")

    monkeypatch.setattr(torch, "load", refused)
    monkeypatch.setattr(pickle, "load", refused)
    monkeypatch.setattr(pickle, "loads", refused)
    assert train(pages(tmp_path / "in"), tmp_path / "out") == 0


def test_training_sees_pages_as_they_are_shown(tmp_path: Path) -> None:
    from sinonom_cli.layout.train_localizer import _copied

    folder = pages(tmp_path / "in")
    _copied(read_pages(folder), tmp_path / "scratch")
    shown = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "scratch" / "images" / "train").iterdir())]
    assert [picture.shape for picture in shown] == [(96, 64)] * 4
    assert all(picture.dtype == np.uint8 and picture.min() < 60 and picture.max() > 200 for picture in shown)


def test_a_page_that_ultralytics_leaves_out_stops_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sinonom_cli.layout.train_localizer import _quiet_ultralytics

    with _quiet_ultralytics():
        from ultralytics.data.dataset import YOLODataset

    whole = YOLODataset.get_img_files
    monkeypatch.setattr(YOLODataset, "get_img_files", lambda self, path: whole(self, path)[:-1])
    assert train(pages(tmp_path / "in"), tmp_path / "out") == 4
