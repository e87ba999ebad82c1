"""Embeddings are rotated onto their principal axes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sinonom_cli.networks.backbones import build  # noqa: E402
from sinonom_cli.train.principal_axes import sort_axes  # noqa: E402
from sinonom_cli.train.validate import embed  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def blobs(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    pictures = np.zeros((count, 32, 32), np.uint8)
    for picture in pictures:
        for _ in range(4):
            y, x = rng.integers(2, 22, 2)
            picture[y : y + rng.integers(3, 10), x : x + rng.integers(3, 10)] = 255
    return pictures


def test_turning_the_axes_keeps_distances_and_puts_most_of_the_variance_first() -> None:
    torch.manual_seed(0)
    model, pictures = build("directmap", 24, 32), blobs(200)
    before = embed(model, pictures)
    sort_axes(model, pictures)
    after = embed(model, pictures)
    np.testing.assert_allclose(after @ after.T, before @ before.T, atol=1e-5)
    kept = np.linalg.svd(before - before.mean(axis=0), compute_uv=False) ** 2  # another way to the same numbers
    np.testing.assert_allclose(after.var(axis=0) * len(after), kept, rtol=1e-3, atol=1e-6)

    def order(vectors: np.ndarray) -> np.ndarray:
        return np.argsort(-(vectors @ vectors.T), axis=1, kind="stable")[:, 1:6]

    def agreement(vectors: np.ndarray) -> float:
        wanted = order(before)
        return float(np.mean([len(set(a) & set(b)) / 5 for a, b in zip(order(vectors), wanted, strict=True)]))

    assert agreement(after[:, :8]) > agreement(before[:, :8])


def test_axes_turned_twice_stay_where_they_are() -> None:
    torch.manual_seed(1)
    model, pictures = build("resnet18", 8, 32), blobs(64)
    sort_axes(model, pictures)
    once = embed(model, pictures)
    sort_axes(model, pictures)
    # The last axes of an untrained network have almost no variance, so their directions are not determined.
    np.testing.assert_allclose(embed(model, pictures)[:, :4], once[:, :4], atol=1e-4)
