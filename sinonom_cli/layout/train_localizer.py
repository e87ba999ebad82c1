"""Run `train-localizer`: train a detector of characters on pages with boxes, export it as ONNX, and measure it."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError, need
from sinonom_cli.layout.detector import Localizer
from sinonom_cli.layout.measure import Agreement, box_overlaps, pairs
from sinonom_cli.layout.suppress import SAME
from sinonom_cli.layout.yolo_pages import Page, check_readable, corners, read_pages
from sinonom_cli.parallel.batch import refuse_changed
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.storage.atomic import cannot_write, replacing, save_png, write_text
from sinonom_cli.storage.fingerprints import each, identity_of, mark_of
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.journal import finished, write_items
from sinonom_cli.storage.record import Artifact, begin, finish, writing
from sinonom_cli.storage.removal import SCRATCH


@dataclass(frozen=True, kw_only=True)
class LocalizerConfig:
    """Options of `sinonom train-localizer`."""

    pages: Path
    out: Path
    epochs: int
    model_size: str
    image_size: int
    batch: int
    seed: int
    device: str
    overwrite: bool


def run(config: LocalizerConfig) -> Artifact:
    """Train on `train`, export, and measure on `val` in the way that `crop-nomnaocr --localizer` runs the detector.

    Returns
    -------
    A folder with `localizer.onnx` and `artifact.json`; its `val` holds precision, recall and F1 at IoU 0.5.
    """
    pages = read_pages(config.pages)
    check_readable(pages)
    options = {
        "epochs": config.epochs,
        "model_size": config.model_size,
        "image_size": config.image_size,
        "batch": config.batch,
        "seed": config.seed,
    }
    files = _files(pages)
    with _quiet_ultralytics(), writing(config.out, "localizer", [config.pages, *(item.path for item in files)]):
        need("ultralytics", "localize")
        need("onnx", "localize")
        return _made(config, pages, options, files)


def _files(pages: dict[str, list[Page]]) -> list[Item]:
    """Return the files of all pages, pictures and boxes; each key is the path below the folder of pages."""
    return [
        replace(item, key=f"{kind}/{part}/{item.key}")
        for part, members in pages.items()
        for page in members
        for kind, item in (("images", page.item), ("labels", page.label))
    ]


def _made(
    config: LocalizerConfig, pages: dict[str, list[Page]], options: dict[str, Any], files: list[Item]
) -> Artifact:
    marks = each(mark_of, files)
    inputs = identity_of(files, marks)
    artifact = begin(config.out, "localizer", options, inputs, config.overwrite)
    if artifact.record.get("inputs") != inputs:
        refuse_changed(config.out, files, finished(config.out))
        raise SinonomError(
            f"{config.out} was trained on other pages", "--overwrite, or another output", ExitCode.OUTPUT_IN_THE_WAY
        )
    if artifact.state == "complete":
        messages.say(f"{config.out} is complete: nothing to do")
        return artifact
    resume = config.out.absolute() / "resume"
    scratch = resume / SCRATCH
    try:
        write_items(config.out, files, marks)
        trained = _train(config, pages, resume / "state.safetensors", scratch, json.dumps([options, inputs]))
        with replacing(config.out / "localizer.onnx") as temporary:
            shutil.copyfile(trained, temporary)
    except OSError as error:
        raise cannot_write(config.out, error) from error
    scores = measure(Localizer(config.out / "localizer.onnx", threads=0), pages["val"])
    messages.say("val: precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f} at IoU 0.5".format(**scores))
    counts = {f"{part}_pages": len(members) for part, members in pages.items()}
    counts |= {f"{part}_boxes": sum(len(page.boxes) for page in members) for part, members in pages.items()}
    finish(artifact, counts=counts, val=scores)
    shutil.rmtree(scratch, ignore_errors=True)
    (resume / "state.safetensors").unlink(missing_ok=True)
    if not any(resume.iterdir()):
        resume.rmdir()
    return artifact


def measure(localizer: Localizer, pages: list[Page]) -> dict[str, Any]:
    """Return precision, recall and F1 of a detector's boxes on pages; a box is correct from IoU 0.5."""
    total = Agreement()
    for page in pages:
        grey = load_picture(page.item.path, whole=True)
        boxes, scores = localizer.boxes(grey)
        truth = corners(page.boxes, grey.shape[1], grey.shape[0])
        right = len(pairs(box_overlaps(boxes, truth), scores))
        total += Agreement(right=right, found=len(boxes), true=len(truth))
    return {
        "precision": total.precision,
        "recall": total.recall,
        "f1": total.f1,
        "boxes": total.true,
        "iou": SAME,
    }


