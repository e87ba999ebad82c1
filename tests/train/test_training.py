"""Test `sinonom train` from end to end on tiny sets: its files, how it resumes, and its error messages."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from refused import naming, refused
from tinytraining import TINY, draw, rows

from sinonom_cli import cli, console
from sinonom_cli.errors import ExitCode

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("sets") / "bản khắc 𡦂")


def train(pictures: Path, model: Path, *more: str) -> int:
    return cli.run(["train", "--data", str(pictures), "--output", str(model), *TINY, *more])


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tmp_path_factory.mktemp("models") / "unbroken"
    console.reset()
    assert train(pictures, model) == ExitCode.DONE
    return model


def weights(model: Path) -> dict[str, bytes]:
    return {name: (model / name).read_bytes() for name in ("model.safetensors", "model.onnx", "artifact.json")}


def learnt(model: Path) -> list[tuple[str, ...]]:
    """Return the lines of metrics, without the columns that measure time."""
    return [tuple(v for k, v in row.items() if k not in ("images/s", "waiting")) for row in rows(model)]


def test_a_model_says_what_it_is_and_what_it_was_made_from(trained: Path) -> None:
    record = json.loads((trained / "artifact.json").read_text(encoding="utf-8"))
    assert record["status"] == "complete"
    assert (record["backbone"], record["embedding_size"], record["distance"]) == ("directmap", 8, "euclidean")
    assert record["input"]["size"] == 32
    assert record["labels"] == [f"U+{0x5B57 + k:X}" for k in range(6)]
    assert [s["pictures"] for s in record["trained_on"]] == [36]
    assert record["counts"]["batch"] == 8
    assert [row["step"] for row in rows(trained)] == ["20", "40"]
    assert 0 < float(rows(trained)[-1]["val_mrr@5"]) <= 1


def test_the_exported_network_embeds_as_the_weights_do(trained: Path) -> None:
    from safetensors.torch import load_file

    from sinonom_cli.networks.backbones import build
    from sinonom_cli.networks.embedder import Embedder
    from sinonom_cli.storage.model_folder import read_model

    network = build("directmap", 8, 32)
    network.load_state_dict(load_file(trained / "model.safetensors"))
    pictures = np.random.default_rng(0).random((5, 32, 32), np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(pictures)[:, None]).numpy()
    found = Embedder(read_model(trained), 1).embed(pictures)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_training_ends_with_the_bytes_of_an_unbroken_one_whatever_the_workers(
    pictures: Path, trained: Path, tmp_path: Path
) -> None:
    model = tmp_path / "broken"
    command = [sys.executable, "-m", "sinonom_cli", "train", "--data", str(pictures), "--output", str(model), *TINY]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (model / "resume" / "last.safetensors").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not (model / "model.safetensors").exists()
    before = rows(model)
    assert train(pictures, model, "--workers", "2") == ExitCode.DONE
    assert weights(model) == weights(trained)
    assert learnt(model) == learnt(trained)
    assert rows(model)[0] == before[0], "the first steps were made again"


def test_a_complete_model_is_left_alone(pictures: Path, trained: Path) -> None:
    before = weights(trained)
    assert train(pictures, trained) == ExitCode.DONE
    assert weights(trained) == before


def test_other_options_or_other_data_are_refused_with_the_difference(
    pictures: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(pictures, trained, "--lr", "0.5") == ExitCode.OUTPUT_IN_THE_WAY
    naming(capsys, "lr", "0.002", "0.5")
    assert train(draw(tmp_path / "other", 4), trained) == ExitCode.OUTPUT_IN_THE_WAY
    naming(capsys, trained)


def test_without_sets_one_line_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["train", "--loss", "triplet"]) == ExitCode.BAD_INPUT
    assert "synth-fonts" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_without_data_every_complete_set_below_data_is_taken(tmp_path: Path) -> None:
    from sinonom_cli.train.config import find_sets

    for name, kind, status in (
        ("b/deep", "imageset", "complete"),
        ("a", "imageset", "complete"),
        ("a/images/U+5B57", "imageset", "complete"),
        ("c", "imageset", "running"),
        ("d", "meshset", "complete"),
    ):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        record = {"tool": "sinonom", "kind": kind, "status": status}
        (tmp_path / name / "artifact.json").write_text(json.dumps(record), encoding="utf-8")
    assert find_sets((), tmp_path) == [tmp_path / "a", tmp_path / "b/deep"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--backbone", "resnet181"], "resnet18"),
        (["--margin", "wide"], "--margin"),
        (["--margin", "soft", "--mining", "semi-hard"], "semi-hard"),
        (["--loss", "lda", "--lr", "0.1"], "--lr"),
        (["--lr", "-1"], "--lr"),
        (["--device", "tpu9"], "--device"),
        (["--seed", "-1"], "--seed"),
        (["--micro-batch", "1"], "--micro-batch"),
        *(([f"--{name}", "nan"], f"--{name}") for name in ("val", "weight-decay", "frequency", "hard-classes")),
        (["--weight-decay", "inf"], "--weight-decay"),
        (["--distill", "nan", "--teacher", "pp-ocr"], "--distill"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    pictures: Path, tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "--backbone" in options:
        pytest.importorskip("timm")
    assert cli.run(["train", "--data", str(pictures), "-o", str(tmp_path / "m"), *options]) == ExitCode.USAGE
    assert words in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_a_loss_that_is_no_number_stops_the_training_naming_the_step(tmp_path: Path) -> None:
    from sinonom_cli.networks.backbones import build
    from sinonom_cli.train.loop import fit
    from sinonom_cli.train.losses.registry import Criterion
    from sinonom_cli.train.losses.table import Choice
    from sinonom_cli.train.plan import Plan
    from sinonom_cli.train.prefetch import Batch
    from sinonom_cli.train.training import Training

    network = build("directmap", 4, 32)

    def make(step: int) -> Batch:
        if step == 3:
            with torch.no_grad():
                network.get_parameter("head.weight").fill_(float("nan"))
        noise = np.random.default_rng(step).integers(0, 256, (4, 32, 32), dtype=np.uint8)
        return Batch(noise, np.array([0, 0, 1, 1]))

    training = Training(
        network, Criterion(Choice(), 2, 4), Plan(steps=10, lr=1e-3, weight_decay=0.0, seed=0), torch.device("cpu")
    )
    with refused(ExitCode.BAD_INPUT, "step 4", "nan"):
        fit(training, make, tmp_path, workers=0, validate=None)


def test_the_learning_rate_warms_up_and_falls_to_a_hundredth() -> None:
    from sinonom_cli.train.plan import Plan

    plan = Plan(steps=1000, lr=2.0, weight_decay=0.0, seed=0)
    rates = [plan.lr_at(step) for step in range(1, 1001)]
    assert rates[0] == pytest.approx(0.04) and rates[49] == pytest.approx(2.0) == max(rates)
    assert rates[524] == pytest.approx(1.01, abs=0.01) and rates[-1] == pytest.approx(0.02)


@pytest.fixture
def timm_model() -> Iterator[str]:
    pytest.importorskip("timm")
    yield "test_resnet"


def test_a_timm_backbone_embeds_one_channel_in_unit_length(timm_model: str) -> None:
    from sinonom_cli.networks.backbones import build

    network = build(timm_model, 16, 48).eval()
    with torch.no_grad():
        found = network(torch.rand(3, 1, 48, 48))
    assert found.shape == (3, 16)
    np.testing.assert_allclose(found.norm(dim=1).numpy(), 1, atol=1e-5)


def test_the_discriminant_comes_out_of_the_same_command_and_leaves_an_unreadable_picture_out(tmp_path: Path) -> None:
    from sinonom_cli.storage.model_folder import read_model
    from sinonom_cli.storage.record import read_record

    (draw(tmp_path / "set") / "U+5B57" / "hand0.png").write_bytes(b"no picture")
    command = ["train", "--loss", "lda", "--data", str(tmp_path / "set"), "--output", str(tmp_path / "m")]
    command += ["--size", "32", "--val", "0.3", "--steps", "80", "--workers", "0", "-q"]
    assert cli.run(command) == ExitCode.SOME_FAILED
    model = read_model(tmp_path / "m")
    assert (model.record.head, model.embedding_size, model.size) == ("lda", 5, 32)
    record = read_record(tmp_path / "m", "model")
    assert record["validation"]["val_mrr@5"] > 0.6
    assert "lr" not in record["options"]
    with (tmp_path / "m" / "failures.csv").open(encoding="utf-8", newline="") as file:
        (failure,) = csv.DictReader(file)
    assert failure["file"].endswith("set/U+5B57/hand0.png") and failure["reason"]
    assert record["counts"]["failed"] == 1 and record["trained_on"][0]["pictures"] == 35
