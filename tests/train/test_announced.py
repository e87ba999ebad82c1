"""A training says at its start what it will do, for every family of networks and every loss."""

from __future__ import annotations

from pathlib import Path

import pytest
from tinytraining import TINY, draw

pytest.importorskip("torch")

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode
from sinonom_cli.train.announce import described
from sinonom_cli.train.config import Config
from sinonom_cli.train.losses.table import LOSSES
from sinonom_cli.train.options import complete

BACKBONES = (
    "directmap",
    "efficientnet_b0",
    "mobilenetv3_small_100",
    "convnext_atto",
    "caformer_s18",
    "vit_tiny_patch16_224",
    "resnet18",
)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("loss", LOSSES)
def test_network_loss_rate_and_each_mining_are_named_before_the_first_step(backbone: str, loss: str) -> None:
    chosen = complete(loss, {"backbone": backbone, "steps": 1234})
    said = described(Config(loss=loss, **chosen))
    names = [backbone, loss, "1,234", "128", f"{chosen['lr']:g}"]
    names += [way for way in (chosen["first_mining"], chosen["mining"]) if way and way != "none"]
    assert [name for name in names if name not in said] == []
    if chosen["first_mining"]:
        assert said.index(chosen["first_mining"]) < said.rindex(chosen["mining"])


def test_weights_margin_and_layer_decay_are_named_where_they_count() -> None:
    fresh = Config(**complete("triplet", {"backbone": "efficientnet_b0", "margin": "0.375"}))
    learnt = Config(**complete("triplet", {"backbone": "efficientnet_b0", "weights": "pretrained"}))
    assert "0.375" in described(fresh)
    assert "0.9" in described(learnt) and "0.9" not in described(fresh)
    ours = Config(**complete("triplet", {"resume_from": Path("models") / "own", "weights": "x.safetensors"}))
    assert "own" in described(ours)


def test_a_run_names_its_mining_before_the_first_step_and_again_when_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("timm")
    options = [word for word in TINY if word != "-q"] + ["--backbone", "test_efficientnet", "--loss", "triplet"]
    assert (
        cli.run(["train", "--data", str(draw(tmp_path / "set")), "-o", str(tmp_path / "m"), *options]) == ExitCode.DONE
    )
    lines = capsys.readouterr().err.splitlines()
    [start] = [k for k, line in enumerate(lines) if "test_efficientnet" in line and "batch-all" in line]
    [changed] = [k for k, line in enumerate(lines) if "batch-hard" in line and "batch-all" not in line]
    first_figures = next(k for k, line in enumerate(lines) if "MRR@5" in line)
    assert start < changed and start < first_figures
