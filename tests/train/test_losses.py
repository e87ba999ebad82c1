"""Losses equal double loops in numpy, finite differences, and pytorch-metric-learning."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402

from sinonom_cli.train.class_centres import Centres  # noqa: E402
from sinonom_cli.train.losses import basic, cosface, mining  # noqa: E402
from sinonom_cli.train.losses.contrastive import contrastive  # noqa: E402
from sinonom_cli.train.losses.cross_batch_memory import Memory  # noqa: E402
from sinonom_cli.train.losses.multi_similarity import multi_similarity_pairs  # noqa: E402
from sinonom_cli.train.losses.quadruplet import quadruplet  # noqa: E402
from sinonom_cli.train.losses.recall_at_k import mixed, recall_at_k  # noqa: E402
from sinonom_cli.train.losses.registry import Criterion  # noqa: E402
from sinonom_cli.train.losses.table import Choice  # noqa: E402
from sinonom_cli.train.losses.triplet import triplet  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def a_batch(seed: int, classes: int = 5, images: int = 3, size: int = 6):
    """Return embeddings of length 1 (float64) in shuffled order; the last class has only one picture."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(classes).repeat_interleave(images)[: classes * images - images + 1]
    labels = labels[torch.randperm(len(labels), generator=generator)]
    centres = torch.randn(classes, size, generator=generator, dtype=torch.float64)[labels]
    rows = centres + 0.8 * torch.randn(len(labels), size, generator=generator, dtype=torch.float64)
    return functional.normalize(rows, dim=1), labels


def loop_distances(rows, others=None):
    others = rows if others is None else others
    return np.array([[np.sqrt(((a - b) ** 2).sum()) for b in others.numpy()] for a in rows.numpy()])


@pytest.mark.parametrize("miner", ["none", "batch-all", "batch-hard", "semi-hard"])
@pytest.mark.parametrize("remembered", [0, 6])
def test_contrastive_is_the_loop_s(miner: str, remembered: int) -> None:
    rows, labels = a_batch(1)
    older, theirs = a_batch(2)
    every, names = torch.cat([rows, older[:remembered]]), torch.cat([labels, theirs[:remembered]])
    distances, margin = loop_distances(rows, every), 1.2
    near, far = [], []
    for a in range(len(labels)):
        positives = [p for p in range(len(names)) if p != a and names[p] == labels[a]]
        negatives = [n for n in range(len(names)) if names[n] != labels[a]]
        if miner in ("none", "batch-all"):
            near += [distances[a, p] for p in positives]
            far += [distances[a, n] for n in negatives]
        elif miner == "batch-hard" and positives:
            near.append(max(distances[a, p] for p in positives))
            far.append(min(distances[a, n] for n in negatives))
        elif miner == "semi-hard":
            for p in positives:
                inside = [n for n in negatives if distances[a, p] < distances[a, n] < distances[a, p] + margin]
                near += [distances[a, p]] * len(inside)
                far += [distances[a, n] for n in inside]
    pulled, pushed = [d * d / 2 for d in near], [max(0.0, margin - d) ** 2 / 2 for d in far]
    if miner == "batch-all":
        pulled, pushed = [c for c in pulled if c > 0], [c for c in pushed if c > 0]
    found = contrastive(rows, labels, margin, miner, (every, names) if remembered else None)
    assert float(found.value) == pytest.approx(np.mean(pulled) + np.mean(pushed))
    assert 0 < found.active == pytest.approx(np.mean(np.array(far) < margin))


def test_contrastive_costs_are_those_of_pytorch_metric_learning_squared() -> None:
    library = pytest.importorskip("pytorch_metric_learning.losses")
    from pytorch_metric_learning import distances, reducers

    rows, labels = a_batch(2)
    theirs = library.ContrastiveLoss(
        pos_margin=0,
        neg_margin=0.9,
        distance=distances.LpDistance(normalize_embeddings=False),
        reducer=reducers.DoNothingReducer(),
    )(rows, labels)
    expected = sum(theirs[f"{kind}_loss"]["losses"].square().mean() / 2 for kind in ("pos", "neg"))
    assert float(contrastive(rows, labels, 0.9).value) == pytest.approx(float(expected))