def _copied(pages: dict[str, list[Page]], scratch: Path) -> Path:
    """Copy pages and labels, with one class, and return the file that describes them to YOLO.

    Pages are written as `crop-nomnaocr` shows them to the detector: grey, rotated as their EXIF data says, 16-bit ones
    stretched. Copies are needed because ultralytics writes caches beside the files that it reads, and because labels
    of several classes would train several. Files of an earlier run are deleted, as ultralytics would unpickle some.
    """
    for name in ("images", "labels", "run"):
        shutil.rmtree(scratch / name, ignore_errors=True)
    for part, members in pages.items():
        for number, page in enumerate(members):
            name = f"{number:05d}"
            save_png(scratch / "images" / part / f"{name}.png", load_picture(page.item.path, whole=True))
            lines = [" ".join(["0", *(f"{value:.6f}" for value in box)]) for box in page.boxes]
            write_text(scratch / "labels" / part / f"{name}.txt", "\n".join(lines) + "\n" if lines else "")
    described = scratch / "pages.yaml"
    lines = [f"path: '{scratch.as_posix()}'", "train: images/train", "val: images/val", "names:", "  0: character"]
    write_text(described, "\n".join(lines) + "\n")
    return described


@contextmanager
def _quiet_ultralytics() -> Iterator[None]:
    """Keep ultralytics from the network and from the user's home folder: no fonts, no settings, no installs.

    ultralytics reads these environment variables when it is imported. It also replaces Pillow's `Image.open` by a
    function that needs another package for files that are not pictures; the original is restored afterwards.
    """
    from PIL import Image

    matplotlib = need("matplotlib", "localize")
    opened = Image.open
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    with TemporaryDirectory(prefix="sinonom-") as name:
        settings = Path(name)
        for folder in (settings, settings / "Ultralytics"):  # Its versions look in different folders.
            folder.mkdir(exist_ok=True)
            for wanted in ("Arial.ttf", "Arial.Unicode.ttf"):
                shutil.copyfile(font, folder / wanted)
        os.environ.update(
            YOLO_OFFLINE="true", YOLO_VERBOSE="false", YOLO_AUTOINSTALL="false", YOLO_CONFIG_DIR=str(settings)
        )
        try:
            yield
        finally:
            Image.open = opened


def _train(config: LocalizerConfig, pages: dict[str, list[Page]], state: Path, scratch: Path, whose: str) -> Path:
    """Train from scratch or from the state of a killed run, and return the exported ONNX file."""
    from sinonom_cli.layout.yolo_training import train

    options = {
        "model": f"yolov8{config.model_size}.yaml",
        "data": str(_copied(pages, scratch)),
        "epochs": config.epochs,
        "imgsz": config.image_size,
        "batch": config.batch,
        # Each batch is one step; with few pages, gathering 64 of them first would leave one step per epoch.
        "nbs": config.batch,
        "warmup_epochs": 1,
        # Characters have one orientation; rotated or mirrored ones would be other characters.
        "fliplr": 0.0,
        "degrees": 1.0,
        "close_mosaic": max(1, config.epochs // 5),
        # With this cache, mosaics use any pages; otherwise they use the last pages read, which a kill would change.
        "cache": "ram",
        "patience": 0,
        "val": False,
        "seed": config.seed,
        "deterministic": True,
        "device": _device(config.device),
        "workers": 0,
        "amp": False,
        "plots": False,
        "pretrained": False,
        "verbose": False,
        "project": str(scratch),
        "name": "run",
        "exist_ok": True,
    }
    return train(options, state, scratch, whose, config.image_size, len(pages["train"]))


def _device(device: str) -> str | int:
    """Return a device as ultralytics names it."""
    import torch

    if device == "auto":
        return 0 if torch.cuda.is_available() else "cpu"
    return int(device.partition(":")[2] or 0) if device.startswith("cuda") else device
