"""Batches come back in order, complete or with reasons, whether this process or workers embed the pictures."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli.networks import embed_pictures as module
from sinonom_cli.networks.embed_pictures import embed_pictures
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.storage.inputs import Item


def test_workers_change_neither_embeddings_nor_order_nor_reasons(tmp_path: Path) -> None:
    embedder = Embedder(tiny_model(tmp_path / "model"), 1)
    paths = tiny_pictures(tmp_path / "chữ 𡦂", [f"{i}.png" for i in range(23)])
    paths[4].write_bytes(b"no picture")
    for path in paths[10:15]:
        path.unlink()
    batches = [paths[start : start + 5] for start in range(0, 23, 5)]
    here = list(embed_pictures(embedder, batches, 16, 0))
    there = list(embed_pictures(embedder, batches, 16, 2))
    assert [len(result.vectors) for result in here] == [4, 5, 0, 5, 3]
    assert [list(result.failures) for result in here] == [[4], [], [0, 1, 2, 3, 4], [], []]
    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one.vectors, other.vectors)
        assert one.failures == other.failures


def test_an_embedding_that_is_no_number_is_a_failure_of_its_picture(tmp_path: Path) -> None:
    embedder = Embedder(tiny_model(tmp_path / "model", unit=False), 1)
    paths = tiny_pictures(tmp_path / "pictures", ["0.png", "1.png", "2.png"])
    embed = embedder.embed

    def broken(batch: np.ndarray) -> np.ndarray:
        vectors = embed(batch).copy()
        vectors[1, 0] = np.nan
        return vectors

    embedder.embed = broken  # type: ignore[method-assign]
    [result] = embed_pictures(embedder, [paths], 16, 0)
    assert len(result.vectors) == 2 and list(result.failures) == [1]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_picture_that_crashes_its_worker_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = Embedder(tiny_model(tmp_path / "model"), 1)
    paths = tiny_pictures(tmp_path / "pictures", [f"{i}.png" for i in range(6)])
    wanted = list(embed_pictures(embedder, [paths[:3], [paths[3], paths[5]]], 16, 0))
    monkeypatch.setenv("CRASHES_ON", str(paths[4]))
    monkeypatch.setattr(module, "EmbedBatch", CrashingBatch)
    monkeypatch.setattr(module, "Read", CrashingRead)
    got = list(embed_pictures(embedder, [paths[:3], paths[3:]], 16, 2))
    assert [list(result.failures) for result in got] == [[], [1]]
    assert "crashed" in got[1].failures[1]
    for one, other in zip(got, wanted, strict=True):
        assert np.array_equal(one.vectors, other.vectors)


class CrashingBatch(module.EmbedBatch):
    """Function object that crashes as a broken decoder of one picture would."""

    def __call__(self, item: Item) -> list[Any]:
        if os.environ["CRASHES_ON"] in map(str, item.data[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(item)


class CrashingRead(module.Read):
    def __call__(self, item: Item) -> list[Any]:
        if os.environ["CRASHES_ON"] == str(item.path):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(item)


def test_the_mean_over_views_is_the_same_in_a_worker_and_here(tmp_path: Path) -> None:
    embedder = Embedder(tiny_model(tmp_path / "model"), 1)
    paths = tiny_pictures(tmp_path / "pictures", ["0.png", "1.png", "2.png"])
    paths[1].write_bytes(b"no picture")
    (here,) = embed_pictures(embedder, [paths], 16, 0, tta=True)
    (there,) = module.EmbedBatch(embedder.model, tta=True)(Item("0", Path(), (0, tuple(paths))))
    (plain,) = embed_pictures(embedder, [paths], 16, 0)
    assert np.allclose(here.vectors, there.vectors, atol=1e-6) and here.failures == there.failures
    assert list(here.failures) == [1] and np.abs(here.vectors - plain.vectors).max() > 1e-3
    assert np.allclose(np.linalg.norm(here.vectors, axis=1), 1, atol=1e-5)
