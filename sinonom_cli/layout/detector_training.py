"""Train the network of the detector on composed pages, simulated blocks and boxed pages, so that a kill loses little.

Picture i of a training depends on the seed and on i alone. The state is written every few minutes, as safetensors.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from sinonom_cli import messages
from sinonom_cli.layout.compose import compose
from sinonom_cli.layout.damage import USUAL, damaged
from sinonom_cli.layout.detector_network import DetectorNetwork, loss_of, targets
from sinonom_cli.layout.glyph_bank import GlyphBank
from sinonom_cli.networks import training_state
from sinonom_cli.networks.moving_average import update

SIDE = 256
"""Side of a training picture, pixels."""
FROM_PAGES = 0.2
"""Share of the pictures that are parts of boxed pages, if there are any."""
LARGER = (0.7, 2.0)
"""Smallest and largest factor by which parts of boxed pages are enlarged."""
RATE, DECAY, WARM = 2e-3, 1e-3, 100
"""Highest learning rate of AdamW, its weight decay, and the steps over which the rate rises; it falls as a cosine."""
KEPT = 0.995
"""Share of the averaged weights that a step keeps; fewer at first."""
SECONDS_BETWEEN_SAVES = 120.0

BoxedPage = tuple[NDArray[np.float32], NDArray[np.float64]]
"""Ink of a page, (H, W) float32 in [0, 1], and its (N, 4) boxes, pixels."""


class Pictures(Dataset[tuple[Tensor, Tensor]]):
    """Training pictures with their targets.

    Parameters
    ----------
    bank : characters that pages are composed of.
    pages : boxed pages.
    seed : of all pictures.
    count : number of pictures.
    """

    def __init__(self, bank: GlyphBank, pages: Sequence[BoxedPage], seed: int, count: int) -> None:
        self.bank, self.pages, self.seed, self.count = bank, pages, seed, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        ink, boxes = self.picture(number)
        return torch.from_numpy(ink[None].copy()), torch.from_numpy(targets(boxes, SIDE))

    def picture(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return the ink of picture `number`, (SIDE, SIDE) float32 in [0, 1], and its (N, 4) boxes."""
        rng = np.random.default_rng([self.seed, number])
        if self.pages and rng.random() < FROM_PAGES:
            ink, boxes = _part(rng, *self.pages[int(rng.integers(len(self.pages)))])
            height = float(np.median(boxes[:, 3] - boxes[:, 1])) if len(boxes) else USUAL
            ink = damaged(rng, ink, height) if rng.random() < 0.7 else ink
        else:
            made = compose(rng, self.bank.picker(rng), SIDE)
            ink, boxes = damaged(rng, made.ink, made.height), made.boxes
        return _moved(rng, ink, boxes)


def _part(
    rng: np.random.Generator, page: NDArray[np.float32], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a random part of a page at a random scale."""
    side = round(SIDE / rng.uniform(*LARGER))
    y, x = (int(rng.integers(0, max(1, length - side))) for length in page.shape)
    part = page[y : y + side, x : x + side]
    part = np.pad(part, ((0, side - part.shape[0]), (0, side - part.shape[1])))
    scale = SIDE / side
    image = Image.fromarray(np.ascontiguousarray(part)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    boxes = (boxes - np.array([x, y, x, y])) * scale
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(image, np.float32), boxes[((middle > 0) & (middle < SIDE)).all(axis=1)]


def _moved(
    rng: np.random.Generator, ink: NDArray[np.float32], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Mirror and turn some pictures: a block is the mirror image of its print, and may lie on its side."""
    if rng.random() < 0.4:
        ink = ink[:, ::-1]
        boxes = np.stack([SIDE - boxes[:, 2], boxes[:, 1], SIDE - boxes[:, 0], boxes[:, 3]], axis=1)
    if rng.random() < 0.15:
        ink, boxes = ink.T, boxes[:, [1, 0, 3, 2]]
    if rng.random() < 0.15:
        ink, boxes = ink[::-1, ::-1], SIDE - boxes[:, [2, 3, 0, 1]]
    return np.ascontiguousarray(ink, np.float32), boxes


class Training:
    """A training that can be continued.

    Parameters
    ----------
    pictures : pictures, in batches of `batch` one after the other.
    steps : number of batches.
    batch : pictures in a batch.
    state : file of the state.
    whose : text that identifies options and inputs; a state with another text is not read.
    """

    def __init__(self, pictures: Pictures, steps: int, batch: int, state: Path, whose: str) -> None:
        self.pictures, self.steps, self.batch, self.state, self.whose = pictures, steps, batch, state, whose
        torch.manual_seed(pictures.seed)
        self.network, self.averaged = DetectorNetwork(), DetectorNetwork()
        self.averaged.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=RATE, weight_decay=DECAY)
        self.step = 0
        self._restore()

    def run(self, workers: int, report: Callable[[int, float, float], None]) -> DetectorNetwork:
        """Train to the last step and return the network with averaged weights.

        Parameters
        ----------
        workers : processes that make pictures; 0: this one.
        report : called with step, loss of middles and loss of boxes, as means over up to 50 steps.
        """
        numbers = range(self.step * self.batch, self.steps * self.batch)
        loader = DataLoader(self.pictures, self.batch, sampler=numbers, num_workers=workers)  # type: ignore[arg-type]
        sums, counted, saved = np.zeros(2), 0, time.monotonic()
        with messages.progress(self.steps, "steps") as progress:
            progress.advance(self.step)
            for ink, wanted in loader:
                sums += self._learn(ink, wanted)
                counted += 1
                progress.advance()
                if counted == 50 or self.step == self.steps:
                    report(self.step, *(sums / counted))
                    sums, counted = np.zeros(2), 0
                if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                    self._save()
                    saved = time.monotonic()
        self._save()
        return self.averaged

    def _learn(self, ink: Tensor, wanted: Tensor) -> tuple[float, float]:
        """Do one step; return the loss of middles and of boxes."""
        rate = RATE * min(1, (self.step + 1) / WARM) * (0.51 + 0.49 * math.cos(math.pi * self.step / self.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            output = self.network(ink.contiguous(memory_format=torch.channels_last))
        middles, boxes = loss_of(output, wanted)
        self.optimizer.zero_grad()
        (middles + boxes).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        update(self.averaged, self.network, KEPT, self.step, first=20)
        return float(middles.detach()), float(boxes.detach())

    @property
    def _parts(self) -> dict[str, nn.Module]:
        return {"network": self.network, "averaged": self.averaged}

    def _save(self) -> None:
        training_state.save(self.state, self._parts, self.optimizer, {"step": self.step, "whose": self.whose})

    def _restore(self) -> None:
        """Continue where a killed training of the same options and inputs was saved.

        Raises
        ------
        SinonomError
            If the state is damaged.
        """
        if not self.state.exists():
            return
        if training_state.progress_of(self.state).get("whose") != self.whose:
            messages.warn(f"{self.state} belongs to a training with other options or inputs: beginning again")
            return
        self.step = int(training_state.load(self.state, self._parts, self.optimizer)["step"])
        messages.say(f"this training was begun before: continuing after {self.step} steps")
