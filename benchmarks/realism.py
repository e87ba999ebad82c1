"""Compare carved reliefs with real scans: by the same figures of both, and by a small classifier.

    python benchmarks/realism.py SCANS PICTURES [--seeds 3]

SCANS is a folder of meshes of real scans, one character per file. PICTURES are pictures of characters, preferably the
same ones, such as their prints or glyphs of a font; they are carved with the defaults of `carve`. Both are rendered.
Lengths are in widths of the character's ink, heights in units of the relief's depth:

    depth     depth of the ground far from strokes, below the median of stroke tops, in widths
    flank     distance from a stroke's edge to where the ground reaches 63 % of its depth
    tops      standard deviation of the heights of stroke tops
    ground    standard deviation of the heights far from strokes
    filled    share of the outline's box that is surface
    samples   width of the character divided by the length of its steepest edge: the number of resolved samples

The classifier is a small convolutional network on rendered pictures, 64 x 64, which are turned and moved at random. It
is tested on pictures that it has not seen (five folds); an AUROC of 0.5 means that it cannot tell them apart. Nothing
is fitted to scans.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from results import Column, publish, result_option
from scipy.ndimage import distance_transform_edt
from torch import nn

sys.path[:0] = [str(Path(__file__).parent.parent)]

from sinonom_cli import cli  # noqa: E402
from sinonom_cli.search.calibration import auroc  # noqa: E402

SIZE = 256
FAR = 0.1
"""Smallest distance of ground from any stroke, in widths of the character's ink."""
STEPS, BATCH, FOLDS = 300, 32, 5


@dataclass(frozen=True)
class Shown:
    """Rendered relief: picture, (S, S) uint8; heights, (S, S) float32 in pixels, NaN where there is no surface."""

    picture: np.ndarray
    heights: np.ndarray


def rendered(meshes: Path, folder: Path) -> list[Shown]:
    """Render meshes and return their pictures and heights."""
    assert cli.run(["render", str(meshes), str(folder), "--depth16", "--size", str(SIZE), "-q"]) in (0, 6)
    found = []
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            picture = np.asarray(Image.open(folder / row["file_name"]).convert("L"))
            stored = np.asarray(Image.open(folder / row["depth_file_name"])).astype(np.float32)
            pixels = stored * (float(row["depth_scale"]) / float(row["depth_pixel"]))
            found.append(Shown(picture, np.where(stored == 0, np.nan, pixels)))
    return found


NAMES = ("depth", "flank", "tops", "ground", "filled", "samples")


def figures(shown: Shown) -> tuple[float, ...] | None:
    """Return the figures of one relief in the order of `NAMES`; None if it has no strokes or no ground."""
    surface = np.isfinite(shown.heights)
    ink = (shown.picture < 128) & surface
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if len(columns) < 2 or ink.mean() < 0.01:
        return None
    width = float(max(np.ptp(columns), np.ptp(rows)) + 1)
    away = distance_transform_edt(~ink) / width
    inside = distance_transform_edt(ink) / width
    tops, ground = shown.heights[inside > 0.015], shown.heights[surface & (away > FAR)]
    if len(tops) < 50 or len(ground) < 50:
        return None
    top, bottom = np.median(tops), np.median(ground)
    depth = top - bottom
    down = [np.nanmedian(shown.heights[surface & (abs(away - k / 200) < 1 / 400)]) for k in range(1, 31)]
    fallen = np.flatnonzero(np.array(down) < top - 0.63 * depth)
    flank = (fallen[0] + 1) / 200 if len(fallen) else np.nan
    box = np.ix_(surface.any(axis=1), surface.any(axis=0))
    slopes = [np.abs(np.diff(shown.heights, axis=axis)) for axis in (0, 1)]
    steepest = np.nanpercentile(np.concatenate([slope.ravel() for slope in slopes]), 99)
    return depth / width, flank, tops.std() / depth, ground.std() / depth, surface[box].mean(), width * steepest / depth