@pytest.mark.parametrize("remembered", [0, 7])
def test_quadruplet_is_the_loop_s(remembered: int) -> None:
    rows, labels = a_batch(3)
    more, theirs = a_batch(4)
    every, names = torch.cat([rows, more[:remembered]]), torch.cat([labels, theirs[:remembered]])
    distances, apart = loop_distances(rows, every), loop_distances(every)
    costs = []
    for a in range(len(labels)):
        positives = [p for p in range(len(names)) if p != a and names[p] == labels[a]]
        negatives = [n for n in range(len(names)) if names[n] != labels[a]]
        if not positives:
            continue
        p, n = max(positives, key=lambda p: distances[a, p]), min(negatives, key=lambda n: distances[a, n])
        m = min((m for m in negatives if names[m] != names[n]), key=lambda m: apart[n, m])
        first = max(0.0, distances[a, p] - distances[a, n] + 0.3)
        costs.append(first + max(0.0, distances[a, p] - apart[n, m] + 0.15))
    references = (every, names) if remembered else None
    found = quadruplet(rows, labels, 0.3, "batch-hard", references)
    assert float(found.value) == pytest.approx(np.mean(costs))
    assert found.active == pytest.approx(np.mean(np.array(costs) > 0))


def test_a_batch_of_two_characters_has_no_second_part_of_a_quadruplet() -> None:
    rows, labels = a_batch(5, classes=2, images=4)
    leaf = rows.clone().requires_grad_()
    found = quadruplet(leaf, labels, 0.3)
    found.value.backward()
    assert float(found.value.detach()) == pytest.approx(float(triplet(rows, labels, 0.3).value))
    assert torch.isfinite(leaf.grad).all()


def loop_recall(rows, labels, ks, others, names) -> float:
    """Return the loss of Patel et al. 2021, computed in loops."""

    def sigmoid(x: float, temperature: float) -> float:
        return 1 / (1 + math.exp(-x / temperature)) if x > -700 * temperature else 0.0

    similarity = rows.numpy() @ others.numpy().T
    costs = []
    for q in range(len(labels)):
        database = [x for x in range(len(names)) if x != q]
        positives = [x for x in database if names[x] == labels[q]]
        if not positives:
            continue
        recalls = []
        for k in ks:
            found = 0.0
            for x in positives:
                nearer = sum(sigmoid(similarity[q, z] - similarity[q, x], 0.01) for z in database if z != x)
                found += sigmoid(k - 1 - nearer, 1.0)
            recalls.append(min(found, k) / min(k, len(positives)))
        costs.append(1 - np.mean(recalls))
    return float(np.mean(costs))


