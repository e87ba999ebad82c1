"""The whole chain runs on small data on the CPU: fonts to images, images to a model, meshes to an index, queries."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from tinyfont import CHARS, build

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode
from sinonom_cli.storage.image_set import read_imageset

FOLDER = "bản khắc 𡦂"


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a Vietnamese and Nôm name; it has images of two fonts, one also carved and rendered."""
    root = tmp_path_factory.mktemp("chain") / FOLDER
    for style in (0, 1):
        build(root / "fonts" / f"hand{style}.ttf", style=style)
        hand = root / "data" / f"hand{style}"
        assert (
            sinonom("synth-fonts", root / "fonts" / f"hand{style}.ttf", hand, "--strokes", "0", "--chars", CHARS) == 0
        )
    assert sinonom("carve", root / "data" / "hand0", root / "meshes") == ExitCode.DONE
    assert sinonom("render", root / "meshes", root / "depth") == ExitCode.DONE
    return root


@pytest.fixture(scope="module")
def model(house: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    out = house / "model"
    small = ("--steps", 12, "--classes", 8, "--images", 2, "--size", 48, "--workers", 0, "--val", 0.2)
    data = ("--data", house / "data" / "hand0", "--data", house / "data" / "hand1")
    assert sinonom("train", "--loss", "triplet", *data, "--output", out, *small) == ExitCode.DONE
    return out


def asked(house: Path) -> tuple[Path, Path]:
    """Return the pictures of the second font, and a truth table that names characters."""
    hand, truth = house / "data" / "hand1", house / "truth.csv"
    with truth.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("query", "label"))
        writer.writerows((p.item, p.char) for p in read_imageset(hand).pictures)
    return hand, truth


def test_scans_keep_their_names_and_carvings_their_characters(house: Path) -> None:
    depth = read_imageset(house / "depth").pictures
    assert {p.char for p in depth} == set(CHARS)
    assert all(p.source.endswith(".stl") for p in depth)


def test_meshes_answer_for_pictures_of_another_hand_with_the_default_model(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand, truth = asked(house)
    assert sinonom("index", house / "depth", house / "db.faiss") == ExitCode.DONE
    capsys.readouterr()
    assert sinonom("query", hand, "--index", house / "db.faiss", "--truth", truth, "--json") == ExitCode.DONE
    *answers, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert list(last) == ["metrics"]
    assert list(last["metrics"]) == ["queries", "mrr@5", "recall@1", "recall@5"]
    assert last["metrics"]["queries"] == len(answers) == len(CHARS)
    assert last["metrics"]["mrr@5"] > 0.9
    for answer in answers:
        assert [name for name in answer if name != "turned"] == ["query", "results"]
        assert [result["rank"] for result in answer["results"]] == [1, 2, 3, 4, 5]
        assert list(answer["results"][0]) == ["rank", "item", "source", "label", "char", "distance"]


def test_a_trained_model_indexes_and_answers(house: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand, truth = asked(house)
    assert sinonom("index", house / "depth", house / "own.faiss", "--model", model) == ExitCode.DONE
    capsys.readouterr()
    assert sinonom("query", hand, "--index", house / "own.faiss", "--truth", truth, "--json") == ExitCode.DONE
    metrics = json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]
    assert metrics["queries"] == len(CHARS)
    assert metrics["mrr@5"] > 0.4  # chance gives 0.14


def test_an_index_of_another_model_is_refused(house: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand, _ = asked(house)
    sinonom("index", house / "depth", house / "db.faiss")
    assert sinonom("query", hand, "--index", house / "db.faiss", "--model", model) == ExitCode.BAD_INPUT
    assert "model" in capsys.readouterr().err


def test_torchvision_reads_the_labelled_set(house: Path) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    folder = datasets.ImageFolder(house / "data" / "hand0" / "images")
    assert sorted(folder.classes) == sorted({f"U+{ord(char):04X}" for char in CHARS})


@pytest.mark.parametrize("images", ["data/hand0", "depth"])
def test_hugging_face_datasets_reads_both_kinds_of_set(
    house: Path, images: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    datasets = pytest.importorskip("datasets")
    arguments = {"data_dir": str(house / images), "split": "train", "cache_dir": str(tmp_path / "cache")}
    found = datasets.load_dataset("imagefolder", **arguments)
    pictures = read_imageset(house / images).pictures
    assert len(found) == len(pictures) > 0
    assert {(row["label"] or "", row["source"]) for row in found} == {(p.label, p.source) for p in pictures}
    first = next(
        row for row in found if row["source"] == pictures[0].source and (row["label"] or "") == pictures[0].label
    )
    with Image.open(house / images / pictures[0].file_name) as image:
        assert first["image"].tobytes() == image.tobytes()
