"""Draw a batch for people to look at: the network's input beside the pictures that it was made from."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sinonom_cli import messages
from sinonom_cli.reports.contact_sheet import FAINT, INK, fitted, refuse_other_than_sheet, sheet_font, write_sheet
from sinonom_cli.storage.atomic import write_text
from sinonom_cli.train.batches import MakeBatch
from sinonom_cli.train.config import Config
from sinonom_cli.train.datasets import prepare_material, read_sets
from sinonom_cli.train.distributed import Ranks
from sinonom_cli.train.split import Pictures

SIDE, GAP, CAPTION = 64, 6, 14
VIEWS_ABREAST = 8
MOST = 96
"""Largest number of pictures of a batch that are drawn; they fit on a screen."""


def show_batch(config: Config, path: Path) -> None:
    """Draw the first batch that a training with these options would learn from, and write no model.

    Raises
    ------
    SinonomError
        As `run` does for unfit sets; with exit code 5, if `path` exists and is no such picture.
    """
    refuse_other_than_sheet(path, "--show-batch")
    given = read_sets(config)
    material = prepare_material(config, given, Ranks(), None, None, again=False)
    make = material.make
    rows = make.sampler.batch(0)
    batch = make(0)
    labels = [material.pictures.labels[k] for k in batch.classes]
    draw_batch(path, batch.pictures, labels, material.cells[make.positions[rows]])
    messages.say(
        f"{min(MOST, len(labels))} of {len(labels)} pictures of a batch: from file, and as the network sees it"
    )


def show_step(make: MakeBatch, step: int, pictures: Pictures, folder: Path) -> Path:
    """Draw the batch of a step, counted from 1, as `step-N.png` in `folder`, and list its files in `step-N.csv`.

    Returns
    -------
    The path of the table, whose columns are file and label.
    """
    rows = make.sampler.batch(step - 1)[make.ranks.share(make.sampler.classes * make.sampler.images)]
    labels = [pictures.labels[k] for k in pictures.classes[rows]]
    name = f"step-{step}" if make.ranks.size == 1 else f"step-{step}-of-{make.ranks.rank}"
    draw_batch(folder / f"{name}.png", make(step - 1).pictures, labels, make.cells[make.positions[rows]])
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(
        [("file", "label"), *((pictures.paths[row].as_posix(), label) for row, label in zip(rows, labels, strict=True))]
    )
    write_text(folder / f"{name}.csv", buffer.getvalue())
    return folder / f"{name}.csv"


def draw_batch(path: Path, seen: NDArray[np.uint8], labels: list[str], clean: NDArray[np.uint8] | None) -> None:
    """Draw the first pictures of a batch, each beside the clean one that it was made from.

    Parameters
    ----------
    path : PNG file to write.
    seen : (N, S, S) uint8 ink, 255 = full ink.
    labels : N labels.
    clean : (N, S, S) uint8 ink; None: not known.
    """
    count = min(MOST, len(seen))
    wide = SIDE * (1 if clean is None else 2)
    rows = -(-count // VIEWS_ABREAST)
    page = Image.new("L", (VIEWS_ABREAST * (wide + GAP) + GAP, rows * (SIDE + CAPTION + GAP) + GAP), 255)
    draw, font = ImageDraw.Draw(page), sheet_font()
    for k in range(count):
        left = GAP + k % VIEWS_ABREAST * (wide + GAP)
        top = GAP + k // VIEWS_ABREAST * (SIDE + CAPTION + GAP)
        beside = [seen[k]] if clean is None else [clean[k], seen[k]]
        for number, ink in enumerate(beside):
            small = Image.fromarray(255 - ink).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            page.paste(small, (left + number * SIDE, top))
        draw.rectangle((left - 1, top - 1, left + wide, top + SIDE), outline=FAINT[0])
        draw.text((left, top + SIDE + 1), fitted(labels[k], font, wide), fill=INK[0], font=font)
    write_sheet(path, page)
