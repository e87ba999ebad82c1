"""Triplets and their costs equal a double loop in numpy and pytorch-metric-learning."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from sinonom_cli.train.losses import basic, chunks, mining, triplets  # noqa: E402
from sinonom_cli.train.losses.contrastive import contrastive  # noqa: E402
from sinonom_cli.train.losses.quadruplet import quadruplet  # noqa: E402
from sinonom_cli.train.losses.triplet import triplet  # noqa: E402

MINERS = ("batch-hard", "batch-all", "semi-hard")


def a_batch(seed: int, classes: int = 5, images: int = 3, size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Return embeddings of length 1, shuffled; the last class has only one picture and is never an anchor."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(classes).repeat_interleave(images)[: classes * images - images + 1]
    labels = labels[torch.randperm(len(labels), generator=generator)]
    centres = torch.randn(classes, size, generator=generator)[labels]
    rows = centres + 0.8 * torch.randn(len(labels), size, generator=generator)
    return functional.normalize(rows, dim=1), labels


def loop_distances(rows: np.ndarray) -> np.ndarray:
    return np.array([[np.sqrt(((a - b) ** 2).sum()) for b in rows] for a in rows])


def loop_triplets(distances: np.ndarray, labels: np.ndarray, miner: str, margin: float) -> list[tuple[int, int, int]]:
    """Return the triplets that a miner chooses by its definition, found in loops."""
    found = []
    for a in range(len(labels)):
        positives = [p for p in range(len(labels)) if p != a and labels[p] == labels[a]]
        negatives = [n for n in range(len(labels)) if labels[n] != labels[a]]
        every = [(a, p, n) for p in positives for n in negatives]
        if miner == "batch-hard" and every:
            found.append(
                (
                    a,
                    max(positives, key=lambda p: distances[a, p]),
                    min(negatives, key=lambda n: distances[a, n]),
                )
            )
        elif miner == "batch-all":
            found += every
        elif miner == "semi-hard":
            found += [t for t in every if distances[a, t[1]] < distances[a, t[2]] < distances[a, t[1]] + margin]
    return found


def mined(miner: str, distances: torch.Tensor, labels: torch.Tensor, margin: float) -> list[tuple[int, int, int]]:
    if miner == "batch-hard":
        found: Iterable[torch.Tensor] = mining.batch_hard(distances, labels)
    else:
        anchor, positive, chosen = triplets.block_of(
            distances, *mining.pairs(labels), margin if miner == "semi-hard" else None
        )
        pair, negative = torch.nonzero(chosen, as_tuple=True)
        found = anchor[pair], positive[pair], negative
    return as_list(found)


def as_list(found: Iterable[torch.Tensor]) -> list[tuple[int, int, int]]:
    return list(zip(*(rows.tolist() for rows in found), strict=True))


@pytest.mark.parametrize("miner", MINERS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mined_triplets_are_those_of_the_definition(miner: str, seed: int) -> None:
    rows, labels = a_batch(seed)
    distances = torch.from_numpy(loop_distances(rows.double().numpy()))
    expected = loop_triplets(distances.numpy(), labels.numpy(), miner, 0.3)
    assert expected and sorted(mined(miner, distances, labels, 0.3)) == sorted(expected)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_miners_agree_with_pytorch_metric_learning(seed: int) -> None:
    miners = pytest.importorskip("pytorch_metric_learning.miners")
    rows, labels = a_batch(seed)
    distances = basic.pairwise_distances(rows)
    theirs = {
        "batch-hard": miners.BatchHardMiner(),
        "batch-all": miners.TripletMarginMiner(margin=1e9, type_of_triplets="all"),
        "semi-hard": miners.TripletMarginMiner(margin=0.3, type_of_triplets="semihard"),
    }
    for miner, their in theirs.items():
        assert set(mined(miner, distances, labels, 0.3)) == set(as_list(their(rows, labels))), miner


@pytest.mark.parametrize(
    ("miner", "margin"),
    [*((m, x) for m in MINERS for x in (0.05, 0.3)), ("batch-hard", None), ("batch-all", None)],
)
def test_the_triplet_loss_is_the_loop_s(miner: str, margin: float | None) -> None:
    rows, labels = a_batch(3)
    distances = loop_distances(rows.double().numpy())
    gaps = [
        distances[a, p] - distances[a, n] for a, p, n in loop_triplets(distances, labels.numpy(), miner, margin or 0.0)
    ]
    costs = [np.log1p(np.exp(g)) if margin is None else max(0.0, g + margin) for g in gaps]
    if miner != "batch-hard":
        costs = [c for c in costs if c > 0]
    loss = triplet(rows, labels, margin, miner)
    assert float(loss.value) == pytest.approx(np.mean(costs), abs=1e-5)
    assert loss.active == pytest.approx(np.mean([g + (margin or 0.0) > 0 for g in gaps]))
    off_diagonal = distances[~np.eye(len(distances), dtype=bool)]
    assert loss.spread == pytest.approx(off_diagonal.mean(), abs=1e-5)


@pytest.mark.parametrize("miner", ["batch-hard", "batch-all"])
def test_value_and_gradient_agree_with_pytorch_metric_learning(miner: str) -> None:
    pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning import distances as their_distances
    from pytorch_metric_learning import losses as their_losses
    from pytorch_metric_learning import miners, reducers

    rows, labels = a_batch(4)
    hard = miner == "batch-hard"
    their_loss = their_losses.TripletMarginLoss(
        margin=0.3,
        distance=their_distances.LpDistance(normalize_embeddings=False),
        reducer=reducers.MeanReducer() if hard else reducers.AvgNonZeroReducer(),
    )
    gradients, values = [], []
    for ours in (True, False):
        leaf = rows.clone().requires_grad_()
        if ours:
            value = triplet(leaf, labels, 0.3, miner).value
        else:
            value = their_loss(leaf, labels, miners.BatchHardMiner()(leaf, labels) if hard else None)
        value.backward()
        assert leaf.grad is not None
        values.append(float(value.detach()))
        gradients.append(leaf.grad.numpy())
    assert values[0] == pytest.approx(values[1], abs=1e-6)
    np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-5)


MANY = [
    *((triplet, miner) for miner in ("batch-all", "semi-hard", "none", "distance-weighted")),
    *((contrastive, miner) for miner in ("semi-hard", "distance-weighted")),
    *((quadruplet, miner) for miner in ("semi-hard", "distance-weighted")),
]


def a_large_batch() -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Return 24 classes of 8 pictures and a memory twice as large: 24 x 8 x 23 x 552 = 2.4 million triplets."""
    generator = torch.Generator().manual_seed(0)
    names = torch.arange(24).repeat(24)
    every = functional.normalize(torch.randn(24, 6, generator=generator)[names], dim=1)
    every = functional.normalize(every + 0.3 * torch.randn(every.shape, generator=generator), dim=1)
    rows = every[:192].clone().requires_grad_()
    return rows, names[:192], (torch.cat([rows, every[192:]]), names)


