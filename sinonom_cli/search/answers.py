"""Embed pictures batch by batch, and search an index for the answers to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from sinonom_cli import messages
from sinonom_cli.networks.embed_pictures import embed_pictures
from sinonom_cli.networks.embedder import Embedder, shortened
from sinonom_cli.networks.turning import Turns
from sinonom_cli.search.probability import Judge, wanted_rows
from sinonom_cli.search.results import Answer
from sinonom_cli.search.upright import upright_for
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.model_folder import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sinonom_cli.search.finder import Finder
    from sinonom_cli.search.relevance import Wanted
    from sinonom_cli.search.rerank import Reranker

BATCH = 256
FEW = 8
"""Largest number of pictures for which one thread is fastest."""


class Batch(NamedTuple):
    """Embeddings of one batch of pictures.

    Attributes
    ----------
    vectors : (n, D) float32, of the pictures that could be read, in order.
    failures : the reasons why other pictures could not be read.
    items : all pictures of the batch.
    spreads : (n,) float64, how much the views of each picture differ, see `spread_of_views`; None without `--tta`.
    turns : how each picture was set upright; None: none was.
    """

    vectors: NDArray[np.float32]
    failures: dict[Item, str]
    items: list[Item]
    spreads: NDArray[np.float64] | None = None
    turns: Turns | None = None

    def read(self) -> Iterator[Read]:
        """Yield each picture that could be read."""
        items = [item for item in self.items if item not in self.failures]
        spreads = [None] * len(items) if self.spreads is None else self.spreads.tolist()
        turns = [0] * len(items) if self.turns is None else self.turns.degrees.tolist()
        sure = [1.0] * len(items) if self.turns is None else self.turns.sure.tolist()
        return map(Read, items, self.vectors, spreads, turns, sure)


class Read(NamedTuple):
    """Picture that could be read, with what `Batch` has of it."""

    item: Item
    vector: NDArray[np.float32]
    spread: float | None
    turn: int
    sure: float


def embedded(
    items: Sequence[Item], model: Model, workers: int | None, tta: bool, dimensions: int | None = None
) -> Iterator[Batch]:
    """Yield the embeddings of pictures, batch by batch and in order.

    Parameters
    ----------
    workers : as in `embed_pictures`; it is ignored for up to `FEW` pictures.
    tta : embed several views of each picture, see `networks.test_time_augmentation`.
    dimensions : number of dimensions that the index holds; None: all.
    """
    few = len(items) <= FEW
    embedder = Embedder(model, 1 if few else 0)
    # A progress bar is not worth its time for work that takes less than a second.
    bar = messages.progress(len(items), "pictures") if len(items) > BATCH else nullcontext()
    with bar as progress:
        for each in batches_embedded(items, embedder, 0 if few else workers, tta, dimensions):
            yield each
            if progress is not None:
                progress.advance(len(each.items))


def batches_embedded(
    items: Sequence[Item],
    embedder: Embedder,
    workers: int | None,
    tta: bool,
    dimensions: int | None = None,
    queries: bool = True,
) -> Iterator[Batch]:
    """Do the same as `embedded` with a given embedder and without a progress bar.

    Parameters
    ----------
    queries : treat pictures that look like a page or a column as failures, and set those upright that are askew, if the
        model is the one that ships.
    """
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    paths = [[item.path for item in batch] for batch in batches]
    size = embedder.model.size
    upright = upright_for(embedder.model) if queries else None
    found = embed_pictures(embedder, paths, size, workers, tta=tta, one_character=queries, upright=upright)
    for batch, each in zip(batches, found, strict=True):
        failures = {}
        for position, reason in each.failures.items():
            item = batch[position]
            reason = item.fault or reason  # noqa: PLW2901  # the fault is known without opening the file
            failures[item] = reason if str(item.path) in reason else f"{item.path}: {reason}"
        yield Batch(shortened(each.vectors, dimensions), failures, list(batch), each.spreads, each.turns)


def answers(
    batches: Iterator[Batch],
    finder: Finder,
    wanted: Mapping[str, Wanted],
    deep: int,
    judge: Judge | None = None,
    reranker: Reranker | None = None,
) -> Iterator[tuple[Item, Answer | str]]:
    """Yield each picture, in order, with its answer or the reason why it could not be read.

    Parameters
    ----------
    batches : from `embedded`.
    wanted : relevant items by picture key.
    deep : number of answers; there are fewer if the index is smaller.
    judge : computes probabilities from the energies of the answers, also where `reranker` changes the order.
    reranker : changes the order of the answers.
    """
    looked_at = max(deep + 1, wanted_rows(finder.searcher) if judge else 0)
    for batch in batches:
        found = finder.answers(batch.vectors, looked_at) if len(batch.vectors) else iter(())
        read = batch.read()
        for item in batch.items:
            if item in batch.failures:
                yield item, batch.failures[item]
                continue
            asked, (numbers, distances, energies) = next(read), next(found)
            rows = {number: finder.index.rows[number] for number in numbers}
            sure, known = judge(list(rows.values()), energies, asked.spread, asked.sure) if judge else ([], None)
            of = dict(zip(numbers, sure, strict=False))
            beyond = None if reranker else energies[deep] if len(energies) > deep else float("inf")
            numbers, distances, energies = numbers[:deep], distances[:deep], energies[:deep]
            if reranker:
                order = reranker(item.path, numbers, energies, asked.turn)
                numbers, distances = [numbers[place] for place in order], [distances[place] for place in order]
            shown = [rows[number] for number in numbers]
            sought = wanted.get(item.key)
            relevant = [sought.by(row) for row in shown] if sought else []
            likely = [of[number] for number in numbers] if judge else []
            yield (
                item,
                Answer(
                    item,
                    shown,
                    distances,
                    sought,
                    relevant,
                    likely,
                    known,
                    beyond,
                    energies.tolist(),
                    numbers,
                    turn=asked.turn,
                ),
            )
