"""`sinonom train --loss cross-entropy` works with backbones and weights, from end to end on tiny sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli import cli, console
from sinonom_cli.errors import ExitCode

torch = pytest.importorskip("torch")

TINY = ["--steps", "4", "--classes", "4", "--size", "32", "--val", "0.3", "--workers", "0", "--threads", "1", "-q"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "bản khắc 𡦂"
    for k in range(6):
        for hand in range(5):
            rng = np.random.default_rng([k, hand])
            page = np.full((40, 40), 255, np.uint8)
            for x in (k + 8, 2 * k + 16):
                page[6 + hand : 30, x : x + 4] = 0
            page[10 + 3 * k : 14 + 3 * k, 6:34] = rng.integers(30)
            path = folder / f"U+{0x5B57 + k:X}" / f"hand{hand}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(page).save(path)
    console.reset()
    return folder


def train(pictures: Path, model: Path, *more: str) -> int:
    return cli.run(["train", "--data", str(pictures), "-o", str(model), "--cache", str(model.parent), *TINY, *more])


@pytest.mark.parametrize(
    ("options", "length"),
    [(["--embedding", "8"], 8), (["--head", "ml-decoder", "--micro-batch", "3"], 160)],
)
def test_a_classifier_answers_features_and_a_distribution_over_its_labels(
    pictures: Path, tmp_path: Path, options: list[str], length: int
) -> None:
    from sinonom_cli.networks.embedder import session_of
    from sinonom_cli.storage.model_folder import read_model

    assert train(pictures, tmp_path / "m", "--loss", "cross-entropy", *options) == ExitCode.DONE
    model = read_model(tmp_path / "m")
    assert model.record.labels == tuple(f"U+{0x5B57 + k:X}" for k in range(6))
    assert (model.embedding_size, model.distance) == (length, "cosine")
    assert model.record.head == ("ml-decoder" if "--head" in options else "linear")
    session = session_of(str(model.onnx), 1)
    assert [output.name for output in session.get_outputs()] == ["embedding", "classes"]
    embedding, classes = session.run(None, {"image": np.random.default_rng(0).random((3, 1, 32, 32), np.float32)})
    assert embedding.shape == (3, length) and classes.shape == (3, 6)
    np.testing.assert_allclose(classes.sum(axis=1), 1, atol=1e-5)


def test_a_training_begins_from_another_s_weights_and_its_record_names_them_without_their_folder(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file

    assert train(pictures, tmp_path / "first", "--steps", "1", "--embedding", "8") == ExitCode.DONE
    weights = tmp_path / "first" / "model.safetensors"
    more = ["--steps", "1", "--lr", "1e-12", "--weight-decay", "0", "--embedding", "4", "--weights", str(weights)]
    capsys.readouterr()
    assert cli.run(["train", "--data", str(pictures), "-o", str(tmp_path / "m"), *TINY[:-1], *more]) == ExitCode.DONE
    assert "fresh: head.weight, head.bias" in capsys.readouterr().err
    before, after = load_file(weights), load_file(tmp_path / "m" / "model.safetensors")
    torch.testing.assert_close(after["body.2.0.weight"], before["body.2.0.weight"])
    text = (tmp_path / "m" / "artifact.json").read_text(encoding="utf-8")
    assert json.loads(text)["options"]["weights"].startswith("model.safetensors ")
    assert str(tmp_path) not in text


def test_show_batch_draws_what_is_learnt_from_beside_the_files_and_writes_no_model(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sinonom_cli.train.show import CAPTION, GAP, SIDE

    sheet = tmp_path / "batch.png"
    assert train(pictures, tmp_path / "m", "--images", "3", "--show-batch", str(sheet)) == ExitCode.DONE
    assert not (tmp_path / "m").exists()
    assert capsys.readouterr().out.strip() == str(sheet)
    page = np.asarray(Image.open(sheet))
    assert page.shape == (2 * (SIDE + CAPTION + GAP) + GAP, 8 * (2 * SIDE + GAP) + GAP)  # 4 characters x 3 pictures
    clean, seen = page[GAP : GAP + SIDE, GAP : GAP + SIDE], page[GAP : GAP + SIDE, GAP + SIDE : GAP + 2 * SIDE]
    assert (clean < 128).any() and (seen < 128).any() and (clean != seen).any()
    assert train(pictures, tmp_path / "m", "--show-batch", str(sheet)) == ExitCode.DONE, "a sheet of ours is replaced"
    Image.new("L", (9, 9)).save(tmp_path / "mine.png")
    assert train(pictures, tmp_path / "m", "--show-batch", str(tmp_path / "mine.png")) == ExitCode.OUTPUT_IN_THE_WAY
    assert "--show-batch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--batch-size", "24"], "--classes 6 --images 4"),
        (["--batch-size", "1000"], "6 characters"),
    ],
)
def test_a_batch_of_more_characters_than_there_are_is_smaller_and_says_what_would_fill_it(
    pictures: Path, tmp_path: Path, asked: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = ["--show-batch", str(tmp_path / "batch.png"), "--cache", str(tmp_path), "--size", "32", "--workers", "0"]
    assert cli.run(["train", "--data", str(pictures), *asked, *sheet]) == ExitCode.DONE
    assert words in capsys.readouterr().err
    assert train(pictures, tmp_path / "m", "--classes", "12", "--steps", "2") == ExitCode.DONE
    record = json.loads((tmp_path / "m" / "artifact.json").read_text(encoding="utf-8"))
    assert record["counts"]["batch"] == 12


def test_a_timm_backbone_with_a_fine_stem_trains(pictures: Path, tmp_path: Path) -> None:
    pytest.importorskip("timm")
    options = ["--backbone", "test_efficientnet", "--stem-stride", "1", "--embedding", "8", "--steps", "2"]
    assert train(pictures, tmp_path / "m", *options) == ExitCode.DONE
    record = json.loads((tmp_path / "m" / "artifact.json").read_text(encoding="utf-8"))
    assert record["backbone"] == "test_efficientnet" and record["options"]["stem_stride"] == 1


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["--head", "ml-decoder"], "--head", ExitCode.USAGE),
        (
            ["--loss", "cross-entropy", "--head", "ml-decoder", "--embedding", "64"],
            "--embedding",
            ExitCode.USAGE,
        ),
        (["--loss", "cross-entropy", "--hard-classes", "0.5"], "--hard-classes", ExitCode.USAGE),
        (["--loss", "lda", "--stem-stride", "1"], "--stem-stride", ExitCode.USAGE),
        (["--stem-stride", "1"], "directmap", ExitCode.USAGE),
        (["--weights", "nowhere.safetensors"], "nowhere.safetensors", ExitCode.BAD_INPUT),
        (["--weights", "pretrained"], "directmap", ExitCode.BAD_INPUT),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    pictures: Path, tmp_path: Path, options: list[str], words: str, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(pictures, tmp_path / "m", *options) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
