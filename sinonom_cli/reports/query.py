"""Answer pictures: find the index and the model, embed, search, compare with the truth, and show the answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError, UsageError
from sinonom_cli.networks.embed_pictures import PAGE
from sinonom_cli.pictures.deep_pictures import warn_of_height_maps
from sinonom_cli.reports.text import show
from sinonom_cli.search.answers import answers, embedded
from sinonom_cli.search.finder import Finder
from sinonom_cli.search.index import Index
from sinonom_cli.search.integrity import quoted
from sinonom_cli.search.opening import model_of, open_index
from sinonom_cli.search.probability import Judge, Way, judge_of, uncalibrated
from sinonom_cli.search.rerank import Reranker, count_of
from sinonom_cli.search.results import Answer, AnswerWriter, figures_of
from sinonom_cli.search.rows import Row
from sinonom_cli.search.searcher import Searcher
from sinonom_cli.storage.image_set import PICTURE_SUFFIXES
from sinonom_cli.storage.inputs import Item, find_inputs
from sinonom_cli.storage.model_folder import DEFAULT, Model
from sinonom_cli.storage.overlap import refuse_overlap
from sinonom_cli.storage.walk import pages_of

if TYPE_CHECKING:
    from sinonom_cli.search.relevance import Wanted
    from sinonom_cli.search.stale import Stale

DEPTH = 5
"""Number of answers at which MRR and recall are always computed, however many answers are shown."""
DEEP = 20
"""Greatest rank that a table of scores and a report show."""


@dataclass(frozen=True, kw_only=True)
class QueryConfig:
    """Options of the command `query`; its help explains them."""

    images: tuple[str, ...]
    index: Path | None
    model: Path | None
    truth: Path | None
    top: int
    distance: str | None
    rerank: int | None
    csv: str | None
    pictures: str | None
    sheet: Path | None
    scores: Path | None
    report: Path | None
    workers: int | None
    limit: int | None
    json: bool = False
    tta: bool = False
    reject: bool = False
    calibrate: bool = False
    names: bool = True

    @property
    def written(self) -> list[Path]:
        """Files that the answers are written to."""
        return [path for path in (self.sheet, self.scores, self.report) if path]


def run(config: QueryConfig) -> None:
    """Answer the pictures, and print and write what the options ask for.

    Raises
    ------
    SinonomError
        With exit code 4, if the index, the model or the truth does not fit, or if no picture could be read; with 6, if
        some pictures could not be read.
    """
    _refuse_typed_wrongly(config)
    index = open_index(config.index)
    stale = _stale(config, index)
    model = model_of(index, config.model)
    items = find_inputs(config.images, PICTURE_SUFFIXES, "pictures", config.limit, skip=pages_of(config.sheet))
    for written in config.written:
        refuse_overlap(written, [*(item.path for item in items), *([config.truth] if config.truth else [])])
    warn_of_height_maps([item.path for item in items if not item.fault])
    wanted, right = _wanted(config, items, index)
    # An index of characters answers with characters instead of pictures.
    characters = config.index is None or index.prototypes is not None
    finder = Finder(Searcher(index, config.distance or index.distance, characters, model), config.names)
    batches = embedded(items, model, config.workers, config.tta, index.record.dimension)
    if config.calibrate:
        from sinonom_cli.search.calibrate import calibrate

        _refuse_failed(items, calibrate(finder, config.tta, batches, wanted, right.keys(), as_json=config.json))
        return
    config = replace(config, rerank=count_of(config.rerank, index))
    judge = _judge(config, index, finder.way(config.tta))
    outputs = _outputs(config, index, model, right, characters, judge)
    reranker = Reranker(index, config.rerank) if config.rerank else None
    ranks: dict[str, int] = {}
    failed: list[str] = []
    for item, result in answers(batches, finder, wanted, _deep(config), judge, reranker):
        if isinstance(result, Answer):
            if result.wanted:
                ranks[item.key] = result.rank
            looked_at = stale.look_at(result, config.top) if stale else result
            for output in outputs:
                output.answer(looked_at)
        else:
            failed.append(result)
            if len(items) > 1:
                messages.warn(result)
            for output in outputs:
                output.unread(item, wanted.get(item.key), result)
    if wanted:
        found = figures_of(ranks, wanted, sorted({DEPTH, config.top}))
        for output in outputs:
            output.figures(found)
    for output in outputs:
        output.close()
    if stale:
        stale.warn()
    _refuse_failed(items, failed)


def _stale(config: QueryConfig, index: Index) -> Stale | None:
    """Return the check for sets and pictures that have changed since they were indexed.

    None means that the rows of the index show no pictures.
    """
    if config.index is None or index.prototypes:
        return None
    from sinonom_cli.search.stale import Stale

    return Stale(index)


def _refuse_failed(items: Sequence[Item], failed: Sequence[str]) -> None:
    if len(items) == 1 and failed:
        page = "cut out one character; sinonom crop-nomnaocr cuts columns and pages with transcripts or boxes"
        raise SinonomError(
            failed[0], page if PAGE in failed[0] else "give another picture; PNG, JPEG, TIFF, WebP and BMP can be read"
        )
    if failed:
        raise SinonomError(
            f"{len(failed)} of {len(items)} pictures could not be used; the first: {failed[0]}",
            "repair or leave out the pictures named above",
            ExitCode.SOME_FAILED if len(failed) < len(items) else ExitCode.BAD_INPUT,
        )


def _refuse_typed_wrongly(config: QueryConfig) -> None:
    strays = [name for name in config.images if name.endswith(".faiss")]
    if config.index is None and strays:
        raise UsageError(f"{strays[0]} is an index, not a picture", f"--index {quoted(strays[0])}")
    if config.scores and not config.truth:
        raise UsageError("--scores compares answers with the right ones, and needs --truth", "--truth truth.csv")
    if (config.csv is not None) + (config.pictures is not None) + config.json > 1:
        raise UsageError("--csv, --json and --pictures cannot be combined", "choose one of them")
    if config.calibrate:
        _refuse_uncalibratable(config)


def _refuse_uncalibratable(config: QueryConfig) -> None:
    if config.truth is None:
        raise UsageError("--calibrate compares answers with right ones", "--truth truth.csv")
    if config.index is None:
        raise UsageError("--calibrate needs --index", "--index db.faiss; the index that ships is calibrated already")
    if any((config.rerank, config.reject, config.csv, config.pictures, config.written)):
        raise UsageError(
            "--calibrate fits probabilities to distances and shows no answers",
            "leave out --rerank, --reject, --csv, --pictures, and the options that write files",
        )


def _judge(config: QueryConfig, index: Index, way: Way) -> Judge | None:
    """Return the judge that gives answers their probabilities; None if the index has no fitting calibration."""
    judge = judge_of(index, way, config.reject)
    if judge is None and index.record.calibration:
        messages.say(f"{uncalibrated(index, way)}: no probabilities")
    return judge


def _outputs(
    config: QueryConfig, index: Index, model: Model, right: Mapping[str, Row], characters: bool, judge: Judge | None
) -> list[AnswerWriter]:
    """Return the outputs that the answers go to: stdout first, then files."""
    outputs = [_shown(config, index, characters, judge is not None)]
    if config.sheet:
        from sinonom_cli.reports.answer_sheet import Sheet

        outputs.append(Sheet(config.sheet, index, config.top))
    if config.scores:
        from sinonom_cli.reports.scores import Scores

        outputs.append(Scores(config.scores))
    if config.report:
        from sinonom_cli.reports.html_report import Report

        searched = index.path if config.index else "the characters that ship"
        about = {
            "index": f"{searched}, {len(index.rows):,} {'prototypes' if index.prototypes else 'pictures'}",
            "model": f"{'the one that ships' if model.path == DEFAULT else model.path} ({model.identity[:12]})",
            "distance": config.distance or index.distance,
        }
        about |= {"right answers": str(config.truth)} if config.truth else {}
        outputs.append(Report(config.report, index, config.top, _deep(config), right, about))
    return outputs


def _shown(config: QueryConfig, index: Index, characters: bool, sure: bool) -> AnswerWriter:
    """Return the output that shows the answers on stdout."""
    if config.pictures:
        from sinonom_cli.reports.terminal_pictures import protocol_of
        from sinonom_cli.reports.terminal_strip import Strips

        auto = protocol_of(os.environ) if sys.stdout.isatty() else None
        protocol = auto if config.pictures == "auto" else config.pictures
        if protocol:
            return Strips(index, config.top, characters, protocol)
        messages.warn(
            "this terminal is not known to show pictures; try --pictures sixel, or write a page with --report"
        )
    return show(config.top, characters, config.csv, sure, as_json=config.json)


def _deep(config: QueryConfig) -> int:
    """Return the number of answers that each query needs."""
    return max(config.top, config.rerank or 0, DEEP if config.scores or config.report else DEPTH)


def _wanted(config: QueryConfig, items: Sequence[Item], index: Index) -> tuple[dict[str, Wanted], dict[str, Row]]:
    """Return the relevant items by picture key, and a row of the index for each of their names.

    Warn of queries without a picture, of pictures without a truth, and of labels that name nothing in the index.
    """
    if config.truth is None:
        return {}, {}
    from sinonom_cli.search.meaning import resolve
    from sinonom_cli.search.relevance import match, read_truth

    matched, missing = match(read_truth(config.truth), items)
    if not matched:
        raise SinonomError(
            f"none of the {len(items)} pictures is in {config.truth}, whose first query is {missing[0]}",
            "the column query holds file names of pictures, or paths relative to their folder",
        )
    if missing and config.limit is None:
        messages.warn(
            f"{len(missing)} queries of {config.truth} have no picture (the first is {missing[0]}) and are not scored"
        )
    if len(matched) < len(items):
        messages.warn(
            f"{len(items) - len(matched)} pictures are not in {config.truth}; they are answered but not scored"
        )
    matched, right = resolve(matched, index.rows)
    unknown = sorted(set().union(*(wanted.names for wanted in matched.values())) - right.keys())
    if not right:
        raise SinonomError(
            f"no label of {config.truth} names anything in {index.path}; the first is {unknown[0]}",
            "labels are paths or file names (columns item and source of the index's rows), code points or characters",
        )
    if unknown:
        messages.warn(
            f"{len(unknown)} labels of {config.truth} name nothing in {index.path} "
            f"and cannot be found; the first is {unknown[0]}"
        )
    return matched, right
