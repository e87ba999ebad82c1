"""A network of timm learns with the defaults, from random weights, by a loss that collapses without them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tinytraining import draw, rows

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode

pytest.importorskip("torch")
pytest.importorskip("timm")


def test_a_small_network_of_timm_learns_characters_by_triplets_with_the_defaults(tmp_path: Path) -> None:
    pictures, model = draw(tmp_path / "set", characters=12, hands=8), tmp_path / "m"
    options = ["--data", str(pictures), "-o", str(model), "--backbone", "test_efficientnet", "--loss", "triplet"]
    options += ["--size", "32", "--steps", "60", "--classes", "12", "--val", "0.3", "--workers", "0", "-q"]
    assert cli.run(["train", *options, "--threads", "1"]) == ExitCode.DONE
    first, *_, last = rows(model)
    assert float(last["in_order"]) > float(first["in_order"]) + 0.2
    chance = sum(1 / rank for rank in range(1, 6)) / 12  # 0.19: the mean of 1 / rank over all places
    validation = json.loads((model / "artifact.json").read_text(encoding="utf-8"))["validation"]
    assert validation["val_mrr@5"] > chance + 0.3
