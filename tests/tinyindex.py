"""A tiny index of given vectors for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sinonom_cli.search.index import Index, read_index
from sinonom_cli.search.index_files import write_index
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.record import begin


def tiny_index(
    path: Path,
    vectors: np.ndarray,
    labels: list[str] | None = None,
    distance: str = "euclidean",
    identity: str = "0",
) -> Index:
    """Write an index of (N, D) float32 vectors, row i showing i.png, by the model with this identity, and open it."""
    labels = labels or [""] * len(vectors)
    rows = [Row(f"{i}.png", f"{i}.stl", label, "", "set") for i, label in enumerate(labels)]
    artifact = begin(path, "index", {"sets": ["set"]}, {})
    write_index(artifact, [vectors], rows, model={"identity": identity, "path": "m"}, distance=distance)
    return read_index(path)
