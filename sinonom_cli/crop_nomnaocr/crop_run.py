"""`crop-nomnaocr` as a function: read the list, cut every patch, write the image set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinonom_cli.artifacts.artifact import Artifact
from sinonom_cli.artifacts.batch import BatchOptions, fill
from sinonom_cli.artifacts.files import sha256_of
from sinonom_cli.artifacts.imageset import COLUMNS
from sinonom_cli.crop_nomnaocr.columns import CropColumn
from sinonom_cli.crop_nomnaocr.transcripts import find_patches, read_exclusions, read_list, without
from sinonom_cli.errors import SinonomError


@dataclass(frozen=True)
class CropConfig:
    """What `sinonom crop-nomnaocr` was asked to do."""

    patches: Path
    out: Path
    transcripts: Path | None
    exclude: Path | None
    size: int
    limit: int | None
    batch: BatchOptions


def run(config: CropConfig) -> Artifact:
    """Cut the patches of a NomNaOCR folder into labelled pictures.

    Returns
    -------
    The image set; `metadata.csv` has a column `confidence` in [0, 1].
    """
    folder, path = find_patches(config.patches, config.transcripts)
    items = read_list(folder, path)
    listed = len(items)
    if config.exclude is not None:
        items = without(items, read_exclusions(config.exclude))
        if not items:
            raise SinonomError(f"{config.exclude} excludes all of {listed} patches", "exclude fewer")
    left_out = listed - len(items)
    items = items[: config.limit]
    options: dict[str, Any] = {"size": config.size, "transcripts": sha256_of(path)}
    return fill(
        config.out,
        kind="imageset",
        options=options,
        items=items,
        work=CropColumn(config.out, config.size),
        columns=(*COLUMNS, "confidence"),
        batch=config.batch,
        what="patches",
        extra=lambda: {"transcripts": path.name, "excluded": left_out},
    )
