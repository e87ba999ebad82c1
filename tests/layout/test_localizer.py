"""Test cuts with a detector: its boxes are evidence besides the ink, and a wrong number of boxes is corrected."""

import csv
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinycolumn import column, save

from sinonom_cli.cli import run
from sinonom_cli.crops.align import DISAGREEMENT, agreement, disagreement
from sinonom_cli.crops.column_pages import COLUMNS_ABREAST, Found, page_of
from sinonom_cli.crops.columns import cut_column
from sinonom_cli.layout.detector import Localizer, letterboxed
from sinonom_cli.layout.yolo_pages import corners, read_pages

SIZE = 448
TEXT = "大人山水木火土金"


def detector(path: Path, boxes: list[tuple[float, float, float, float, float]], classes: int = 1) -> Path:
    """Write an ONNX file that gives the same boxes (x0, y0, x1, y1, score) for every page, in YOLOv8's form."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    table = np.zeros((1, 4 + classes, max(len(boxes), 1)), np.float32)
    for i, (x0, y0, x1, y1, score) in enumerate(boxes):
        table[0, :4, i] = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        table[0, 4 + i % classes, i] = score
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
        helper.make_node("Add", ["table", "zero"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "fixed",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, list(table.shape))],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.float32(0), "nothing")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def boxes_for(grey: np.ndarray, spans: list[tuple[float, float]]) -> list[tuple[float, float, float, float, float]]:
    """Return the boxes that a detector would give for spans of the first column of a page."""
    _, ((left, right, top, scale, _),) = page_of([(grey, len(TEXT))], SIZE)
    return [(left + 4, top + low * scale, right - 4, top + high * scale, 0.9) for low, high in spans]


def test_a_missed_and_a_split_character_are_mended(tmp_path: Path) -> None:
    drawn = column(TEXT, seed=2, touching=(2, 5))
    spans = [(float(low), float(high)) for low, high in drawn.spans]
    middle = (spans[5][0] + spans[5][1]) / 2
    seen = [*spans[:2], *spans[3:5], (spans[5][0], middle - 1), (middle + 1, spans[5][1]), *spans[6:]]
    assert len(seen) == len(TEXT)  # The number is right, but matching boxes one by one would be wrong.
    model = detector(tmp_path / "localizer.onnx", boxes_for(drawn.grey, seen))
    folder = tmp_path / "in"
    (folder / "book").mkdir(parents=True)
    save(drawn.grey, folder / "book" / "p_0.jpg")
    (folder / "All.txt").write_text(f"book/p_0.jpg\t{TEXT}\n", encoding="utf-8")
    out = tmp_path / "set"
    assert run(["crop-nomnaocr", str(folder), str(out), "--localizer", str(model), "--keep-doubtful", "-q"]) == 0
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        made = list(csv.DictReader(file))
    assert "".join(row["char"] for row in made) == TEXT
    for row, (low, high) in zip(made, drawn.spans, strict=True):
        _, y0, _, y1 = map(int, row["box"].split())
        assert abs(y0 - low) <= 4 and abs(y1 - high) <= 4
    sure = [float(row["confidence"]) for row in made]
    assert np.median(sure) > 0.5
    assert max(sure[2], sure[5]) < min(sure[:2] + sure[3:5] + sure[6:])
    agreement = [float(row["agreement"]) for row in made]
    assert agreement[2] < 0.2 and 0.3 < agreement[5] < 0.6 and min(agreement[:2] + agreement[3:5] + agreement[6:]) > 0.7
    assert json.loads((out / "artifact.json").read_text(encoding="utf-8"))["options"]["localizer"]


def tree(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files below a folder, but for the record, whose counts of runs may differ."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_patch_that_is_repaired_is_cut_with_the_patches_on_its_page_as_if_it_had_been_whole(tmp_path: Path) -> None:
    """The patches of a page are shown to the detector together, so each depends on all of them."""
    folder, lines = tmp_path / "in", []
    (folder / "book").mkdir(parents=True)
    for number in range(COLUMNS_ABREAST + 2):
        drawn = column(TEXT, seed=number, touching=(2, 5) if number == 1 else ())
        save(drawn.grey, folder / "book" / f"p_{number:02d}.jpg")
        lines.append(f"book/p_{number:02d}.jpg\t{TEXT}\n")
    (folder / "All.txt").write_text("".join(lines), encoding="utf-8")
    spans = [(float(low), float(high)) for low, high in column(TEXT, seed=1).spans]
    model = detector(tmp_path / "localizer.onnx", boxes_for(column(TEXT, seed=1).grey, spans))
    command = ["--localizer", str(model), "--keep-doubtful", "-q", "--workers", "0"]

    def made(name: str) -> int:
        return run(["crop-nomnaocr", str(folder), str(tmp_path / name), *command])

    assert made("whole") == 0
    first = folder / "book" / "p_00.jpg"
    content = first.read_bytes()
    first.write_bytes(content[:200])
    assert made("mended") == 6
    whole = tree(tmp_path / "whole")
    rows = [set(content.splitlines()) for content in (whole["metadata.csv"], tree(tmp_path / "mended")["metadata.csv"])]
    assert any(b"p_01.jpg" in row for row in rows[1] - rows[0]), "it stands in the place of the damaged one"
    first.write_bytes(content)
    assert made("mended") == 0
    assert tree(tmp_path / "mended") == whole
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "mended").rglob("*.png")}
    assert made("mended") == 0
    assert {path: path.stat().st_mtime_ns for path in times} == times
    second = folder / "book" / "p_01.jpg"
    second.write_bytes(content)
    assert made("mended") == 5
    assert tree(tmp_path / "mended") == whole


def test_two_characters_in_one_box_are_cut_apart() -> None:
    drawn = column(TEXT, seed=2)
    spans = np.array([*drawn.spans[:3], (drawn.spans[3][0], drawn.spans[4][1]), *drawn.spans[5:]], float)
    cuts = cut_column(drawn.grey, TEXT, Found(spans, np.full(len(spans), 0.9))).cuts
    for k, (low, high) in enumerate(drawn.spans):
        assert cuts.tops[k] <= low + 2 and cuts.bottoms[k] >= high - 2


def test_boxes_tell_apart_what_ink_cannot() -> None:
    rng = np.random.default_rng(0)
    bounds = np.array([0, 24, 54, 72, 104, 124, 156])  # The column is one solid bar without a gap.
    grey = np.full((156, 28), 220.0)
    grey[:, 8:20] = 60
    picture = np.uint8(np.clip(grey + rng.normal(0, 4, grey.shape), 0, 255))
    spans = np.stack([bounds[:-1] + 1.0, bounds[1:] - 1.0], axis=1)
    blind = cut_column(picture, "大人山水木火").cuts
    seeing = cut_column(picture, "大人山水木火", Found(spans, np.full(6, 0.95))).cuts
    assert np.abs(blind.tops[1:] - bounds[1:-1]).max() > 3
    assert np.abs(seeing.tops[1:] - bounds[1:-1]).max() <= 2


def test_a_page_shows_every_column_in_its_own_place(tmp_path: Path) -> None:
    columns = [(column(TEXT[: 1 + n % 8], seed=n).grey, 1 + n % 8) for n in range(COLUMNS_ABREAST)]
    canvas, places = page_of(columns, SIZE)
    assert canvas.shape == (SIZE, SIZE) and len(places) == COLUMNS_ABREAST
    for (grey, _), (left, right, top, scale, height) in zip(columns, places, strict=True):
        assert height == len(grey) and right - left == pytest.approx(SIZE / COLUMNS_ABREAST)
        part = canvas[round(top) : round(top + scale * height), round(left) : round(right)]
        dark = np.abs(np.flatnonzero((part < 130).any(axis=0)) - (right - left) / 2)
        assert (part < 130).any() and dark.max() < (right - left) / 2 - 2
        assert part[:, 0].min() > 200 and part[:, -1].min() > 200  # Columns do not touch.


def test_boxes_come_back_in_pixels_of_the_page_whatever_its_size(tmp_path: Path) -> None:
    model = detector(
        tmp_path / "m.onnx",
        [(10, 20, 30, 44, 0.9), (11, 21, 31, 45, 0.8), (200, 100, 220, 120, 0.7), (50, 50, 60, 60, 0.1)],
        classes=2,
    )
    boxes, scores = Localizer(model).boxes(np.full((900, 600), 255, np.uint8))
    assert boxes == pytest.approx(np.array([[10, 20, 30, 44], [200, 100, 220, 120]]) * 900 / SIZE, rel=1e-4)
    assert scores == pytest.approx([0.9, 0.7])
    canvas, scale = letterboxed(np.zeros((900, 600), np.uint8), SIZE)
    assert scale == SIZE / 900 and (canvas[:, 299:] == 114).all() and (canvas[:, :298] == 0).all()


def test_disagreement_is_one_less_the_best_overlap_along_the_column() -> None:
    spans, scores = np.array([[2.0, 9.5], [8.0, 15.0]]), np.array([0.9, 0.5])
    table = disagreement(spans, scores, 20, 12)
    for y in range(21):
        for size in range(1, min(12, 20 - y) + 1):
            best = 0.0
            for (low, high), score in zip(spans, scores, strict=True):
                common = max(0.0, min(high, y + size) - max(low, y))
                best = max(best, score * common / (high - low + size - common))
            assert table[y, size] == pytest.approx(DISAGREEMENT * (1 - best))
    tops, bottoms = np.array([2, 10]), np.array([9, 15])
    assert agreement(spans, tops, bottoms) == pytest.approx([7 / 7.5, 5 / 7])


@pytest.mark.parametrize("kind", ["text", "shape"])
def test_what_is_no_detector_is_refused_before_any_patch(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    save(column("大").grey, tmp_path / "in" / "p.jpg")
    (tmp_path / "in" / "All.txt").write_text("p.jpg\t大\n", encoding="utf-8")
    path = tmp_path / "m.onnx"
    if kind == "text":
        path.write_text("not a model", encoding="utf-8")
    else:
        detector(path, [], classes=0)
    assert run(["crop-nomnaocr", str(tmp_path / "in"), str(tmp_path / "set"), "--localizer", str(path)]) == 4
    assert "m.onnx" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def pages(folder: Path, label: str = "0 0.5 0.5 0.1 0.2\n3 0.25 0.5 0.1 0.1\n") -> Path:
    for part in ("train", "val"):
        (folder / "images" / part).mkdir(parents=True)
        (folder / "labels" / part).mkdir(parents=True)
        Image.new("L", (200, 100), 230).save(folder / "images" / part / "p1.jpg")
        (folder / "labels" / part / "p1.txt").write_text(label, encoding="utf-8")
    return folder


def test_pages_are_read_in_the_layout_of_yolo(tmp_path: Path) -> None:
    (page,) = read_pages(pages(tmp_path))["val"]
    assert corners(page.boxes, 200, 100) == pytest.approx(np.array([[90, 40, 110, 60], [40, 45, 60, 55]]))


@pytest.mark.parametrize("label", ["0 0.5 0.5 0.1", "0 0.5 0.5 0.1 1.5", "0 0.5 0.5 0 0.1", "zero 1 1 1 1"])
def test_a_label_that_is_no_box_is_named_with_its_line(
    tmp_path: Path, label: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pages(tmp_path / "in", f"0 0.5 0.5 0.1 0.1\n{label}\n")
    assert run(["train-localizer", str(folder), str(tmp_path / "out")]) == 4
    assert "p1.txt, line 2" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_pages_without_a_part_or_a_label_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = pages(tmp_path / "in")
    (folder / "labels" / "val" / "p1.txt").unlink()
    assert run(["train-localizer", str(folder), str(tmp_path / "out")]) == 4
    assert "p1.txt" in capsys.readouterr().err
    assert run(["train-localizer", str(tmp_path), str(tmp_path / "out")]) == 4


@pytest.mark.parametrize("content", [b"", b"no picture", b"half", b"tiny"])
@pytest.mark.parametrize("part", ["train", "val"])
def test_a_page_that_cannot_be_read_is_named_before_training(
    tmp_path: Path, part: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pages(tmp_path / "in")
    path = folder / "images" / part / "p1.jpg"
    if content == b"tiny":
        Image.new("L", (200, 9)).save(path)
    else:
        path.write_bytes(path.read_bytes()[:300] if content == b"half" else content)
    assert run(["train-localizer", str(folder), str(tmp_path / "out")]) == 4
    err = capsys.readouterr().err
    assert part in err and "p1.jpg" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_part_without_any_box_is_refused(tmp_path: Path, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = pages(tmp_path / "in")
    (folder / "labels" / part / "p1.txt").write_text("\n", encoding="utf-8")
    assert run(["train-localizer", str(folder), str(tmp_path / "out")]) == 4
    assert part in capsys.readouterr().err


def test_pages_of_any_ending_and_names_in_either_form_meet_their_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pages(tmp_path)
    images, labels = folder / "images" / "train", folder / "labels" / "train"
    (images / "p1.jpg").rename(images / unicodedata.normalize("NFD", "trang ấ.JPG"))
    (labels / "p1.txt").rename(labels / unicodedata.normalize("NFC", "trang ấ.txt"))
    twice = "0 0.5 0.5 0.1 0.2\n1 0.5 0.5 0.1 0.2\n"
    (labels / "trang ấ.txt").write_text(twice, encoding="utf-16")
    (labels / "gone.txt").write_text(twice, encoding="utf-8")
    (page,) = read_pages(folder)["train"]
    assert page.boxes.tolist() == [[0.5, 0.5, 0.1, 0.2]]  # Each box is read once.
    assert "gone.txt" in capsys.readouterr().err


def test_without_ultralytics_training_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    class Absent:
        def find_spec(self, name: str, *_: object) -> None:
            if name.split(".", maxsplit=1)[0] == "ultralytics":
                raise ModuleNotFoundError(f"No module named {name!r}", name="ultralytics")

    for name in [name for name in sys.modules if name.split(".")[0] == "ultralytics"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    assert run(["train-localizer", str(pages(tmp_path / "in")), str(tmp_path / "out")]) == 3
    assert "sinonom[localize]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_boxes_are_missed_split_merged_or_made_up_the_cuts_are_right(seed: int) -> None:
    rng = np.random.default_rng(seed)
    text = "".join(map(chr, rng.integers(0x4E10, 0x9F00, 10)))
    drawn = column(text, seed=seed)
    spans = [(float(low), float(high)) for low, high in drawn.spans]
    missed, split, merged = (int(k) for k in rng.choice(np.arange(0, 9, 2), 3, replace=False))
    seen: list[tuple[float, float]] = []
    for k, (low, high) in enumerate(spans):
        if k == split:
            seen += [(low, (low + high) / 2), ((low + high) / 2, high)]
        elif k == merged:
            seen.append((low, spans[k + 1][1]))
        elif k not in (missed, merged + 1):
            seen.append((low + rng.normal(0, 1), high + rng.normal(0, 1)))
    low = float(rng.uniform(0, len(drawn.grey) - 24))
    seen.append((low, low + 22))  # This box holds no character.
    read = "".join("?" if k == 5 else char for k, char in enumerate(text))
    cuts = cut_column(drawn.grey, read, Found(np.array(seen), rng.uniform(0.3, 0.95, len(seen)))).cuts
    for k, (low, high) in enumerate(drawn.spans):
        assert cuts.tops[k] <= low + 2 and cuts.bottoms[k] >= high - 2
        assert k == 0 or cuts.tops[k] >= drawn.spans[k - 1][1] - 2