@pytest.mark.parametrize("ks", [(1,), (5,), (1, 2, 4)])
@pytest.mark.parametrize("remembered", [0, 6])
def test_the_recall_surrogate_is_the_loop_s_in_one_piece_and_in_many(
    ks: tuple[int, ...], remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = a_batch(6, images=4)
    more, theirs = a_batch(7)
    every, names = torch.cat([rows, more[:remembered]]), torch.cat([labels, theirs[:remembered]])
    expected = loop_recall(rows, labels, ks, every, names)
    references = (every, names) if remembered else None
    assert float(recall_at_k(rows, labels, ks, references).value) == pytest.approx(expected)
    monkeypatch.setattr("sinonom_cli.train.losses.chunks.AT_ONCE", 100)
    assert float(recall_at_k(rows, labels, ks, references).value) == pytest.approx(expected)


def test_similarity_mixup_asks_for_and_among_mixtures_of_one_character() -> None:
    rows, labels = a_batch(8, images=4)
    torch.manual_seed(3)
    virtual, theirs = mixed(rows, labels)
    pairs = [(i, j) for i in range(len(labels)) for j in range(i + 1, len(labels)) if labels[i] == labels[j]]
    assert theirs.tolist() == [int(labels[i]) for i, _ in pairs]
    for (i, j), between in zip(pairs, virtual, strict=True):
        share = float((between - rows[j]) @ (rows[i] - rows[j]) / (rows[i] - rows[j]).square().sum())
        assert 0 <= share <= 1
        assert torch.allclose(between, share * rows[i] + (1 - share) * rows[j])
    every, names = torch.cat([rows, virtual]), torch.cat([labels, theirs])
    torch.manual_seed(3)
    found = recall_at_k(rows, labels, (2,), mixup=True)
    assert float(found.value) == pytest.approx(loop_recall(every, names, (2,), every, names))


@pytest.mark.parametrize("mixup", [False, True])
def test_the_recall_surrogate_s_gradient_is_that_of_finite_differences(mixup: bool) -> None:
    rows, labels = a_batch(9, classes=4, size=4)

    def value(x):
        torch.manual_seed(0)
        return recall_at_k(x, labels, (1, 2), mixup=mixup).value

    leaf = rows.clone().requires_grad_()
    value(leaf).backward()
    numeric = torch.zeros_like(rows)
    for index in np.ndindex(*rows.shape):
        step = torch.zeros_like(rows)
        step[index] = 1e-6
        numeric[index] = (value(rows + step) - value(rows - step)) / 2e-6
    assert numeric.abs().max() > 1e-2
    np.testing.assert_allclose(leaf.grad, numeric, atol=1e-6 * float(numeric.abs().max()) + 1e-7)


def test_perfect_order_costs_less_and_less_the_more_places_count() -> None:
    labels = torch.arange(8).repeat_interleave(2)
    rows = functional.one_hot(labels, 8).double()
    values = [float(recall_at_k(rows, labels, (k,)).value) for k in (1, 2, 5)]
    assert values == pytest.approx([1 - 1 / (1 + math.exp(1 - k)) for k in (1, 2, 5)])


def test_distance_weights_are_the_inverse_density_of_distances() -> None:
    rows, labels = a_batch(10, size=8)
    distances = basic.pairwise_distances(rows)
    _, negatives = mining.pairs(labels)
    found = mining.distance_weights(distances, negatives, 8)
    for a in range(len(labels)):
        chances = np.zeros(len(labels))
        for n in range(len(labels)):
            d = max(float(distances[a, n]), 0.5)
            if labels[n] != labels[a] and float(distances[a, n]) < 1.4:
                chances[n] = 1 / (d ** (8 - 2) * (1 - d * d / 4) ** ((8 - 3) / 2))
        if chances.any():
            np.testing.assert_allclose(found[a] / found[a].sum(), chances / chances.sum(), rtol=1e-6)
        else:
            assert found[a].tolist() == negatives[a].double().tolist()


def test_distance_weighted_mining_draws_as_often_as_pytorch_metric_learning() -> None:
    miners = pytest.importorskip("pytorch_metric_learning.miners")
    rows, labels = a_batch(11, size=8)
    rows = rows.float()
    distances = basic.pairwise_distances(rows)
    torch.manual_seed(0)
    ours, theirs = torch.zeros(len(labels), len(labels)), torch.zeros(len(labels), len(labels))
    miner = miners.DistanceWeightedMiner()
    for _ in range(300):
        for counts, triplets in (
            (ours, mining.distance_weighted(distances, labels, 8)),
            (theirs, mining.Triplets(*miner(rows, labels))),
        ):
            assert (labels[triplets.anchor] == labels[triplets.positive]).all()
            assert (labels[triplets.anchor] != labels[triplets.negative]).all()
            counts.index_put_((triplets.anchor, triplets.negative), torch.ones(()), accumulate=True)
    drawn = theirs.sum(dim=1) > 0
    shares = [c[drawn] / c[drawn].sum(dim=1, keepdim=True) for c in (ours, theirs)]
    assert drawn.sum() > 8
    assert float((shares[0] - shares[1]).abs().max()) < 0.1


def test_multi_similarity_pairs_are_those_of_pytorch_metric_learning() -> None:
    miners = pytest.importorskip("pytorch_metric_learning.miners")
    for seed in range(4):
        rows, labels = a_batch(20 + seed, size=3)
        positives, negatives = multi_similarity_pairs(rows @ rows.T, *mining.pairs(labels))
        a1, p, a2, n = miners.MultiSimilarityMiner(epsilon=0.1)(rows, labels)
        assert set(zip(a1.tolist(), p.tolist(), strict=True)) == set(map(tuple, positives.nonzero().tolist()))
        assert set(zip(a2.tolist(), n.tolist(), strict=True)) == set(map(tuple, negatives.nonzero().tolist()))
        assert 0 < len(n) < int(mining.pairs(labels)[1].sum())


def value_of(choice: Choice, rows, labels, classes: int = 5, **more) -> float:
    torch.manual_seed(0)
    return float(Criterion(choice, classes, rows.shape[1])(rows, labels, **more).value.detach())


@pytest.mark.parametrize("remembered", [0, 6])
def test_supcon_and_multi_similarity_are_their_papers_loops(remembered: int) -> None:
    rows, labels = a_batch(12)
    older, theirs = a_batch(13)
    every, names = torch.cat([rows, older[:remembered]]), torch.cat([labels, theirs[:remembered]])
    similarity = (rows @ every.T).numpy()
    positives, negatives = multi_similarity_pairs(rows @ every.T, *mining.pairs(labels, names))
    contrast, multi = [], []
    for a in range(len(labels)):
        others = [x for x in range(len(names)) if x != a]
        mine = [x for x in others if names[x] == labels[a]]
        whole = sum(math.exp(similarity[a, x] / 0.1) for x in others)
        if mine:
            contrast.append(-np.mean([math.log(math.exp(similarity[a, x] / 0.1) / whole) for x in mine]))
        pulled = sum(math.exp(-2 * (similarity[a, x] - 0.5)) for x in others if positives[a, x])
        pushed = sum(math.exp(50 * (similarity[a, x] - 0.5)) for x in others if negatives[a, x])
        multi.append(math.log1p(pulled) / 2 + math.log1p(pushed) / 50)
    for name, expected in (("supcon", np.mean(contrast)), ("multi-similarity", np.mean(multi))):
        criterion = Criterion(Choice(name, memory=remembered), 5, rows.shape[1])
        criterion.remember(older[:remembered].float(), theirs[:remembered])
        found = criterion(rows.float(), labels, remembering=bool(remembered))
        assert float(found.value) == pytest.approx(expected, rel=1e-5)


def test_proxy_losses_are_their_papers_loops() -> None:
    rows, labels = (t[:9] for t in a_batch(13))
    rows = rows.float()
    criterion = Criterion(Choice("proxy-anchor", margin=0.1), 5, 6)
    cosine = (rows @ functional.normalize(criterion.proxies, dim=1).T).detach().numpy()
    with_pictures, pull, push = set(labels.tolist()), 0.0, 0.0
    for p in range(5):
        mine = [math.exp(-32 * (cosine[i, p] - 0.1)) for i in range(9) if labels[i] == p]
        others = [math.exp(32 * (cosine[i, p] + 0.1)) for i in range(9) if labels[i] != p]
        pull += math.log1p(sum(mine)) if mine else 0.0
        push += math.log1p(sum(others)) if others else 0.0
    expected = pull / len(with_pictures) + push / 5
    assert float(criterion(rows, labels).value.detach()) == pytest.approx(expected, rel=1e-4)
    for name, centres in (("arcface", 1), ("subcenter-arcface", 3)):
        criterion = Criterion(Choice(name, margin=0.5), 5, 6)
        near = rows @ functional.normalize(criterion.loss.library.W, dim=0)
        cosine = near.view(9, 5, centres).amax(dim=2).detach().double().numpy()
        costs = []
        for i, label in enumerate(labels.tolist()):
            logits = 64 * cosine[i]
            logits[label] = 64 * math.cos(math.acos(cosine[i, label]) + 0.5)
            costs.append(-logits[label] + np.logaddexp.reduce(logits))
        assert float(criterion(rows, labels).value.detach()) == pytest.approx(np.mean(costs), rel=1e-4)


def test_cosface_is_the_library_s_and_its_sample_of_characters_holds_the_batch_s_own() -> None:
    library = pytest.importorskip("pytorch_metric_learning.losses")
    rows, labels = (t[:9] for t in a_batch(21))
    rows = rows.float()
    ours = Criterion(Choice("cosface", margin=0.2), 12, 6)
    theirs = library.CosFaceLoss(12, 6, margin=0.2, scale=cosface.SCALE)
    theirs.W.data = ours.proxies.data.T.clone()
    with torch.no_grad():
        assert float(ours(rows, labels).value) == pytest.approx(float(theirs(rows, labels)), rel=1e-5)

    many = cosface.CosFace(Choice("cosface", margin=0.2), 3 * cosface.AT_ONCE, 6)
    names = labels * 4001
    seen = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        chosen, target = many.compared(names)
        assert torch.equal(chosen[target], names) and len(chosen) == len(chosen.unique()) == cosface.AT_ONCE
        seen.append(chosen)
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[0], seen[2])
    torch.manual_seed(0)
    value = many(rows, names).value
    value.backward()
    cosine = (rows @ functional.normalize(many.proxies[seen[0]], dim=1).T).detach().double().numpy()
    costs = []
    for i, place in enumerate([seen[0].tolist().index(name) for name in names.tolist()]):
        logits = cosface.SCALE * (cosine[i] - 0.2 * (np.arange(len(cosine[i])) == place))
        costs.append(-logits[place] + np.logaddexp.reduce(logits))
    assert float(value.detach()) == pytest.approx(np.mean(costs), rel=1e-5)
    assert set(torch.nonzero(many.proxies.grad.abs().sum(dim=1))[:, 0].tolist()) <= set(seen[0].tolist())


