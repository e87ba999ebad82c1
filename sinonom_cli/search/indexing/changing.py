"""What `index --add` and `index --remove` have in common: an index that can be changed, and its new parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.search.index_files import failures_path, recover
from sinonom_cli.search.index_record import IndexRecord, index_record
from sinonom_cli.search.indexing import faiss_types
from sinonom_cli.search.indexing.assemble import load, pieces
from sinonom_cli.search.indexing.faiss_types import NEAREST
from sinonom_cli.search.integrity import remake, verify
from sinonom_cli.storage.record import Artifact, read_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 0.99
"""Recall below which a warning says that a compressed index should be trained again."""


def opened(path: Path) -> Artifact:
    """Return a complete index that can be changed; raise SinonomError for one in Milvus."""
    recover(path)
    raw = read_record(path, "index")
    record = index_record(raw)
    if record.failed and failures_path(path).exists():
        messages.detail(f"{record.failed} pictures failed before: see {failures_path(path)}")
    if record.store:
        raise SinonomError(f"{path} lies in {record.store.uri}", remake(path, record))
    return Artifact(path, raw, "complete")


def without(path: Path, record: IndexRecord, gone: NDArray[np.bool_], vectors: NDArray[np.float32]) -> Any:
    """Return a compressed index without some of its rows, with the others renumbered, and with new rows after them.

    Parameters
    ----------
    gone : which rows go, (N,) bool.
    vectors : (M, D) float32, those that stay in their order, and then the new ones.
    """
    import faiss

    verify(path, record)
    index = load(path)
    inverted = faiss.try_extract_index_ivf(index)
    kept = int((~gone).sum())
    if inverted is None:  # vectors cannot be removed from a graph, so it is made again
        index = faiss_types.new(record.factory, vectors.shape[1])
        faiss_types.train(index, vectors)
        kept = 0
    else:
        inverted.remove_ids(faiss.IDSelectorBatch(np.flatnonzero(gone)))
        number = np.cumsum(~gone) - 1
        lists: Any = inverted.invlists
        for place in range(inverted.nlist):
            size = lists.list_size(place)
            if size:
                ids = faiss.rev_swig_ptr(lists.get_ids(place), size)
                ids[:] = number[ids]
        index.ntotal = inverted.ntotal
    for block in pieces(vectors, kept):
        index.add(block)
    return index


def warn_of_recall(path: Path, record: IndexRecord, fields: dict[str, Any]) -> None:
    """Warn if a compressed index, which was trained on its earlier vectors, finds too few of the nearest rows."""
    recall = fields.get("measured", {}).get(f"recall@{NEAREST}", 1.0)
    if recall < LEAST:
        messages.warn(f"{path} finds {recall:.3f} of the {NEAREST} nearest now: {remake(path, record)} trains it again")


def arrays_of(artifact: Artifact) -> dict[str, Any]:
    """Return sizes and checksums of the `.npy` files that an index was made from, by name."""
    return dict(artifact.record.get("inputs", {}).get("arrays", {}))


def changed(record: IndexRecord, options: Mapping[str, Any], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record's fields for an index whose rows were changed after one command had made it.

    Parameters
    ----------
    options : the options of the index.
    arrays : as from `arrays_of`, with those that were added.
    """
    if record.calibration:
        messages.warn("the calibration was fitted to the old rows and is removed: run sinonom query --calibrate again")
    inputs = {"changed": True, **({"arrays": dict(arrays)} if arrays else {})}
    return {"options": options, "inputs": inputs, "indexed": {"changed": True}, "calibration": None}
