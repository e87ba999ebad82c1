"""Test gradients of batches larger than memory and of several processes, and trainings that resume."""

from __future__ import annotations

import csv
import itertools
import json
import socket
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from refused import refused  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from sinonom_cli.errors import ExitCode  # noqa: E402
from sinonom_cli.networks import training_state  # noqa: E402
from sinonom_cli.train import phases  # noqa: E402
from sinonom_cli.train.best import Scores  # noqa: E402
from sinonom_cli.train.class_centres import Centres  # noqa: E402
from sinonom_cli.train.distributed import Ranks  # noqa: E402
from sinonom_cli.train.gradient_cache import accumulate  # noqa: E402
from sinonom_cli.train.loop import fit  # noqa: E402
from sinonom_cli.train.losses.registry import Criterion  # noqa: E402
from sinonom_cli.train.losses.table import Choice  # noqa: E402
from sinonom_cli.train.plan import Plan  # noqa: E402
from sinonom_cli.train.prefetch import Batch  # noqa: E402
from sinonom_cli.train.run import check_shares  # noqa: E402
from sinonom_cli.train.sampler import HardClasses  # noqa: E402
from sinonom_cli.train.training import Training  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


class Tiny(nn.Module):
    """Network with batch normalisation and dropout: (N, 1, 8, 8) to (N, 6) of length 1."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.first, self.norm = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8)
        self.drop, self.head = nn.Dropout(dropout), nn.Linear(8 * 36, 6)

    def forward(self, pictures):
        return functional.normalize(self.head(self.drop(self.norm(self.first(pictures)).relu().flatten(1))), dim=1)


def a_batch(count: int = 48):
    rng = np.random.default_rng(3)
    return torch.from_numpy(rng.random((count, 1, 8, 8), np.float32)), torch.arange(count) // 3 % 8


def gradients(network, micro, pictures, labels, choice=None):
    criterion = Criterion(choice or Choice("supcon"), 8, 6)
    loss, _ = accumulate(network, network, pictures, lambda rows: criterion(rows, labels), micro=micro, seed=(5,))
    return float(loss.value), torch.cat([p.grad.flatten() for p in network.parameters()])


@pytest.mark.parametrize("micro", [16, 20])
@pytest.mark.parametrize("loss", ["supcon", "recall@k", "triplet"])
def test_cached_gradients_are_those_of_the_whole_batch_where_no_statistics_are_taken(loss: str, micro: int) -> None:
    pictures, labels = a_batch()
    choice = Choice(loss, "batch-all" if loss == "triplet" else "none", 0.2, (1, 2))
    network = Tiny().eval()
    value, whole = gradients(network, None, pictures, labels, choice)
    plain = Criterion(choice, 8, 6)(network(pictures), labels).value
    expected = torch.autograd.grad(plain, list(network.parameters()))
    assert whole.abs().max() > 1e-3
    network.zero_grad()
    cached, parts = gradients(network, micro, pictures, labels, choice)
    assert cached == pytest.approx(value, abs=1e-6) == pytest.approx(float(plain.detach()), abs=1e-6)
    assert torch.allclose(parts, whole, atol=1e-5, rtol=0)
    assert torch.allclose(parts, torch.cat([g.flatten() for g in expected]), atol=1e-5, rtol=0)


def test_cached_gradients_are_those_of_a_network_that_normalises_each_micro_batch_by_itself() -> None:
    pictures, labels = a_batch()
    reference, network = Tiny(), Tiny()
    criterion = Criterion(Choice("supcon"), 8, 6)
    criterion(torch.cat([reference(part) for part in pictures.split(16)]), labels).value.backward()
    _, found = gradients(network, 16, pictures, labels)
    assert torch.allclose(found, torch.cat([p.grad.flatten() for p in reference.parameters()]), atol=1e-5, rtol=0)
    for name, buffer in reference.named_buffers():
        assert torch.allclose(network.get_buffer(name), buffer), name
    assert int(network.norm.num_batches_tracked) == 3


def test_micro_batches_of_equal_statistics_give_the_gradients_of_the_whole_batch_in_training_too() -> None:
    pictures, _ = a_batch(16)
    labels = torch.arange(48) // 2
    choice = Choice("supcon")
    whole, parts = Tiny(), Tiny()
    _, expected = gradients(whole, None, pictures.repeat(3, 1, 1, 1), labels, choice)
    _, found = gradients(parts, 16, pictures.repeat(3, 1, 1, 1), labels, choice)
    assert expected.abs().max() > 1e-3 and torch.allclose(found, expected, atol=1e-5, rtol=0)


def test_dropout_draws_the_same_in_both_runs_and_differs_between_micro_batches() -> None:
    pictures, labels = a_batch()
    network = Tiny(dropout=0.5)
    seen = []
    handle = network.drop.register_forward_hook(lambda module, inputs, output: seen.append(output == 0))
    gradients(network, 16, pictures, labels)
    handle.remove()
    assert len(seen) == 6
    for k in range(3):
        assert (seen[k] == seen[k + 3]).all()
    assert (seen[0] != seen[1]).any()


@pytest.mark.parametrize(("count", "micro"), [(16, 5), (17, 2), (4, 3), (3, 2)])
def test_no_micro_batch_is_a_single_picture_which_cannot_be_normalised(count: int, micro: int) -> None:
    pictures, labels = a_batch(count)[0], torch.arange(count) % 2
    torch.manual_seed(0)
    network, sizes = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.BatchNorm1d(6)), []
    network.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    _, found = gradients(network, micro, pictures, labels)
    assert torch.isfinite(found).all() and found.abs().max() > 0
    ran = sizes[: len(sizes) // 2] or sizes
    assert sum(sizes) in (count, 2 * count) and min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1 and max(ran) <= max(micro, 3)


def most_saved(micro: int | None, count: int) -> int:
    """Return the most bytes that graphs held at once."""
    held = most = 0

    class Held:
        def __init__(self, tensor) -> None:
            nonlocal held, most
            self.tensor = tensor
            held += tensor.nbytes
            most = max(most, held)

        def __del__(self) -> None:
            nonlocal held
            held -= self.tensor.nbytes

    pictures, labels = a_batch(count)
    network = Tiny()

    def forward(part):
        with torch.autograd.graph.saved_tensors_hooks(Held, lambda kept: kept.tensor):
            return network(part)

    criterion = Criterion(Choice("supcon"), 8, 6)
    accumulate(network, forward, pictures, lambda rows: criterion(rows, labels), micro=micro)
    return most


def test_a_cached_batch_holds_the_graph_of_one_micro_batch_at_a_time() -> None:
    small, cached, whole = most_saved(None, 16), most_saved(16, 96), most_saved(None, 96)
    assert cached <= 1.05 * small
    assert whole > 5 * small


class Batches:
    """Function object that makes noise of 8 characters, 2 pictures each, and raises at a step."""

    def __init__(self, stop: int = 10**9, hard: HardClasses | None = None) -> None:
        self.stop, self.hard, self.read = stop, hard, 0

    def __call__(self, step: int) -> Batch:
        if step == self.stop:
            raise KeyboardInterrupt
        rng = np.random.default_rng(step)
        table = self.hard.neighbours(step) if self.hard else None
        if table is not None:  # the batch then depends on what the network has learnt
            rng = np.random.default_rng([step, *np.abs(table).ravel().tolist()])
            self.read += 1
        pictures = np.repeat(np.random.default_rng(99).integers(0, 256, (8, 8, 8), dtype=np.uint8), 2, axis=0)
        noise = rng.integers(0, 60, pictures.shape, dtype=np.uint8)
        return Batch(pictures // 2 + noise, np.arange(16) // 2)


def trained(folder: Path, choice: Choice, stop: int, hard: bool, micro: int | None):
    torch.manual_seed(0)
    classes = HardClasses(folder / "resume", 0.5, every=5) if hard else None
    network, criterion = Tiny(dropout=0.2), Criterion(choice, 8, 6)
    plan = Plan(steps=60, lr=0.01, weight_decay=0.01, seed=3, micro_batch=micro, validations=3)
    centres = Centres(8, 6) if hard else None
    training = Training(network, criterion, plan, torch.device("cpu"), hard=classes, centres=centres)
    make = Batches(stop, classes)
    try:
        fit(training, make, folder, workers=0, validate=None)
    except KeyboardInterrupt:
        return None
    assert not hard or make.read > 15
    return training


@pytest.mark.parametrize(
    ("right", "taken"),
    [
        ((50, 48, 30), 40),  # 2 of 100 may be chance, 20 are not
        ((50, 60, 61), 60),
        ((50, 44, 0), 20),  # the same 6 of 100 queries are lost, and none is won
        ((1, 1, 0), 40),  # weights that find nothing are worse than any others
    ],
)
def test_the_last_weights_that_are_not_worse_than_chance_would_make_them_are_taken(
    right: tuple[int, ...], taken: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, left = Plan(steps=60, lr=0.01, weight_decay=0.01, seed=3, micro_batch=None, validations=3), list(right)
    training = Training(Tiny(dropout=0.2), Criterion(Choice("supcon", "none", None), 8, 6), plan, torch.device("cpu"))

    def validate(_: nn.Module) -> Scores:
        ranks = (np.arange(100) < left.pop(0)).astype(float)
        return Scores({"val_mrr@5": float(ranks.mean())}, ranks)

    fit(training, Batches(10**9, None), tmp_path, workers=0, validate=validate)
    assert f"step {taken}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("choice", "hard", "micro"),
    [
        (Choice("proxy-anchor", "none", 0.1), True, None),
        (Choice("supcon", "none", None, memory=40), False, 6),
        (Choice("triplet", "distance-weighted", 0.2, memory=50), False, None),
        (Choice("recall@k", "none", None, (1, 2), simix=True), False, None),
    ],
)
def test_a_broken_training_ends_with_the_weights_proxies_and_memory_of_an_unbroken_one(
    choice: Choice, hard: bool, micro: int | None, tmp_path: Path
) -> None:
    assert trained(tmp_path / "broken", choice, 33, hard, micro) is None
    whole = trained(tmp_path / "whole", choice, 10**9, hard, micro)
    again = trained(tmp_path / "broken", choice, 10**9, hard, micro)
    assert whole is not None and again is not None
    files = [(tmp_path / name / "resume" / "last.safetensors").read_bytes() for name in ("whole", "broken")]
    assert files[0] == files[1]
    for name, part in whole.parts.items():
        for key, value in part.state_dict().items():
            assert torch.equal(value, again.parts[name].state_dict()[key]), (name, key)
    lines = []
    for name in ("whole", "broken"):
        with (tmp_path / name / "metrics.csv").open(encoding="utf-8", newline="") as file:
            lines.append([(row["step"], row["loss"]) for row in csv.DictReader(file)])
    assert lines[0] == lines[1]
    if not choice.memory:  # the loss among more pictures is greater
        assert float(lines[0][-1][1]) < float(lines[0][0][1])
    if hard:
        kept = sorted(int(p.stem.split("-")[1]) for p in (tmp_path / "whole" / "resume").glob("neighbours-*"))
        assert kept[-1] == 12 and kept[0] >= 60 // 5 - 1, "old tables are deleted"


@pytest.mark.parametrize("name", ["last", "best"])
def test_a_checkpoint_that_is_damaged_or_gone_is_one_clear_line(name: str, tmp_path: Path) -> None:
    assert trained(tmp_path / "m", Choice("supcon"), 10**9, False, None) is not None
    path = tmp_path / "m" / "resume" / f"{name}.safetensors"
    path.unlink() if name == "best" else path.write_bytes(path.read_bytes()[:-100])
    with refused(ExitCode.BAD_INPUT, f"{name}.safetensors", "--overwrite"):
        trained(tmp_path / "m", Choice("supcon"), 10**9, False, None)


def test_what_a_loss_learns_is_in_the_checkpoint_but_not_in_the_model(tmp_path: Path) -> None:
    training = trained(tmp_path / "m", Choice("arcface", "none", 0.5), 10**9, False, None)
    assert training is not None
    from safetensors.torch import load_file

    last = load_file(tmp_path / "m" / "resume" / "last.safetensors")
    assert last["loss.loss.library.W"].shape == (6, 8) and any(k.startswith("optimizer.") for k in last)
    moved = Criterion(Choice("arcface", "none", 0.5), 8, 6)
    before = moved.loss.library.W.detach().clone()
    training_state.load(tmp_path / "m" / "resume" / "last.safetensors", {"loss": moved}, None)
    assert not torch.equal(before, moved.loss.library.W)
    assert set(load_file(tmp_path / "m" / "resume" / "best.safetensors")) == {
        f"model.{name}" for name in training.model.state_dict()
    }


RANK = """
import sys, torch
from pathlib import Path
sys.path[:0] = [sys.argv[2], str(Path(sys.argv[2]).parent)]
from test_steps import Tiny, Batches, a_batch, Choice, Criterion
from sinonom_cli.train.distributed import join, leave
from sinonom_cli.train.gradient_cache import accumulate, agree

