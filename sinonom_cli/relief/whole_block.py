"""Carve the picture of a page into a whole block: the relief of `physics`, handles, cracks, an irregular edge, bow.

Lengths of the relief are in plate widths, as in `plate`; those of the block are in mm.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sinonom_cli.errors import SinonomError
from sinonom_cli.relief.block_options import BlockOptions
from sinonom_cli.relief.block_plan import Plan, corner_of_page, planned
from sinonom_cli.relief.block_shape import add_cracks, add_handles, edge
from sinonom_cli.relief.char_width import char_width
from sinonom_cli.relief.distance import distance_to
from sinonom_cli.relief.page_fields import PageFields
from sinonom_cli.relief.physics import FARTHEST, Amounts, Lie, Span, amounts, heights, lie
from sinonom_cli.relief.plate import Pose, pose_of
from sinonom_cli.relief.strokes import FINER, pooled

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOWED = 150.0
"""Distance from the middle, in mm, at which the block has risen by its bow."""
STRIP = 256
"""Number of rows whose distances from strokes are computed at once."""
SMOOTH, BROAD = 0.8, 2
"""Share of the fine chisel marks that the ground far from strokes lacks, and the number of its broad facets, which a
wider chisel leaves, along the side of a plate."""
INKED = 0.1
"""Smallest share of stroke in a square of one plate that counts as a character, which breaks are drawn for."""

BLOCK_KNOWN = (
    *("mirrored", "mm_per_pixel", "char_width", "page_x", "page_y", "step", "plate_width"),
    *("tilt", "tilt_x", "tilt_y", "turn", "bow", "bow_xx", "bow_yy", "bow_xy"),
    *("handle_left", "handle_right", "handle_drop", "cracks", "crack_places", "swell"),
    *("depth", "flank", "deepening", "gouge", "uneven", "wear", "breaks", "smear", "blur", "noise"),
)
"""Columns of `metadata.csv`.

