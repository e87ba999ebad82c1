"""Simulate prints and depth images of the same carvings for `rerank.py`, with several carvings of each character.

The carvings of a character are real crops, and copies of them with smoothly displaced strokes, as if the same carver
had cut the character again. Each carving gives two pictures. The depth image shows a relief like those of real scans
(docs/reliefs.md), with 20 to 60 samples across a character. The print has more defects: it is swollen or thin, pale in
places, and has 20 to 40 pixels per character, as in the columns of NomNaOCR. Both are slightly stretched, turned and
bent, contain neighbours, and are cut out along outlines.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from sinonom_cli.networks.preprocess import prepare, prepare_all
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.depth_images import LEVELLED, surfaces, toned
from sinonom_cli.relief.physics import Relief
from sinonom_cli.relief.random_fields import RandomFields, torch_fields
from sinonom_cli.search.same_carving import SIZE
from sinonom_cli.storage.image_set import read_imageset
from sinonom_cli.train import augment

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 128
"""Side of a scene in pixels."""
LABELS = 160
CHARACTER = 0.8
"""Side of a character as a share of the side of its scene."""
BENT = augment.Amounts(
    scale=(0.72, 0.86),
    aspect=0.1,
    rotation=6,
    shear=0.05,
    shift=0.04,
    perspective=0.03,
    elastic=0.006,
    wobble=0.0025,
    drawn=(1, 1),
    neighbour=0.6,
    line=0.25,
)


@dataclass(frozen=True)
class Pairs:
    """Depth images of carvings, and prints.

    Attributes
    ----------
    carvings, labels : ink of the depth images, (C, SIZE, SIZE) float32, and their labels, (C,).
    prints, shown : ink of the prints, (P, SIZE, SIZE) float32, and their labels, (P,).
    carving : (P,) index of the carving that printed each print; -1 if no carving did.
    """

    carvings: np.ndarray
    labels: np.ndarray
    prints: np.ndarray
    shown: np.ndarray
    carving: np.ndarray


def pairs_of(crops: Path, seed: int, alike: bool) -> Pairs:
    """Simulate carvings of crops, prints of these carvings, and prints of other crops, which have no carving.

    Parameters
    ----------
    crops : folder of an image set.
    alike : True for several carvings of each character, as on a block; False for one carving of each, so that the
        other prints test only which character is found.
    """
    rng = random.Random(seed)
    by_label: dict[str, list[str]] = {}
    for picture in read_imageset(crops).pictures:
        by_label.setdefault(picture.label, []).append(picture.file_name)
    labels = sorted(label for label, names in by_label.items() if label and len(names) >= 4)
    carved, others = [], []
    for label in rng.sample(labels, min(LABELS * (1 if alike else 2), len(labels))):
        names = rng.sample(by_label[label], 4)
        kept = rng.choice((1, 1, 2, 3)) if alike else 1
        for name in names[:kept]:
            times = rng.choice((2, 3, 4) if kept == 1 else (1, 2, 2, 3)) if alike else 1
            carved += [(label, name)] * times
        others += [(label, name) for name in names[kept : kept + 2]]
    models = _inks(crops, [name for _, name in carved])
    cut = _displaced(torch.from_numpy(models), seed) if alike else torch.from_numpy(models)
    asked = torch.cat([cut, torch.from_numpy(_inks(crops, [name for _, name in others]))])
    return Pairs(
        _seen(cut, seed + 1, relief=True),
        np.array([label for label, _ in carved]),
        _seen(asked, seed + 2, relief=False),
        np.array([label for label, _ in carved + others]),
        np.array([*range(len(carved)), *[-1] * len(others)]),
    )


def _inks(crops: Path, names: list[str]) -> np.ndarray:
    return np.stack([prepare(load_picture(crops / name), 96) for name in names])


def _displaced(inks: torch.Tensor, seed: int) -> torch.Tensor:
    """Return other carvings of the same characters, whose strokes are smoothly displaced."""
    draw = torch_fields(torch.Generator().manual_seed(seed), len(inks), inks.shape[1], "cpu")
    y, x = draw.plane()
    far, near = draw.within(0.004, 0.014), draw.within(0.002, 0.008)
    u, v = (place + far * draw.smooth(3) + near * draw.smooth(7) for place in (x, y))
    return augment._sampled(inks, u, v)


def _seen(inks: torch.Tensor, seed: int, relief: bool) -> np.ndarray:
    """Return the ink of depth images (if `relief`) or prints of carvings, (N, SIZE, SIZE)."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for part in inks.split(32):
        drawn = functional.interpolate(part[:, None], size=(SIDE, SIDE), mode="bicubic", align_corners=False)[:, 0]
        draw = torch_fields(generator, len(part), SIDE, "cpu")
        page = augment._warped(drawn.clamp(0, 1), draw, BENT, BENT.rules if relief else BENT.line)
        seen = _depth(page, draw) if relief else _print(page, draw)
        found.append(prepare_all(seen.round().clamp(0, 255).to(torch.uint8).numpy(), SIZE))
    return np.concatenate(found)