ranks = join()
assert ranks.size == 2
pictures, labels = a_batch()
for mode in ("eval", "train"):
    network = Tiny().train(mode == "train")
    for name, loss, mining in (("triplet", "triplet", "batch-hard"), ("proxy-anchor", "proxy-anchor", "none")):
        torch.manual_seed(0)
        criterion = Criterion(Choice(loss, mining, 0.2), 8, 6)
        network.zero_grad()
        value, rows = accumulate(
            network, network, pictures[ranks.share(48)], lambda r: criterion(r, ranks.gather(labels[ranks.share(48)])),
            micro=8 if name == "triplet" and mode == "eval" else None, seed=(5,), ranks=ranks)
        agree(network, criterion, ranks)
        found = {"value": value.value, "rows": rows, **{f"grad.{n}": p.grad for n, p in network.named_parameters()},
                 **{f"loss.{n}": p.grad for n, p in criterion.named_parameters()},
                 **{f"buffer.{n}": b for n, b in network.named_buffers()}}
        torch.save(found, Path(sys.argv[1]) / f"{name}-{mode}-{ranks.rank}.pt")
leave()
"""


def torchrun(tmp_path: Path, *command: str, count: int = 2) -> subprocess.CompletedProcess[str]:
    """Run a command in several processes, as torchrun does, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    runner = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count)]
    runner += ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    return subprocess.run([*runner, *command], cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_have_the_loss_and_gradients_of_one_with_the_joined_batch(tmp_path: Path) -> None:
    (tmp_path / "rank.py").write_text(RANK, encoding="utf-8")
    done = torchrun(tmp_path, str(tmp_path / "rank.py"), str(tmp_path), str(Path(__file__).parent))
    assert done.returncode == 0, done.stderr[-2000:]
    pictures, labels = a_batch()
    for mode, (name, mining) in itertools.product(
        ("eval", "train"), (("triplet", "batch-hard"), ("proxy-anchor", "none"))
    ):
        torch.manual_seed(0)
        network = Tiny().train(mode == "train")
        criterion = Criterion(Choice(name, mining, 0.2), 8, 6)
        # In batch normalisation, each process normalises by its own half, as documented.
        rows = torch.cat([network(part) for part in (pictures[:24], pictures[24:])])
        torch.manual_seed(0)
        criterion = Criterion(Choice(name, mining, 0.2), 8, 6)
        loss = criterion(rows, labels)
        loss.value.backward()
        for rank in range(2):
            found = torch.load(tmp_path / f"{name}-{mode}-{rank}.pt", weights_only=True)
            assert torch.allclose(found["value"], loss.value.detach(), atol=1e-6)
            assert torch.allclose(found["rows"], rows.detach(), atol=1e-6)
            for kind, module in (("grad", network), ("loss", criterion)):
                for key, parameter in module.named_parameters():
                    close = 1e-5 * max(1.0, float(parameter.grad.abs().max()))
                    theirs = found[f"{kind}.{key}"]
                    assert torch.allclose(theirs, parameter.grad, atol=close, rtol=0), (name, mode, key)
        both = [torch.load(tmp_path / f"{name}-{mode}-{r}.pt", weights_only=True) for r in range(2)]
        for key in both[0]:
            assert torch.equal(both[0][key], both[1][key]), f"{key} differs between the processes"


def test_torchrun_trains_one_model_that_only_the_first_process_writes(tmp_path: Path) -> None:
    from PIL import Image

    for k, hand in itertools.product(range(6), range(4)):
        page = np.full((40, 40), 255, np.uint8)
        page[4 + 4 * k : 8 + 4 * k, 6:34] = page[8:32, 4 + 5 * k + hand : 8 + 5 * k + hand] = 0
        path = tmp_path / "set" / f"U+{0x5B57 + k:X}" / f"{hand}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(page).save(path)
    command = ["-m", "sinonom_cli", "train", "--data", "set", "--output", "model", "--steps", "20", "--classes", "4"]
    command += [
        "--embedding",
        "8",
        "--size",
        "32",
        "--val",
        "0.3",
        "--workers",
        "0",
        "--threads",
        "1",
        "--device",
        "cpu",
    ]
    done = torchrun(tmp_path, *command)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["model"]
    assert done.stderr.count("weights of step") == 1
    assert len(list((tmp_path / "model").rglob("events.out*"))) <= 1, "TensorBoard's, where that is installed"
    with (tmp_path / "model" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["20"]
    record = json.loads((tmp_path / "model" / "artifact.json").read_text(encoding="utf-8"))
    assert (record["status"], record["options"]["processes"]) == ("complete", 2)


def test_processes_on_one_machine_share_its_cores_among_those_that_make_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(phases, "cores", lambda: 16)
    assert [phases.batch_makers(None, Ranks(0, n, 0, n)) for n in (1, 2, 4, 16)] == [4, 2, 1, 1]
    assert phases.batch_makers(5, Ranks(0, 4, 0, 4)) == 5


def test_a_batch_that_processes_cannot_share_is_a_usage_error() -> None:
    assert [Ranks(r, 3).share(12) for r in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 12)]
    config = types.SimpleNamespace(loss="triplet", classes=5, recover=False)
    with refused(ExitCode.USAGE, 5, 2):
        check_shares(config, Ranks(0, 2))  # type: ignore[arg-type]
    with refused(ExitCode.USAGE, "lda"):
        check_shares(types.SimpleNamespace(loss="lda", classes=4), Ranks(0, 2))  # type: ignore[arg-type]