def test_cross_entropy_counts_what_is_named_wrongly() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.5, 1.0]])
    loss = Criterion(Choice("cross-entropy"), 3, 4)(logits, torch.tensor([0, 1]))
    expected = -np.mean([2 - np.log(np.exp(2) + 2), 0.5 - np.log(1 + np.exp(0.5) + np.exp(1))])
    assert (float(loss.value), loss.active) == (pytest.approx(expected), 0.5)


PAIRED = ("triplet", "contrastive", "quadruplet", "recall@k", "supcon", "multi-similarity")


@pytest.mark.parametrize("name", PAIRED)
def test_a_memory_is_compared_with_and_gets_no_gradient(name: str) -> None:
    rows, labels = (t[:8] for t in a_batch(14))
    older, theirs = a_batch(15)
    mining_ = "batch-hard" if name in ("triplet", "quadruplet") else "none"
    choice = Choice(name, mining_, 0.9, (2,), memory=len(theirs))
    criterion = Criterion(choice, 5, 6)
    plain, alone = (float(criterion(rows.float(), labels, remembering=r).value) for r in (False, True))
    assert plain == alone
    criterion.remember(older.float(), theirs)
    leaf = rows.float().requires_grad_()
    loss = criterion(leaf, labels, remembering=True)
    loss.value.backward()
    assert float(loss.value.detach()) != pytest.approx(plain) and leaf.grad.any()
    assert not any(b.requires_grad for b in criterion.buffers())
    # The same value by another way, if there is one: a batch of all pictures in which only the first are anchors.
    if name == "triplet":
        every, names = torch.cat([rows, older]), torch.cat([labels, theirs])
        distances = loop_distances(rows, every)
        costs = []
        for a in range(8):
            positives = [d for x, d in enumerate(distances[a]) if x != a and names[x] == labels[a]]
            negatives = [d for x, d in enumerate(distances[a]) if names[x] != labels[a]]
            costs += [max(0.0, max(positives) - min(negatives) + 0.9)] if positives else []
        assert float(loss.value.detach()) == pytest.approx(np.mean(costs), rel=1e-5)