def _depth(page: torch.Tensor, draw: RandomFields) -> torch.Tensor:
    amounts = replace(BENT, spread=(0.008, 0.02), uneven=0.04, broken=0.03)
    strokes = (augment._strokes(page, draw, amounts, (0.3, 0.55)) * augment.STEEP + 0.5).clamp(0, 1)
    heights, plate = surfaces(strokes, draw, Relief(), LEVELLED)
    return toned(_sampled_at(heights, (20 + 40 * draw.uniform((len(page),))) / CHARACTER), plate & _outline(draw))


def _print(page: torch.Tensor, draw: RandomFields) -> torch.Tensor:
    amounts = replace(BENT, spread=(0.01, 0.03), uneven=0.06, broken=0.05)
    shape = (augment._strokes(page, draw, amounts, (0.2, 0.5)) * draw.within(2.5, 8) + 0.5).clamp(0, 1)
    shape = shape * (1 - 0.4 * draw.within(0, 1) * draw.smooth(4).clamp(min=0, max=2) / 2)
    shape = draw.blurred(shape, draw.within(0.004, 0.015))
    shape = _sampled_at(shape, (20 + 20 * draw.uniform((len(page),))) / CHARACTER).clamp(0, 1)
    contrast = draw.within(0.4, 0.9)
    paper = 0.03 * draw.smooth(3) + 0.02 * draw.within(0, 1) * draw.noise()
    grey = augment._grey(1 - contrast * shape + paper - (1 - contrast) * draw.within(0, 0.6))
    return torch.where(_outline(draw) | draw.chance(0.3)[:, None, None], grey, 255.0)


def _sampled_at(fields: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    """Reduce each field to `samples` samples per side, and enlarge it again."""
    found = torch.empty_like(fields)
    for number, (field, side) in enumerate(zip(fields, samples.round().int().tolist(), strict=True)):
        small = functional.interpolate(field[None, None], size=(side, side), mode="area")
        found[number] = functional.interpolate(small, size=(SIDE, SIDE), mode="bicubic", align_corners=False)[0, 0]
    return found


def _outline(draw: RandomFields) -> torch.Tensor:
    """Return masks, (N, S, S) bool: the inside of outlines as people draw them around a character."""
    y, x = draw.plane()
    turn = torch.atan2(y.expand(SIDE, SIDE), x.expand(SIDE, SIDE))
    edge = torch.ones(draw.count, SIDE, SIDE)
    for waves in (2, 3, 5, 8):
        edge += 0.025 * draw.normal((draw.count, 1, 1)) * torch.cos(waves * turn + draw.within(0, 2 * math.pi))
    power, wide, high = draw.within(2.2, 5), draw.within(0.46, 0.52), draw.within(0.46, 0.52)
    return ((x.abs() / wide) ** power + (y.abs() / high) ** power) ** (1 / power) < edge
