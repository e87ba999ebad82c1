"""Trainings that begin with a model, and trainings of two phases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from refused import naming, refused
from tinytraining import TINY, draw, rows

from sinonom_cli import cli, console
from sinonom_cli.errors import ExitCode

torch = pytest.importorskip("torch")

from sinonom_cli.train import phases, start  # noqa: E402
from sinonom_cli.train.best import Scores  # noqa: E402
from sinonom_cli.train.inherit import inherited  # noqa: E402
from sinonom_cli.train.loop import fit  # noqa: E402
from sinonom_cli.train.losses.registry import Criterion  # noqa: E402
from sinonom_cli.train.losses.table import Choice  # noqa: E402
from sinonom_cli.train.plan import Plan  # noqa: E402
from sinonom_cli.train.prefetch import Batch  # noqa: E402
from sinonom_cli.train.training import Training  # noqa: E402

SHORT = ["--steps", "20", *TINY[2:]]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("sets") / "bản khắc")


@pytest.fixture(scope="module")
def model(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    console.reset()
    there = tmp_path_factory.mktemp("models") / "mô hình"
    assert cli.run(["train", "--data", str(pictures), "-o", str(there), *SHORT]) == ExitCode.DONE
    return there


def train(*options: object) -> int:
    return cli.run(["train", *map(str, options)])


def record(model: Path) -> dict:
    return json.loads((model / "artifact.json").read_text(encoding="utf-8"))


def test_a_model_goes_on_learning_with_its_own_network_and_sizes_from_three_pictures_a_character(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = draw(tmp_path / "few", characters=5, hands=3)
    begun: list[torch.Tensor] = []
    monkeypatch.setattr(phases.Criterion, "begin_at", lambda self, centres: begun.append(centres), raising=True)
    out = tmp_path / "tuned"
    options = ["--resume-from", model, "--data", few, "-o", out, "--steps", "4", "--classes", "4", "--val", "0.3"]
    assert train(*options, "--workers", "0", "--threads", "1", "-q") == ExitCode.DONE
    made = record(out)
    assert (made["backbone"], made["embedding_size"], made["input"]["size"]) == ("directmap", 8, 32)
    assert made["options"]["loss"] == "cosface" and made["options"]["lr"] < 2e-3
    assert made["options"]["weights"] == f"model.safetensors {record(model)['identity'][:16]}"
    assert [tuple(c.shape) for c in begun] == [(5, 8)], "proxies begin at the embeddings of the characters"
    assert rows(out)[-1]["step"] == "4"


@pytest.mark.parametrize(("right", "taken"), [((50, 30, 20, 10), 0), ((50, 30, 49, 60), 60)])
def test_weights_that_learning_makes_worse_are_not_taken(
    right: tuple[int, ...], taken: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, left = Plan(steps=60, lr=0.01, weight_decay=0.0, seed=3, validations=3, from_start=True), list(right)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    before = network[1].weight.detach().clone()

    def validate(_: torch.nn.Module) -> Scores:
        ranks = (np.arange(100) < left.pop(0)).astype(float)
        return Scores({"val_mrr@5": float(ranks.mean())}, ranks)

    def make(step: int) -> Batch:
        noise = np.random.default_rng(step).integers(0, 256, (8, 8, 8), dtype=np.uint8)
        return Batch(noise, np.arange(8) // 2)

    training = Training(network, Criterion(Choice("supcon", "none", None), 4, 4), plan, torch.device("cpu"))
    fit(training, make, tmp_path, workers=0, validate=validate)
    assert f"step {taken}" in capsys.readouterr().err and not left
    assert torch.equal(before, network[1].weight) == (taken == 0)


def test_the_model_that_ships_is_named_default_and_decides_the_network() -> None:
    chosen = inherited(Path("default"), {"lr": 0.5, "backbone": None})
    assert (chosen["backbone"], chosen["embedding"], chosen["size"], chosen["lr"]) == ("directmap-large", 128, 64, 0.5)
    assert Path(chosen["weights"]).name == "model.safetensors" and Path(chosen["weights"]).is_file()
    for name, value in (("backbone", "resnet18"), ("size", 96), ("weights", "pretrained"), ("embedding", 4)):
        with refused(ExitCode.USAGE, f"--{name}"):
            inherited(Path("default"), {name: value})


def test_what_is_no_network_cannot_go_on_learning(
    model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--resume-from", tmp_path / "none", "--data", pictures, "-o", tmp_path / "o") == ExitCode.BAD_INPUT
    naming(capsys, tmp_path / "none")
    discriminant = tmp_path / "lda"
    lda = ["--loss", "lda", "--size", "32", "--steps", "80", "--val", "0.3", "--workers", "0", "-q"]
    assert train("--data", pictures, "-o", discriminant, *lda) == ExitCode.DONE
    capsys.readouterr()
    assert train("--resume-from", discriminant, "--data", pictures, "-o", tmp_path / "o") == ExitCode.BAD_INPUT
    naming(capsys, discriminant, "lda")
    assert train("--resume-from", model, "--data", pictures, "-o", model) == ExitCode.OUTPUT_IN_THE_WAY
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("head", ["linear", "ml-decoder"])
def test_the_report_s_recipe_trains_a_classifier_and_then_triplets_from_its_features(
    head: str, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m"
    assert train("--recipe", "report", "--head", head, "--data", pictures, "-o", out, *SHORT) == ExitCode.DONE
    made = record(out)
    first, second = made["phases"]
    assert (first["loss"], first["head"], first["steps"]) == ("cross-entropy", head, 10)
    assert (second["loss"], second["steps"]) == ("triplet", 10) and 0 < second["lr"] < first["lr"]
    assert all(0 <= phase["validation"]["val_mrr@5"] <= 1 for phase in (first, second))
    assert (made["head"], made["distance"], made["embedding_size"]) == ("linear", "euclidean", 8)
    assert (made["options"]["recipe"], made["options"]["loss"]) == ("report", "triplet")


def test_a_recipe_that_is_stopped_in_its_second_phase_ends_with_the_bytes_of_an_unbroken_one(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    options = ["--recipe", "report", "--data", pictures, "--steps", "44", *SHORT[2:]]
    assert train(*options, "-o", whole) == ExitCode.DONE
    learn, learnt = phases.fit, []

    def stop_second(training, make, folder, **how):  # type: ignore[no-untyped-def]
        learnt.append(folder)
        if len(learnt) == 2:
            monkeypatch.setattr("sinonom_cli.train.loop.SECONDS_BETWEEN_SAVES", -1.0)  # every line is saved

            def stops(step: int) -> object:
                if step == 21:
                    raise KeyboardInterrupt
                return make(step)

            return learn(training, stops, folder, **how)
        return learn(training, make, folder, **how)

    with monkeypatch.context() as patched:
        patched.setattr(phases, "fit", stop_second)
        assert train(*options, "-o", broken) == ExitCode.INTERRUPTED
    taught: list[Path] = []
    monkeypatch.setattr(phases, "fit", lambda *a, **k: (taught.append(a[2]), learn(*a, **k))[1])
    assert train(*options, "-o", broken) == ExitCode.DONE
    assert taught == [broken], "the first phase is not made again"
    for name in ("model.safetensors", "model.onnx", "artifact.json"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()


def test_a_network_that_cannot_be_exported_is_refused_before_it_learns(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")

    def fails(*_: object) -> None:
        raise RuntimeError("no operator for aten::strange")

    monkeypatch.setattr(start, "export_onnx", fails)
    assert train("--backbone", "test_resnet", "--data", pictures, "-o", tmp_path / "m", *SHORT) == ExitCode.USAGE
    assert not (tmp_path / "m").exists()


def test_trying_the_export_changes_no_number_that_the_training_draws() -> None:
    pytest.importorskip("timm")
    from sinonom_cli.train.config import Config
    from sinonom_cli.train.options import complete

    given = {"backbone": "test_resnet", "size": 32, "embedding": 4}
    config = Config(**complete("triplet", given))
    torch.manual_seed(3)
    network = start.fresh_network(config)
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    before = torch.get_rng_state()
    start.try_export(config, network)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in weights.items())
    assert np.isfinite(float(network(torch.rand(2, 1, 32, 32)).sum().detach()))
