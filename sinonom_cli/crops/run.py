"""Run `crop-nomnaocr`: read the list, cut every patch, write the image set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinonom_cli import messages
from sinonom_cli.crops.boxes import digest, pictures_in, read_boxes
from sinonom_cli.crops.column_pages import COLUMNS_ABREAST
from sinonom_cli.crops.contact_sheet import chosen, draw_sheet
from sinonom_cli.crops.crop_column import CropColumn
from sinonom_cli.crops.label_check import read_reader
from sinonom_cli.crops.set_doubts import say_what_was_left_out, warn_of_other_text
from sinonom_cli.crops.transcripts import LIST, find_patches, paged, read_exclusions, read_list, without
from sinonom_cli.errors import SinonomError
from sinonom_cli.layout.detector import read_localizer
from sinonom_cli.parallel.batch import BatchOptions, fill
from sinonom_cli.reports.contact_sheet import refuse_other_than_sheet
from sinonom_cli.storage import image_set
from sinonom_cli.storage.atomic import sha256_of
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.record import Artifact
from sinonom_cli.storage.walk import pages_of


@dataclass(frozen=True, kw_only=True)
class CropConfig:
    """Options of `sinonom crop-nomnaocr`."""

    patches: Path
    out: Path
    transcripts: Path | None
    exclude: Path | None
    localizer: Path | None
    boxes: Path | None
    size: int
    doubtful_below: float
    keep_doubtful: bool
    check: bool
    limit: int | None
    sheet: Path | None
    sheet_columns: int
    sheet_worst: bool
    seed: int
    batch: BatchOptions


def run(config: CropConfig) -> Artifact:
    """Cut the patches of a NomNaOCR folder into labelled pictures.

    Returns
    -------
    The image set. `metadata.csv` has a column `confidence` in [0, 1] and, with a localizer or boxes, `agreement` in
    [0, 1]. With `keep_doubtful` it has `doubtful`, the reason or ""; otherwise `doubtful.csv` lists doubtful crops.
    With `check`, doubtful crops have `looks_like`, the character that they look like if that is the reason.
    """
    if config.sheet is not None:
        refuse_other_than_sheet(config.sheet)
    items, options, passed_over = _columns(config)
    listed = len(items)
    if config.exclude is not None:
        items = without(items, read_exclusions(config.exclude))
        if not items:
            raise SinonomError(f"{config.exclude} excludes all of {listed} patches", "exclude fewer")
    left_out = listed - len(items)
    options |= {
        "size": config.size,
        "localizer": None,
        "doubtful_below": config.doubtful_below,
        "keep_doubtful": config.keep_doubtful,
    }
    if config.localizer is not None:
        read_localizer(config.localizer)  # A file that is not a detector stops the run before the first patch.
        options["localizer"] = sha256_of(config.localizer)
        if config.exclude is not None:
            options["excluded"] = left_out  # Exclusions change which columns share a page of the detector.
        items = paged(items, COLUMNS_ABREAST)
    if config.check:
        options["check"] = read_reader().identity  # A damaged model or index stops the run before the first patch.
    items = items[: config.limit]
    judged = ("confidence", *(("agreement",) if config.localizer or config.boxes else ()))
    seen = ("looks_like",) if config.check else ()
    kept = ("doubtful", *seen) if config.keep_doubtful else ()
    work = CropColumn(
        config.out, config.size, config.localizer, config.doubtful_below, config.keep_doubtful, config.check
    )
    artifact = fill(
        config.out,
        kind="imageset",
        options=options,
        items=items,
        work=work,
        columns=(*image_set.METADATA_COLUMNS, *judged, *kept),
        doubtful=("source", "label", "char", "box", *judged, "reason", *seen),
        batch=config.batch,
        what="columns" if config.boxes else "patches",
        extra=lambda: {"excluded": left_out},
        passed_over=passed_over,
        needs=(config.transcripts, config.exclude, config.localizer, config.boxes),
    )
    say_what_was_left_out(artifact)
    if not config.check:
        warn_of_other_text(config.out)
    if config.sheet is not None:
        shown = chosen(items, config.out, config.sheet_columns, config.seed, config.sheet_worst)
        draw_sheet(config.sheet, shown, work)
        messages.say(f"{config.sheet} shows {len(shown)} {'column' if len(shown) == 1 else 'columns'}")
    return artifact


def _columns(config: CropConfig) -> tuple[list[Item], dict[str, Any], dict[str, int]]:
    """Return the columns to cut, the record's options on their origin, and the number of files passed over."""
    try:
        folder, path = find_patches(config.patches, config.transcripts)
    except SinonomError:
        # Boxes may have their own text, but a list that the user names must exist.
        if config.boxes is None or config.transcripts is not None or not config.patches.is_dir():
            raise
        folder, path = config.patches, None
    there = pictures_in(folder, (config.out, *pages_of(config.sheet)))
    pictures = [item.key for item in there]
    listed = read_list(folder, path) if path else []
    options: dict[str, Any] = {"transcripts": sha256_of(path) if path else None}
    if config.boxes is not None:
        texts = {item.key: item.data.transcript for item in listed if not item.data.fault}
        options["boxes"] = digest(config.boxes)
        return read_boxes(config.boxes, folder, texts, pictures), options, there.passed_over
    unlisted = sorted(set(pictures) - {item.key for item in listed})
    if unlisted and config.transcripts is None:  # A list that the user names may cover only some pictures.
        messages.say(f"pictures that {LIST} does not name, left out: {len(unlisted)}; the first: {unlisted[0]}")
    return listed, options, there.passed_over
