"""Run `train-detector`: train the detector of characters that ships, export it as ONNX, and measure it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.errors import OutputInTheWay, need
from sinonom_cli.layout.detect import SIZE, Detector
from sinonom_cli.layout.glyph_bank import GlyphBank
from sinonom_cli.layout.measure import Agreement, box_overlaps, pairs
from sinonom_cli.layout.suppress import SAME
from sinonom_cli.layout.yolo_pages import Page, check_readable, corners, read_pages
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.pictures.page_ink import page_ink
from sinonom_cli.storage.atomic import cannot_write, write_bytes
from sinonom_cli.storage.fingerprints import each, identity_of, mark_of
from sinonom_cli.storage.image_set import ImageSet, read_imageset
from sinonom_cli.storage.record import Artifact, begin, finish, writing

TRIED = 64
"""Number of composed pictures that the detector is measured on."""
UNSEEN = 2**31
"""Added to the seed for pictures that the detector is measured on."""


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Options of `sinonom train-detector`.

    Attributes
    ----------
    sets : image sets of characters.
    out : the detector to make.
    pages : folder of pages with boxes, in YOLO's layout; None: none.
    steps, batch : number of batches, and pictures in each.
    seed : of weights and pictures.
    workers : processes that make pictures.
    threads : threads of the network; None: as many as PyTorch chooses.
    overwrite : whether to replace a detector.
    """

    sets: tuple[Path, ...]
    out: Path
    pages: Path | None = None
    steps: int = 4000
    batch: int = 16
    seed: int = 0
    workers: int = 1
    threads: int | None = None
    overwrite: bool = False

    def options(self) -> dict[str, Any]:
        """Return the options that change the detector."""
        return {"steps": self.steps, "batch": self.batch, "seed": self.seed}


def run(config: DetectorConfig) -> Artifact:
    """Train, export and measure a detector.

    Returns
    -------
    A folder with `characters.onnx` and `artifact.json`; its `val` holds precision, recall and F1 at IoU 0.5 on the
    pages for "val", and `composed` those on composed pictures that were not learnt from.

    Raises
    ------
    SinonomError
        If sets or pages cannot be read, or something is in the way of the output.
    """
    sets = [read_imageset(path) for path in config.sets]
    pages = read_pages(config.pages) if config.pages else {"train": [], "val": []}
    check_readable(pages)
    for module in ("torch", "safetensors", "onnx", "onnxscript"):
        need(module, "train")
    read = [*config.sets, *([config.pages] if config.pages else [])]
    with writing(config.out, "detector", read):
        return _made(config, sets, pages)


def _made(config: DetectorConfig, sets: Sequence[ImageSet], pages: dict[str, list[Page]]) -> Artifact:
    files = [item for part in pages.values() for page in part for item in (page.item, page.label)]
    inputs = {
        "sets": [{"path": images.path.name, "sha256": images.identity} for images in sets],
        "pages": identity_of(files, each(mark_of, files)),
    }
    artifact = begin(config.out, "detector", config.options(), inputs, config.overwrite)
    if artifact.record.get("inputs") != inputs:
        raise OutputInTheWay(f"{config.out} was trained on other pictures", "use --overwrite, or another output")
    if artifact.state == "complete":
        messages.say(f"{config.out} is complete: nothing to do")
        return artifact
    from sinonom_cli.layout.detector_network import Decoded
    from sinonom_cli.layout.detector_training import Pictures, Training
    from sinonom_cli.networks.onnx_export import export_onnx

    bank = GlyphBank(sets, config.seed)
    boxed = [_boxed(page) for page in pages["train"]]
    messages.say(f"{len(bank):,} characters in {len(bank.groups)} groups, {len(boxed)} boxed pages")
    _use_threads(config.threads)
    state = config.out.absolute() / "resume" / "state.safetensors"
    pictures = Pictures(bank, boxed, config.seed, config.steps * config.batch)
    whose = json.dumps([artifact.record["options"], inputs])
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        training = Training(pictures, config.steps, config.batch, state, whose)
        network = training.run(config.workers, _report)
        onnx, _ = export_onnx(Decoded(network), 256, ("boxes",), step=32)
        write_bytes(config.out / "characters.onnx", onnx)
    except OSError as error:
        raise cannot_write(config.out, error) from error
    detector = Detector(config.out / "characters.onnx", threads=0)
    unseen = Pictures(bank, (), config.seed + UNSEEN, TRIED)
    scores = {"composed": measured(detector, (unseen.picture(number) for number in range(TRIED)), SIZE)}
    if pages["val"]:
        scores["val"] = measured(detector, map(_boxed, pages["val"]))
    for name, each_score in scores.items():
        text = "precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f} at IoU 0.5".format(**each_score)
        messages.say(f"{name}: {text}")
    finish(artifact, counts={"characters": len(bank), "pages": len(boxed)}, **scores)
    state.unlink(missing_ok=True)
    if not any(state.parent.iterdir()):
        state.parent.rmdir()
    return artifact


def _report(step: int, middles: float, boxes: float) -> None:
    messages.detail(f"step {step:,}: loss of middles {middles:.3f}, of boxes {boxes:.3f}")


def _use_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def _boxed(page: Page) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the ink of a page and its boxes in pixels."""
    grey = load_picture(page.item.path, whole=True)
    boxes = corners(page.boxes, grey.shape[1], grey.shape[0])
    ink = page_ink(grey)
    return (np.zeros(grey.shape, np.float32) if ink is None else ink), boxes


def measured(
    detector: Detector,
    pictures: Iterable[tuple[NDArray[np.float32], NDArray[np.float64]]],
    size: float | None = None,
) -> dict[str, float]:
    """Return precision, recall and F1 of a detector; a box is right from an IoU of 0.5.

    Parameters
    ----------
    pictures : ink and boxes.
    size : height of an ordinary character, pixels; None: the detector finds it.
    """
    total = Agreement()
    for ink, boxes in pictures:
        found = detector.find(ink, size)
        right = len(pairs(box_overlaps(found.boxes, boxes), found.scores))
        total += Agreement(right=right, found=len(found.boxes), true=len(boxes))
    return {"precision": total.precision, "recall": total.recall, "f1": total.f1, "boxes": total.true, "iou": SAME}