@pytest.mark.parametrize(("loss", "miner"), MANY)
def test_triplets_cost_the_same_in_one_piece_and_in_many(
    loss: Callable[..., basic.Loss], miner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for cells in 1 << 30, 40_000, 1:
        monkeypatch.setattr(chunks, "AT_ONCE", cells)
        torch.manual_seed(0)
        rows, labels, references = a_large_batch()
        result = loss(rows, labels, 0.3, miner, references)
        result.value.backward()
        assert rows.grad is not None
        found.append((float(result.value.detach()), result.active, rows.grad.numpy()))
    for value, active, gradient in found[1:]:
        assert (value, active) == (pytest.approx(found[0][0], rel=1e-5), found[0][1])
        np.testing.assert_allclose(gradient, found[0][2], atol=1e-6 * np.abs(found[0][2]).max() + 1e-9)
    assert found[0][0] > 0 and found[0][2].any()


@pytest.mark.parametrize(("loss", "miner"), MANY)
def test_millions_of_triplets_take_no_more_memory_than_the_distances_of_a_batch(
    loss: Callable[..., basic.Loss], miner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest, kept = 0, 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            made = func(*args, **(kwargs or {}))
            for tensor in made if isinstance(made, (tuple, list)) else [made]:
                largest = max(largest, tensor.numel() if isinstance(tensor, torch.Tensor) else 0)
            return made

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += tensor.numel()
        return tensor

    monkeypatch.setattr(chunks, "AT_ONCE", 1 << 17)
    rows, labels, references = a_large_batch()
    cells = len(references[0]) ** 2  # a quadruplet needs distances between references
    with Watch(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss(rows, labels, 0.3, miner, references).value.backward()
    assert cells / 4 < largest <= cells
    assert kept < 8 * cells


def test_equal_embeddings_have_distance_and_gradient_zero() -> None:
    rows = torch.ones(4, 3, requires_grad=True)
    distances = basic.pairwise_distances(rows)
    distances.sum().backward()
    assert rows.grad is not None
    assert distances.tolist() == [[0.0] * 4] * 4
    assert rows.grad.tolist() == [[0.0] * 3] * 4


@pytest.mark.parametrize("remembered", [0, 5])
def test_distances_and_their_gradient_are_right_where_all_embeddings_lie_close_together(remembered: int) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = functional.normalize(torch.ones(20, 64) + 5e-4 * torch.randn(20, 64, generator=generator), dim=1)
    leaf, exact = rows[: 20 - remembered].clone().requires_grad_(), rows[: 20 - remembered].double().requires_grad_()
    found = basic.pairwise_distances(leaf, torch.cat([leaf, rows[20 - remembered :]]))
    expected = (exact[:, None] - torch.cat([exact, rows[20 - remembered :].double()])[None]).square().sum(dim=2)
    away = ~torch.eye(*expected.shape, dtype=torch.bool)
    expected = expected[away].sqrt()
    weights = torch.randn(len(expected), generator=generator)
    (found[away] * weights).sum().backward()
    (expected * weights).sum().backward()
    np.testing.assert_allclose(found[away].detach(), expected.detach(), rtol=1e-3)
    assert leaf.grad is not None and exact.grad is not None
    np.testing.assert_allclose(leaf.grad, exact.grad, atol=1e-3 * float(exact.grad.abs().max()))


@pytest.mark.parametrize("miner", MINERS)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_a_batch_without_a_triplet_costs_nothing(miner: str, labels: list[int]) -> None:
    rows = torch.eye(3, requires_grad=True)
    loss = triplet(rows, torch.tensor(labels), 0.3, miner)
    loss.value.backward()
    assert (float(loss.value.detach()), loss.active) == (0.0, 0.0)
    assert rows.grad is not None and not rows.grad.any()


def test_a_collapsed_embedding_costs_the_margin_and_shows_no_spread() -> None:
    rows = functional.normalize(torch.ones(6, 4), dim=1)
    loss = triplet(rows, torch.tensor([0, 0, 1, 1, 2, 2]), 0.2, "batch-hard")
    assert (float(loss.value), loss.active, loss.spread) == (pytest.approx(0.2), 1.0, 0.0)