class Judge(nn.Module):
    """Network that gives pictures, (N, 1, 64, 64), logits, (N,), for being rendered from a real scan."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inside, outside in ((1, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(inside, outside, 3, stride=2, padding=1), nn.BatchNorm2d(outside), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64, 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the logits, (N,), of pictures, (N, 1, 64, 64)."""
        logits: torch.Tensor = self.layers(pictures)[:, 0]
        return logits


def told_apart(real: np.ndarray, made: np.ndarray, seed: int) -> float:
    """Return the AUROC of a classifier of real, (N, 64, 64) uint8, and made pictures, (M, 64, 64), on unseen ones."""
    torch.manual_seed(seed)
    pictures = torch.from_numpy(np.concatenate([real, made])).float()[:, None] / 255
    truth = torch.cat([torch.ones(len(real)), torch.zeros(len(made))])
    fold = torch.randperm(len(truth)) % FOLDS
    logits = torch.zeros(len(truth))
    for k in range(FOLDS):
        judge, learnt = Judge(), torch.nonzero(fold != k)[:, 0]
        optimizer = torch.optim.AdamW(judge.parameters(), 3e-3, weight_decay=0.05)
        for _ in range(STEPS):
            some = learnt[torch.randint(len(learnt), (BATCH,))]
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(judge(_moved(pictures[some])), truth[some])
            loss.backward()
            optimizer.step()
        judge.eval()
        with torch.no_grad():
            logits[fold == k] = judge(pictures[fold == k])
    scores = logits.double().numpy()
    return auroc(scores[len(real) :], scores[: len(real)])


def _moved(pictures: torch.Tensor) -> torch.Tensor:
    """Turn pictures by up to 5 degrees, scale them by up to a tenth, and move them by up to 4 pixels."""
    count = len(pictures)
    turn, size = (torch.rand(count) - 0.5) * 0.17, 0.9 + 0.2 * torch.rand(count)
    cos, sin = turn.cos() * size, turn.sin() * size
    moved = (torch.rand(2, count) - 0.5) * 0.25
    maps = torch.stack([torch.stack([cos, -sin, moved[0]], 1), torch.stack([sin, cos, moved[1]], 1)], 1)
    grid = nn.functional.affine_grid(maps, list(pictures.shape), align_corners=False)
    return 1 - nn.functional.grid_sample(1 - pictures, grid, align_corners=False)


def small(shown: list[Shown]) -> np.ndarray:
    """Return the pictures of reliefs, scaled to (N, 64, 64) uint8."""
    return np.stack([np.asarray(Image.fromarray(one.picture).resize((64, 64), Image.Resampling.BOX)) for one in shown])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scans", type=Path, metavar="SCANS")
    parser.add_argument("pictures", type=Path, metavar="PICTURES")
    parser.add_argument("--seeds", type=int, default=3)
    result_option(parser)
    given = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assert cli.run(["carve", str(given.pictures), str(folder / "carved"), "-q"]) in (0, 6)
        kinds = {
            "real": rendered(given.scans, folder / "real"),
            "carved": rendered(folder / "carved", folder / "made"),
        }
        for kind, shown in kinds.items():
            known = np.array([found for one in shown if (found := figures(one))])
            ranges = np.nanpercentile(known, (10, 50, 90), axis=0).T
            lines.append((kind, len(known), *(f"{mid:.3f} ({low:.3f} to {high:.3f})" for low, mid, high in ranges)))
        found = [told_apart(*map(small, kinds.values()), seed) for seed in range(given.seeds)]
    publish(
        given.result,
        "Carved reliefs have the figures of real scans, and a small classifier hardly tells their pictures apart.",
        [Column("reliefs"), Column("characters"), *map(Column, NAMES)],
        lines,
        notes="Medians, 10th and 90th percentiles; the script's first lines explain the columns. The classifier's "
        f"AUROC is {np.mean(found):.3f} ({', '.join(f'{each:.3f}' for each in found)} by seed); the aim is below 0.75.",
    )


if __name__ == "__main__":
    main()
