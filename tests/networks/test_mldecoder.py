"""Compare ML-Decoder with its paper's equations in numpy, picture by picture, and check the classifier's export."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sinonom_cli.networks.classifier import Classifier, Distributions  # noqa: E402
from sinonom_cli.networks.directmap import DirectMapNet  # noqa: E402
from sinonom_cli.networks.embedder import session_of  # noqa: E402
from sinonom_cli.networks.ml_decoder import MLDecoder  # noqa: E402
from sinonom_cli.networks.onnx_export import export_onnx  # noqa: E402

Array = np.ndarray


def by_the_paper(tokens: Array, w: dict[str, Array], heads: int, classes: int) -> Array:
    """Return logits (C,) of one picture's tokens (T, F) in loops (Ridnik et al. 2021, equations 3 and 4)."""

    def linear(name: str, x: Array) -> Array:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name: str, x: Array) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return centred / deviation * w[f"{name}.weight"] + w[f"{name}.bias"]

    def attention(queries: Array, memory: Array) -> Array:
        q, k, v = linear("query", queries), linear("key", memory), linear("value", memory)
        length = q.shape[1] // heads
        parts = []
        for h in range(heads):
            mine = slice(h * length, (h + 1) * length)
            scores = np.exp(q[:, mine] @ k[:, mine].T / np.sqrt(length))
            parts.append(scores / scores.sum(axis=1, keepdims=True) @ v[:, mine])
        return linear("out", np.concatenate(parts, axis=1))

    memory = np.maximum(linear("embed", tokens), 0)
    asked = norm("before", w["queries"])
    asked = norm("between", asked + attention(asked, memory))
    asked = norm("after", asked + linear("narrow", np.maximum(linear("widen", asked), 0)))
    g = w["weight"].shape[2]
    return np.array([w["weight"][i // g][:, i % g] @ asked[i // g] + w["bias"][i] for i in range(classes)])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("classes", "groups"), [(7, 3), (7, 100), (100, 8)])
def test_the_decoder_is_the_paper_s(classes: int, groups: int) -> None:
    torch.manual_seed(classes)
    head = MLDecoder(12, classes, groups, dimensions=16, heads=4).eval()
    with torch.no_grad():
        for weight in head.parameters():
            weight.normal_(0, 0.5)  # none of them may be 0 or 1, which would hide a mistake
    tokens = torch.randn(3, 5, 12)
    weights = {name: value.double().numpy() for name, value in head.state_dict().items()}
    expected = np.array([by_the_paper(t, weights, 4, classes) for t in tokens.double().numpy()])
    with torch.no_grad():
        np.testing.assert_allclose(head(tokens).numpy(), expected, atol=1e-4)


def test_as_many_groups_as_are_needed_hold_all_classes_and_their_queries_are_not_learnt() -> None:
    head = MLDecoder(12, 250, groups=100, dimensions=16)
    assert head.weight.shape == (84, 16, 3)  # 84 groups of 3 hold 250; 100 groups of 3 would leave 16 without a class
    assert head(torch.randn(2, 4, 12)).shape == (2, 250)
    assert "queries" in head.state_dict() and "queries" not in dict(head.named_parameters())


def test_a_class_is_seen_in_one_token_among_many() -> None:
    """Attention finds one token; averaging 32 tokens would leave only a thirty-second of it."""
    torch.manual_seed(0)
    head = MLDecoder(8, 6, dimensions=16, heads=2, dropout=0.0)
    optimizer = torch.optim.Adam(head.parameters(), 1e-2)
    for _ in range(120):
        classes = torch.randint(6, (32,))
        tokens = 0.3 * torch.randn(32, 32, 8)
        tokens[torch.arange(32), torch.randint(32, (32,)), classes] += 3
        loss = torch.nn.functional.cross_entropy(head(tokens), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.3


@pytest.mark.parametrize(("head", "length"), [("linear", 6), ("ml-decoder", 160)])
def test_a_classifier_exports_its_features_and_its_distribution(head: str, length: int) -> None:
    torch.manual_seed(0)
    network = Classifier(DirectMapNet(32, 6), 11, head).eval()
    onnx, _ = export_onnx(Distributions(network), 32, ("embedding", "classes"))
    pictures = np.random.default_rng(0).random((4, 1, 32, 32), np.float32)
    with torch.no_grad():
        embedding, logits = network.both(torch.from_numpy(pictures))
        np.testing.assert_allclose(network(torch.from_numpy(pictures)).numpy(), embedding.numpy(), atol=1e-6)
    session = session_of(onnx, 1)
    assert [o.name for o in session.get_outputs()] == ["embedding", "classes"]
    found, classes = session.run(None, {"image": pictures})
    assert found.shape == (4, length)
    np.testing.assert_allclose(found, embedding.numpy(), atol=1e-4)
    expected = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classes, expected, atol=1e-4)
    assert abs(classes.sum(axis=1) - 1).max() < 1e-5
