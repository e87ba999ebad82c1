"""Train YOLOv8 with ultralytics (AGPL-3.0; no other module here imports it), so that a killed run can resume.

ultralytics keeps its state as pickles, and reading these runs the code in them. Here the state of each finished epoch
is written as safetensors, and each epoch draws its random numbers from (seed, epoch). A killed run therefore resumes
with the epoch in which it was killed, and ends with the weights of an unbroken run.
"""

import io
import random
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from ultralytics import YOLO
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.callbacks import get_default_callbacks

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.networks import training_state


class Trainer(DetectionTrainer):  # type: ignore[misc]
    """Trainer of ultralytics whose state consists of plain numbers.

    Attributes
    ----------
    state : file with the data that are needed to resume after an epoch.
    whose : text that identifies the pages and options of the state; a state with another text is not read.
    finished : function that is called after each epoch with the number of epochs done since the last call.
    pages : number of pages to train on.
    """

    def __init__(
        self, state: Path, whose: str, finished: Callable[[int], None], options: dict[str, Any], pages: int
    ) -> None:
        super().__init__(overrides=options)
        self.state, self.whose, self.finished, self.pages = state, whose, finished, pages
        self.callbacks = get_default_callbacks()  # These callbacks do not report to online services.
        self.add_callback("on_train_epoch_start", _draw_from_epoch)
        self.add_callback("on_fit_epoch_end", lambda trainer: trainer.finished(1))

    def save_model(self) -> bool:
        """Write the state after an epoch."""
        groups = [
            {name: value for name, value in group.items() if name != "params"}
            for group in self.optimizer.state_dict()["param_groups"]
        ]
        progress = {"epoch": self.epoch, "updates": self.ema.updates, "groups": groups, "whose": self.whose}
        training_state.save(self.state, self._parts, self.optimizer, progress)
        return True

    @property
    def _parts(self) -> dict[str, torch.nn.Module]:
        return {"model": self.model, "mean": self.ema.ema}

    def _do_train(self) -> None:
        self._setup_train()
        if self.start_epoch < self.epochs:  # A run that was killed after its last epoch only needs the export.
            super()._do_train()

    def _setup_train(self) -> None:
        if self.ema is not None:
            return
        super()._setup_train()
        taken = len(self.train_loader.dataset)
        if taken != self.pages:  # ultralytics leaves out some kinds of pages without an error.
            raise SinonomError(f"ultralytics accepts only {taken} of {self.pages} pages")

    def resume_training(self, ckpt: Any) -> None:
        """Continue after the last finished epoch, if there is a state of the same pages and options."""
        if not self.state.is_file():
            return
        if training_state.progress_of(self.state).get("whose") != self.whose:
            messages.warn(f"{self.state} belongs to a training with other options or pages: beginning again")
            return
        progress = training_state.load(self.state, self._parts, self.optimizer)
        self.ema.updates = progress["updates"]
        for group, values in zip(self.optimizer.param_groups, progress["groups"], strict=True):
            group.update(values)
        self.start_epoch = progress["epoch"] + 1
        if self.args.close_mosaic and self.start_epoch > self.epochs - self.args.close_mosaic:
            self._close_dataloader_mosaic()
        messages.say(f"going on after {self.start_epoch} of {self.epochs} epochs")
        self.finished(self.start_epoch)

    def final_eval(self) -> None:
        """Do nothing, because the exported file is measured in the way that it will be run."""

    def _handle_nan_recovery(self, epoch: int) -> bool:
        if self.loss is not None and not torch.isfinite(self.loss).all():
            raise SinonomError(
                f"training diverged in epoch {epoch + 1}: the loss is not a number",
                "give --overwrite with a larger --batch, or another --seed",
            )
        return False


def _draw_from_epoch(trainer: Trainer) -> None:
    """Make an epoch's order, augmentation and noise depend only on (seed, epoch), not on earlier epochs."""
    seed = trainer.args.seed * 100_003 + trainer.epoch
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # ultralytics uses this generator.
    torch.manual_seed(seed)
    trainer.train_loader.generator.manual_seed(seed)


def train(options: dict[str, Any], state: Path, folder: Path, whose: str, image_size: int, pages: int) -> Path:
    """Train a detector and export it.

    Parameters
    ----------
    options : options under the names of ultralytics.
    state : file with the data that are needed to resume after a kill.
    folder : folder of the exported files.
    whose : text that identifies pages and options; an earlier state must have the same.
    image_size : side of the exported network's input, pixels.
    pages : number of pages to train on.

    Returns
    -------
    The ONNX file, with the moving average of the weights after the last epoch. No epoch is chosen by its score on
    `val`.

    Raises
    ------
    SinonomError
        If training diverges, or the state of an earlier run is broken.
    """
    # ultralytics prints to stdout, which is for data.
    with redirect_stdout(io.StringIO()), messages.progress(options["epochs"], "epochs") as progress:
        trainer = Trainer(state, whose, progress.advance, options, pages)
        trainer.train()
        model = YOLO(options["model"])
        model.model = trainer.ema.ema
        model.model.args, model.model.task = vars(trainer.args), "detect"
        # This path gives the place of the export; no such file is written.
        model.model.pt_path = str(folder / "localizer.pt")
        exported = model.export(format="onnx", imgsz=image_size, dynamic=False, simplify=False, device="cpu")
    network = onnx.load(exported)
    kept = [entry for entry in network.metadata_props if entry.key not in ("date", "description")]
    del network.metadata_props[:]  # Without date and folder, equal work gives equal bytes.
    network.metadata_props.extend(kept)
    onnx.save(network, exported)
    return Path(exported)