The corner between pixels at (i, j) of the page, right and down, is at x = page_x + i mm_per_pixel (- if mirrored),
y = page_y - j mm_per_pixel on the block, in mm from its middle, y up. There the block is bent by bow_xx u^2 +
bow_yy v^2 + bow_xy u v mm, with u = x / 150 and v = y / 150. It is then turned about x, y and z by tilt_x, tilt_y and
turn degrees. `step` is the distance of two vertices; it, handles and plate_width are in mm. `crack_places` names, for
each crack, the end where it begins, its y there and its length. Amounts from `swell` to `noise` are in plate widths;
`breaks` is a number for each character."""


@dataclass(frozen=True)
class Block:
    """A carved block.

    Attributes
    ----------
    heights : (R, C) float32, in mm, bow included; row 0 is the top of the page.
    inside : (R, C) bool, True inside the block's irregular edge.
    step : distance of two points, in mm.
    pose : rotation of the block.
    known : all amounts that were drawn, by the names of BLOCK_KNOWN.
    """

    heights: "NDArray[np.float32]"
    inside: "NDArray[np.bool_]"
    step: float
    pose: Pose
    known: dict[str, str]


def carve_block(ink: "NDArray[np.float32]", options: BlockOptions, rng: np.random.Generator) -> Block:
    """Carve the ink of a page into a block.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], 1 = ink; see `pictures.page_ink`.
    rng : source of all random numbers.

    Raises
    ------
    SinonomError
        If the page has no ink, the width of its characters cannot be estimated, or the block would have more than
        MOST_VERTICES vertices.
    """
    placing, carved = rng.spawn(2)
    width = options.char_width or char_width(ink)
    if width is None:
        raise SinonomError("the width of the characters cannot be estimated", "give it in pixels: --char-width 40")
    carving = options.carving
    plan = planned(ink[:, ::-1] if carving.mirror else ink, width, options, placing)
    swell = float(placing.uniform(carving.swell.low, carving.swell.high))
    draw = PageFields(carved, *plan.size, plan.plate)
    drawn, lies = amounts(carving.relief, draw), lie(carving.tilt, options.bow, draw)
    strokes, far = _carved_strokes(ink[:, ::-1] if carving.mirror else ink, plan, swell)
    surface = _ground_and_tops(strokes, far, drawn, draw)
    del strokes, far
    depth = float(drawn.depth.item())
    add_handles(surface, plan.left, plan.right, depth, plan.drop / plan.plate_width, placing)
    cracks = add_cracks(surface, _whole(options.cracks, placing), depth, plan.step, placing)
    surface += np.float32(drawn.noise.item()) * draw.noise()[0]
    surface *= np.float32(plan.plate_width)
    _add_bow(surface, lies, plan.step)
    inset = carving.relief.ragged.high * plan.plate
    inside = edge(*plan.size, max(2.0 * plan.plate, 4 * inset), inset, placing)
    pose = pose_of(lies, float(placing.uniform(carving.turn.low, carving.turn.high)))
    mm = options.page_width / ink.shape[1]
    corner = corner_of_page(plan, mm, ink.shape[1] if carving.mirror else 0)
    known = {
        "mirrored": "yes" if carving.mirror else "no",
        **_texts({"mm_per_pixel": mm, "char_width": width, "page_x": corner[0], "page_y": corner[1]}),
        **_texts({"step": plan.step, "plate_width": plan.plate_width}),
        **_of_lie(lies, pose),
        **_texts({"handle_left": plan.left * plan.step, "handle_right": plan.right * plan.step}),
        **_texts({"handle_drop": plan.drop if plan.left or plan.right else 0.0}),
        **{"cracks": str(len(cracks)), "crack_places": "; ".join(map(str, cracks))},
        **_texts({"swell": swell, **{name: amount.item() for name, amount in vars(drawn).items()}}),
    }
    return Block(surface, inside, plan.step, pose, known)


def _texts(numbers: dict[str, float]) -> dict[str, str]:
    return {name: f"{number:.6g}" for name, number in numbers.items()}


def _of_lie(lies: Lie, pose: Pose) -> dict[str, str]:
    a, b, c = (coefficient.item() for coefficient in lies.bend)
    turned = {"tilt": lies.tilt.item(), "tilt_x": pose.x, "tilt_y": pose.y, "turn": pose.z}
    bowed = {"bow": max(abs(a), abs(b), abs(c)), "bow_xx": a, "bow_yy": b, "bow_xy": -c / 2}
    return _texts({**turned, **bowed})


def _ground_and_tops(
    strokes: "NDArray[np.float32]", far: "NDArray[np.float32]", drawn: Amounts, draw: PageFields
) -> "NDArray[np.float32]":
    """Return the heights that `physics` gives a page, (R, C) float32 in plate widths, without noise.

    Each character has its breaks; the ground far from strokes has broad facets in place of most fine chisel marks.
    """
    away = (far / np.float32(FARTHEST))[None]
    spread = replace(
        drawn,
        breaks=drawn.breaks * _characters(strokes, draw.size),
        gouge=drawn.gouge * (1 - SMOOTH * away),
        noise=0 * drawn.noise,
    )
    surface = np.asarray(heights(far[None], strokes[None], spread, draw)[0], np.float32)
    surface += (draw.smooth(BROAD) * away)[0] * (drawn.gouge * drawn.depth).item()
    return surface


def _whole(span: Span, rng: np.random.Generator) -> int:
    return int(rng.integers(round(span.low), round(span.high) + 1))


def _carved_strokes(
    ink: "NDArray[np.float32]", plan: Plan, swell: float
) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """Return the share of stroke and the distance from the nearest stroke, in plate widths, at each point (R, C).

    Both are averages over FINER x FINER points of a finer grid, so that stroke edges fall between points. Distances
    are at most FARTHEST, so strips of rows with that much of their surroundings give the same as the whole.
    """
    rows, columns = plan.size
    x0, y0, x1, y1 = plan.ink
    page = Image.fromarray((ink[y0:y1, x0:x1] * 255).round().astype(np.uint8))
    page = page.resize((plan.columns * FINER, plan.rows * FINER), Image.Resampling.BILINEAR)
    fine = np.zeros((rows * FINER, columns * FINER), bool)
    top, left = plan.rim * FINER, (plan.left + plan.rim) * FINER
    fine[top : top + plan.rows * FINER, left : left + plan.columns * FINER] = np.asarray(page) > 127
    unit = plan.plate * FINER
    around = math.ceil((FARTHEST + abs(swell)) * unit / FINER) + 1
    strokes, far = np.empty((rows, columns), np.float32), np.empty((rows, columns), np.float32)
    for start in range(0, rows, STRIP):
        end = min(start + STRIP, rows)
        first, last = max(0, start - around), min(rows, end + around)
        here = slice((start - first) * FINER, (end - first) * FINER)
        part = fine[first * FINER : last * FINER]
        if swell < 0:  # edges move inwards
            part = distance_to(~part) > -swell * unit
        away = distance_to(part)[here] / np.float32(unit) - np.float32(max(swell, 0))
        far[start:end] = pooled(away.clip(0, np.float32(FARTHEST)))
        strokes[start:end] = pooled(fine[start * FINER : end * FINER].astype(np.float32))
    if far.min() >= FARTHEST:
        raise SinonomError(f"with edges moved by {swell:.3g} plate widths no stroke is left", "give a larger --swell")
    return strokes, far


def _characters(strokes: "NDArray[np.float32]", plate: int) -> int:
    """Return the number of squares, as large as a plate, with about as much stroke as a character has."""
    rows, columns = (length // plate for length in strokes.shape)
    squares = strokes[: rows * plate, : columns * plate].reshape(rows, plate, columns, plate)
    return int((squares.mean(axis=(1, 3)) > INKED).sum())


def _add_bow(surface: "NDArray[np.float32]", lies: Lie, step: float) -> None:
    """Add the bow of a block, in mm, to heights in mm, in place."""
    rows, columns = surface.shape
    x = ((np.arange(columns) - (columns - 1) / 2) * (step / BOWED)).astype(np.float32)[None, :]
    y = ((np.arange(rows) - (rows - 1) / 2) * (step / BOWED)).astype(np.float32)[:, None]
    a, b, c = (np.float32(coefficient.item()) for coefficient in lies.bend)
    surface += a * x * x + b * y * y
    surface += (c / 2) * x * y
