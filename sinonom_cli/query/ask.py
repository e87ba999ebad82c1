"""From pictures to answers: find index and model, embed, search, compare with the truth, show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from sinonom_cli import console
from sinonom_cli.artifacts.imageset import PICTURE_SUFFIXES
from sinonom_cli.artifacts.index import Index, quoted
from sinonom_cli.artifacts.inputs import Item, find_inputs
from sinonom_cli.artifacts.model import Model
from sinonom_cli.errors import ExitCode, SinonomError, usage_error
from sinonom_cli.models.embed_pictures import embed_pictures
from sinonom_cli.models.embedder import Embedder
from sinonom_cli.query.answer import Answer
from sinonom_cli.query.opening import model_of, open_index
from sinonom_cli.query.search import Searcher
from sinonom_cli.query.show import Figures, show
from sinonom_cli.query.truth import Wanted, figures, match, names_of, read_truth, unknown_names

DEPTH = 5
"""MRR and recall are promised at 5, however many answers are shown."""
BATCH = 256
FEW = 8
"""Up to so many pictures, one thread is the quickest."""


@dataclass(frozen=True)
class QueryConfig:
    """What was typed; see the command's help."""

    images: tuple[str, ...]
    index: Path | None
    model: Path | None
    truth: Path | None
    top: int
    distance: str | None
    sheet: Path | None
    workers: int | None
    limit: int | None


def run(config: QueryConfig) -> None:
    """Answer the pictures and print what was asked for.

    Raises
    ------
    SinonomError
        4 for an index, model or truth that does not fit, 6 if some pictures could not be read.
    """
    strays = [name for name in config.images if name.endswith(".faiss")]
    if config.index is None and strays:
        raise usage_error(f"{strays[0]} is an index, not a picture", f"--index {quoted(strays[0])}")
    index = open_index(config.index)
    model = model_of(index, config.model)
    items = find_inputs(config.images, PICTURE_SUFFIXES, "pictures", config.limit)
    wanted = _wanted(config, items, index)
    searcher = Searcher(index, config.distance or index.distance, config.index is None)
    sheet = None
    if config.sheet:
        from sinonom_cli.query.sheet import Sheet

        sheet = Sheet(config.sheet, index, config.top)
    failed: dict[str, str] = {}
    ranks: dict[str, int] = {}
    output = show(config.top, config.index is None)
    for answer in _answers(items, model, searcher, wanted, config, failed):
        ranks[answer.item.key] = answer.rank
        output.answer(answer)
        if sheet:
            sheet.add(answer)
    if wanted:
        output.figures(_figures(wanted, ranks, sorted({DEPTH, config.top})))
    output.close()
    if sheet:
        sheet.close()
    if failed:
        first = next(iter(failed.values()))
        raise SinonomError(
            f"{len(failed)} of {len(items)} pictures could not be used; the first: {first}",
            "mend or leave out the pictures named above",
            ExitCode.SOME_FAILED,
        )


def _wanted(config: QueryConfig, items: Sequence[Item], index: Index) -> dict[str, Wanted]:
    """Return what is relevant by picture key, and warn of what does not fit."""
    if config.truth is None:
        return {}
    matched, missing = match(read_truth(config.truth), items)
    if not matched:
        raise SinonomError(
            f"none of the {len(items)} pictures is in {config.truth}; it begins with {missing[0]}",
            "the column query holds file names of pictures, or paths relative to their folder",
        )
    if missing and config.limit is None:
        console.warn(f"{len(missing)} queries of {config.truth} have no picture, the first is {missing[0]}: not scored")
    if len(matched) < len(items):
        console.warn(f"{len(items) - len(matched)} pictures are not in {config.truth}: answered, not scored")
    unknown = unknown_names(matched, index.rows)
    if unknown:
        console.warn(
            f"{len(unknown)} labels of {config.truth} name nothing in {index.path}: "
            f"they are never found; the first is {unknown[0]}"
        )
    return matched


def _figures(wanted: Mapping[str, Wanted], ranks: Mapping[str, int], depths: list[int]) -> Figures:
    """Return the figures of all queries and of each kind; a picture that could not be read found nothing."""
    found = {"all": figures([ranks.get(key, 0) for key in wanted], depths)}
    for kind in sorted({query.kind for query in wanted.values()} - {""}):
        found[kind] = figures([ranks.get(key, 0) for key, query in wanted.items() if query.kind == kind], depths)
    return found


def _answers(
    items: Sequence[Item],
    model: Model,
    searcher: Searcher,
    wanted: Mapping[str, Wanted],
    config: QueryConfig,
    failed: dict[str, str],
) -> Iterator[Answer]:
    """Yield the answer to each picture that can be read, in order; note why others cannot in `failed`."""
    few = len(items) <= FEW
    embedder = Embedder(model, 1 if few else 0)
    workers = 0 if few else config.workers
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    paths = [[item.path for item in batch] for batch in batches]
    # A bar for what takes less than a second would cost more than it tells.
    bar = console.progress(len(items), "pictures") if len(items) > BATCH else nullcontext()
    with bar as progress:
        for batch, embedded in zip(batches, embed_pictures(embedder, paths, model.size, workers), strict=True):
            for position, reason in embedded.failures.items():
                path = str(batch[position].path)
                failed[batch[position].key] = reason if path in reason else f"{path}: {reason}"
                console.warn(failed[batch[position].key])
            read = (item for position, item in enumerate(batch) if position not in embedded.failures)
            found = searcher.answers(embedded.vectors, max(config.top, DEPTH)) if len(embedded.vectors) else ()
            for item, (numbers, distances) in zip(read, found, strict=True):
                rows = [searcher.index.rows[number] for number in numbers]
                relevant = None
                if item.key in wanted:
                    relevant = [bool(names_of(row) & wanted[item.key].names) for row in rows]
                yield Answer(item, rows, distances, relevant)
            if progress is not None:
                progress.advance(len(batch))
