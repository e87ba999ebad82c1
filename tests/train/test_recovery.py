"""A training that collapses notices it, and with `--recover` goes back to its last good weights and goes on milder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from refused import refused  # noqa: E402
from tinytraining import rows  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from sinonom_cli.errors import ExitCode  # noqa: E402
from sinonom_cli.train.health import Watch  # noqa: E402
from sinonom_cli.train.loop import fit  # noqa: E402
from sinonom_cli.train.losses.registry import Criterion  # noqa: E402
from sinonom_cli.train.losses.table import Choice  # noqa: E402
from sinonom_cli.train.plan import Plan  # noqa: E402
from sinonom_cli.train.prefetch import Batch  # noqa: E402
from sinonom_cli.train.progress import Progress  # noqa: E402
from sinonom_cli.train.training import Training  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
POISON = 110
"""First step with labels that no network can learn."""


class Tiny(nn.Module):
    """Network of two linear layers: (N, 1, 8, 8) to (N, 6) of length 1."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, 6)

    def forward(self, pictures):
        return functional.normalize(self.head(self.body(pictures)), dim=1)


class Batches:
    """Noisy pictures of 8 characters; from step `POISON` their labels are random, the first `times` times."""

    def __init__(self, times: int, stop: int = 10**9) -> None:
        self.times, self.stop, self.passes = times, stop, 0

    def __call__(self, step: int) -> Batch:
        if step == self.stop and self.passes > self.times:
            raise KeyboardInterrupt
        if step + 1 == POISON:
            self.passes += 1
        rng = np.random.default_rng(step)
        pictures = np.repeat(np.random.default_rng(99).integers(0, 256, (8, 8, 8), dtype=np.uint8), 4, axis=0)
        labels = np.arange(32) // 4
        if step + 1 >= POISON and self.passes <= self.times:
            labels = rng.permutation(labels)
        return Batch(pictures // 2 + rng.integers(0, 60, pictures.shape, dtype=np.uint8), labels)


def training(recovers: bool) -> Training:
    plan = Plan(steps=300, lr=0.02, weight_decay=0.0, seed=3, validations=1, recovers=recovers)
    return Training(Tiny(), Criterion(Choice("triplet", "batch-hard", 0.2), 8, 6), plan, torch.device("cpu"))


def test_a_collapse_is_noticed_within_200_steps_and_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(training(recovers=False), Batches(10**9), tmp_path, workers=0, validate=None)
    said = capsys.readouterr().err
    assert said.count("collapsed") == 1 and "--recover" in said
    noticed = int(re.search(r"step (\d+): the embedding has collapsed", said)[1])
    assert POISON < noticed <= POISON + 200
    last = rows(tmp_path)[-1]
    assert float(last["loss"]) == pytest.approx(0.2, abs=0.02) and float(last["in_order"]) < 0.4


def test_a_training_that_recovers_ends_as_good_as_if_nothing_had_happened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = training(recovers=True)
    fit(network, Batches(1), tmp_path, workers=0, validate=None)
    said = capsys.readouterr().err
    assert said.count("collapsed") == 1 and "step 100" in said and "semi-hard" in said
    assert float(rows(tmp_path)[-1]["in_order"]) > 0.9
    steps = [int(line["step"]) for line in rows(tmp_path)]
    assert steps == sorted(set(steps)), "lines of the collapse are gone"
    rates = {int(line["step"]): float(line["lr"]) for line in rows(tmp_path)}
    plan = network.plan
    assert rates[100] == pytest.approx(plan.lr_at(100), rel=1e-3)
    assert rates[200] == pytest.approx(plan.lr_at(200) / 2, rel=1e-3), "half the rate"


def test_a_recovery_that_is_killed_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = training(recovers=True)
    fit(whole, Batches(1), tmp_path / "whole", workers=0, validate=None)
    with pytest.raises(KeyboardInterrupt):
        fit(training(recovers=True), Batches(1, stop=150), tmp_path / "broken", workers=0, validate=None)
    fit(training(recovers=True), Batches(0), tmp_path / "broken", workers=0, validate=None)
    files = [(tmp_path / name / "resume" / "last.safetensors").read_bytes() for name in ("whole", "broken")]
    assert files[0] == files[1]


def test_a_training_that_collapses_again_and_again_ends_with_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watch, "look", lambda *_: True)
    with refused(ExitCode.BAD_INPUT, "collapsed 5 times", "--overwrite"):
        fit(training(recovers=True), Batches(0), tmp_path, workers=0, validate=None)


def test_hard_mining_begins_when_a_batch_is_in_order_or_half_of_the_steps_are_done() -> None:
    plan = Plan(steps=100, lr=0.01, weight_decay=0.0, seed=0)
    criterion = Criterion(Choice("triplet", "batch-hard", 0.2), 8, 6)
    begins = Training(Tiny(), criterion, plan, torch.device("cpu"), first_mining="batch-all")
    for recall, hardens_at in ((0.0, 50), (0.9, 4)):  # 1 - 0.9^4 is the first above 0.25 / 0.9
        progress, mined = Progress(), []
        for step in range(1, 101):
            mined.append(progress.mining(begins))
            progress.learnt(begins, step, recall)
        assert mined == ["batch-all"] * hardens_at + ["batch-hard"] * (100 - hardens_at)
    alone = Training(Tiny(), criterion, plan, torch.device("cpu"))
    assert Progress().mining(alone) == "batch-hard"


def test_each_return_takes_half_the_rate_and_the_next_milder_mining() -> None:
    plan = Plan(steps=100, lr=0.01, weight_decay=0.0, seed=0)

    def mined(loss: str, mining: str, margin: float | None) -> list[tuple[float, str]]:
        here = Training(Tiny(), Criterion(Choice(loss, mining, margin), 8, 6), plan, torch.device("cpu"))
        return [(p.ease, p.mining(here)) for p in (Progress(eased=k) for k in range(4))]

    after = ["batch-hard", "semi-hard", "batch-all", "batch-all"]
    assert mined("triplet", "batch-hard", 0.2) == list(zip((1.0, 0.5, 0.25, 0.125), after, strict=True))
    assert [m for _, m in mined("triplet", "batch-hard", None)] == ["batch-hard", *["batch-all"] * 3]
    assert [m for _, m in mined("quadruplet", "batch-hard", 0.2)] == ["batch-hard", *["semi-hard"] * 3]
    assert [m for _, m in mined("supcon", "none", None)] == ["none"] * 4


def test_a_network_that_learns_slowly_is_not_called_collapsed() -> None:
    watch = Watch(0.2, warm_up=40)
    far_apart = [watch.look(20 * k, 0.35, 1.0, 1.3, 0.01, 0.008) for k in range(1, 30)]
    better_than_chance = [watch.look(20 * k, 0.201, 1.0, 0.05, 0.2, 0.008) for k in range(1, 30)]
    assert not any(far_apart) and not any(better_than_chance)
    at_its_margin = [watch.look(20 * k, 0.201, 1.0, 0.3, 0.01, 0.008) for k in range(1, 11)]
    assert any(at_its_margin)