def test_a_memory_forgets_the_oldest_first() -> None:
    memory = Memory(5, 2)
    for k in range(4):
        memory.add(torch.full((2, 2), float(k)), torch.tensor([k, k]))
    _, labels = memory.behind(torch.zeros(1, 2), torch.tensor([9]))
    assert labels[0] == 9 and sorted(labels[1:].tolist()) == [1, 2, 2, 3, 3]
    memory.add(torch.arange(14.0).view(7, 2), torch.arange(7))
    assert sorted(memory.labels.tolist()) == [2, 3, 4, 5, 6]
    assert (memory.rows[:, 0] == 2 * memory.labels).all()


def test_neighbours_are_the_characters_whose_embeddings_lie_nearest() -> None:
    rows, labels = a_batch(16, classes=6, images=4)
    centres = Centres(8, 6)
    assert (centres.neighbours(3) == -1).all()
    for part in torch.arange(len(labels)).split(7):
        centres.add(rows[part].float(), labels[part])
    table = centres.neighbours(3)
    for c in range(6):
        near = centres.rows[c] @ centres.rows[:6].T
        order = [x for x in near.argsort(descending=True).tolist() if x != c]
        assert table[c].tolist() == order[:3]
    assert (table[6:] == -1).all() and centres.neighbours(9)[0].tolist()[5:] == [-1] * 4


@pytest.mark.parametrize("name", [*PAIRED, "proxy-anchor", "arcface", "subcenter-arcface", "cosface"])
def test_a_few_steps_of_every_loss_order_embeddings_that_are_learnt_freely(name: str) -> None:
    torch.manual_seed(1)
    labels = torch.arange(6).repeat_interleave(3)
    free = torch.randn(18, 8, requires_grad=True)
    mining_ = "batch-hard" if name in ("triplet", "quadruplet") else "none"
    criterion = Criterion(Choice(name, mining_, 0.5, (1, 2)), 6, 8)
    optimizer = torch.optim.Adam([free, *criterion.parameters()], lr=0.05)
    before = criterion(functional.normalize(free, dim=1), labels).value
    for _ in range(120):
        loss = criterion(functional.normalize(free, dim=1), labels)
        optimizer.zero_grad()
        loss.value.backward()
        optimizer.step()
    assert float(loss.value.detach()) < float(before.detach())
    distances = basic.pairwise_distances(functional.normalize(free, dim=1)).detach().fill_diagonal_(9)
    assert (labels[distances.argmin(dim=1)] == labels).float().mean() > 0.6  # sub-centres need not be together
