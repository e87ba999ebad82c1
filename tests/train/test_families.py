"""Backbones of timm have settings of their own, with which they learn from fresh weights."""

import subprocess
import sys
from pathlib import Path

import pytest
from refused import refused

from sinonom_cli.errors import ExitCode
from sinonom_cli.train.families import FAMILIES, documentation, family_of
from sinonom_cli.train.losses.table import HARD, LOSSES
from sinonom_cli.train.options import complete

REPORTED = ("efficientnet_b0", "caformer_s18", "mobilenetv3_small_100", "convnext_atto", "vit_tiny_patch16_224")


def test_directmap_learns_with_the_settings_that_it_always_had() -> None:
    for loss in LOSSES:
        chosen = complete(loss, {})
        kept = {"lr": 2e-3, "weight_decay": 1e-2, "warm_up": 0.05, "ema": 0.0, "clip": 1.0, "layer_decay": 1.0}
        assert {name: chosen[name] for name in kept} == kept
        assert (chosen["size"], chosen["stem_stride"], chosen["normalise"]) == (64, None, False)
        assert chosen["first_mining"] is None and chosen["mining"] == LOSSES[loss].mining[0]


@pytest.mark.parametrize("backbone", REPORTED)
def test_a_network_of_timm_has_settings_of_its_own_and_begins_with_a_milder_mining(backbone: str) -> None:
    for loss, traits in LOSSES.items():
        chosen = complete(loss, {"backbone": backbone})
        assert 1e-4 <= chosen["lr"] <= 3e-3 and chosen["normalise"] and chosen["ema"] > 0
        assert (chosen["first_mining"] or chosen["mining"]) not in HARD
        assert (chosen["first_mining"] or chosen["mining"]) in traits.mining
        assert chosen["mining"] == traits.mining[0], "it ends with the mining of the loss"


def test_what_is_typed_counts_more_than_the_table() -> None:
    given = {"backbone": "efficientnet_b0", "lr": 0.5, "ema": 0.0, "first_mining": "semi-hard", "stem_stride": 4}
    chosen = complete("triplet", given)
    assert {name: chosen[name] for name in given} == given


def test_weights_that_have_learnt_get_a_lower_rate_by_layer_and_no_mild_start() -> None:
    fresh = complete("triplet", {"backbone": "efficientnet_b0"})
    photographs = complete("triplet", {"backbone": "efficientnet_b0", "weights": "pretrained"})
    characters = complete("triplet", {"backbone": "efficientnet_b0", "weights": "model.safetensors"})
    assert fresh["lr"] > photographs["lr"] > characters["lr"] > 0
    assert fresh["layer_decay"] == 1.0 > photographs["layer_decay"] == characters["layer_decay"]
    assert photographs["normalise"] and not characters["normalise"], "only a fresh head is normalised"
    assert characters["first_mining"] is None
    assert photographs["lr"] <= 1e-4, "a high rate of fresh weights would spoil what others have learnt"
    ours = complete("triplet", {"resume_from": Path("model"), "weights": "model.safetensors"})
    assert ours["lr"] == pytest.approx(2e-4), "a tenth of the rate of directmap"


def test_every_name_has_a_family_and_the_documentation_has_the_table() -> None:
    assert family_of("directmap-large") is FAMILIES["directmap"]
    assert family_of("tf_efficientnet_b0") is FAMILIES["EfficientNet"]
    assert family_of("hf-hub:someone/vit_small_patch16_224") is FAMILIES["ViT"]
    assert family_of("resnet18") is FAMILIES["other"]
    page = (Path(__file__).parent.parent.parent / "docs" / "training.md").read_text(encoding="utf-8")
    assert documentation() in page


@pytest.mark.parametrize("option", ["--lr", "--stem-stride", "--warm-up", "--ema", "--first-mining"])
def test_help_says_that_a_default_depends_on_the_network(option: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "sinonom_cli", "train", "--help"], check=True, capture_output=True, encoding="utf-8"
    ).stdout
    after = shown[shown.index(f" {option} ") :]
    assert "by network" in " ".join(after.split())[:300]


@pytest.mark.parametrize(
    ("loss", "given", "named"),
    [
        ("cosface", {"recipe": "report"}, "--recipe"),
        ("cross-entropy", {"recipe": "report"}, "--recipe"),
        ("triplet", {"first_mining": "none-such"}, "--first-mining"),
        ("supcon", {"first_mining": "batch-hard"}, "--first-mining"),
        ("triplet", {"margin": "soft", "first_mining": "semi-hard"}, "semi-hard"),
        ("triplet", {"recipe": "report", "steps": 1}, "--recipe"),
        ("triplet", {"clip": 0.0}, "--clip"),
        ("triplet", {"layer_decay": -0.5}, "--layer-decay"),
        ("lda", {"recover": True}, "--recover"),
        ("lda", {"ema": 0.9}, "--ema"),
    ],
)
def test_combinations_that_make_no_sense_say_why(loss: str, given: dict, named: str) -> None:
    with refused(ExitCode.USAGE, named):
        complete(loss, given)
