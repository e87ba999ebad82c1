"""Simulate views of a character's ink: its print, and the depth picture of its carved relief.

Whole batches are computed at once. Every random number comes from one generator, so that a batch depends on its seed
alone. The views go through the same preparation as files do. Lengths are shares of the picture's side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sinonom_cli.networks.preprocess import prepare_all
from sinonom_cli.relief.depth_images import LEVELLED, surfaces, toned
from sinonom_cli.relief.physics import Relief, Span
from sinonom_cli.relief.random_fields import RandomFields, torch_fields


@dataclass(frozen=True)
class Amounts:
    """Strength of each effect of the augmentation; a pair is a range from which values are drawn uniformly.

    Attributes
    ----------
    scale : side of the character in the picture; aspect : log of its ratio of width to height.
    rotation : largest rotation in degrees, most are much smaller; shear; shift of its centre; perspective : change of
        scale from side to side.
    elastic, wobble : deviation of smooth displacements, with 3 and with 8 waves a side; drawn : factor of both, so that
        some results are near the picture's style of writing and some are not.
    neighbour : share of pictures that show a part of another character, on each of two sides.
    line, rules : share of prints, and of reliefs, with a rule of the page's frame near one edge.
    spread : deviation of the blur that changes the stroke width.
    print_level, relief_level : share of full ink at which strokes end: below 0.5 they grow, above they shrink.
    uneven, broken : deviation of that level over a picture, smooth and in patches.
    hardness : slope of the strokes' edge in a print, 1 / grey range.
    worn : share of its ink that a print has lost where the block is most worn.
    enhanced : share of prints whose contrast was enhanced after scanning.
    print_blur : deviation of the blur, mostly near the lower end; contrast : contrast of ink to paper; grain, stain :
        strength of the paper's grain and stains, relative to a contrast of 1.
    relief : how the strokes of a relief are carved, worn and scanned; left : tilt and bend that remain after levelling.
    toned : share of reliefs that are toned as `render` does; in the others, high parts are dark.
    depth_tilt : tilt of a real depth picture: height from side to side, relative to a range of 1; depth_noise and
        depth_blur : deviations of its noise and blur.
    """

    scale: tuple[float, float] = (0.72, 0.98)
    aspect: float = 0.15
    rotation: float = 12.0
    shear: float = 0.08
    shift: float = 0.05
    perspective: float = 0.08
    elastic: float = 0.012
    wobble: float = 0.005
    drawn: tuple[float, float] = (0.4, 1.8)
    neighbour: float = 0.35
    line: float = 0.12
    rules: float = 0.25
    spread: tuple[float, float] = (0.008, 0.03)
    print_level: tuple[float, float] = (0.22, 0.62)
    relief_level: tuple[float, float] = (0.18, 0.5)
    uneven: float = 0.07
    broken: float = 0.06
    hardness: tuple[float, float] = (1.5, 8.0)
    print_blur: tuple[float, float] = (0.002, 0.04)
    contrast: tuple[float, float] = (0.35, 1.0)
    grain: float = 0.05
    stain: float = 0.06
    worn: float = 0.5
    enhanced: float = 0.15
    relief: Relief = Relief(flank=Span(0.01, 0.042), gouge=Span(0, 0.2), wear=Span(0, 1), breaks=Span(0, 1))
    left: tuple[Span, Span] = LEVELLED
    toned: float = 0.5
    depth_tilt: float = 0.1
    depth_noise: float = 0.03
    depth_blur: tuple[float, float] = (0.004, 0.015)


DEFAULT = Amounts()

TOGETHER = 32
"""Number of views that are made at a time; they fit into a processor's cache."""
STEEP = 4.0
"""Slope of the edges of a relief's strokes before flanks are added, 1 / grey range."""


def views(
    pictures: NDArray[np.uint8],
    relief: NDArray[np.bool_],
    rng: np.random.Generator,
    amounts: Amounts = DEFAULT,
    depth: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Simulate one view of each picture.

    Parameters
    ----------
    pictures : (N, S, S) uint8 prepared ink, 255 = full ink.
    relief : (N,) bool, True: show the picture as a relief's depth picture; False: as a print.
    depth : (N,) bool, which pictures are depth pictures already; `relief` does not matter for them. None: no picture.

    Returns
    -------
    (N, S, S) uint8 prepared ink.
    """
    result = np.empty_like(pictures)
    generator = torch.Generator().manual_seed(int(rng.integers(2**63 - 1)))
    depth = np.zeros(len(pictures), bool) if depth is None else depth
    ways: tuple[tuple[NDArray[np.bool_], Callable[..., Tensor]], ...] = (
        (~relief & ~depth, print_view),
        (relief & ~depth, relief_view),
        (depth, depth_view),
    )
    for chosen, view in ways:
        rows = np.flatnonzero(chosen)
        for part in np.array_split(rows, -(-len(rows) // TOGETHER)) if len(rows) else ():
            ink = torch.from_numpy(pictures[part]).float() / 255
            seen = view(ink, generator, amounts).to(torch.uint8).numpy()
            result[part] = np.rint(prepare_all(seen, pictures.shape[1]) * 255)
    return result


def print_view(ink: Tensor, generator: torch.Generator, amounts: Amounts = DEFAULT) -> Tensor:
    """Simulate prints.

    Parameters
    ----------
    ink : (N, S, S) float32 in [0, 1], 1 = ink. The views are made on its device.
    generator : a generator on the CPU.

    Returns
    -------
    (N, S, S) float32, whole numbers 0..255: dark ink on light paper.
    """
    draw = _draw(generator, ink)
    shape = _strokes(_warped(ink, draw, amounts, amounts.line), draw, amounts, amounts.print_level)
    shape = ((shape * draw.within(*amounts.hardness)) + 0.5).clamp(0, 1)
    # Where a block is worn, its print is pale: some strokes nearly vanish instead of becoming thinner.
    shape = shape * (1 - amounts.worn * draw.within(0, 1) * draw.smooth(4).clamp(min=0, max=2) / 2)
    least, most = amounts.print_blur
    shape = draw.blurred(shape, least + (most - least) * draw.within(0, 1) * draw.within(0, 1))
    contrast = draw.within(*amounts.contrast)
    paper = amounts.stain * draw.smooth(3) + amounts.grain * draw.within(0, 1) * draw.noise()
    light = 1 - contrast * shape + contrast.sqrt() * paper - (1 - contrast) * draw.within(0, 0.5)
    return _grey(torch.where(draw.chance(amounts.enhanced)[:, None, None], _enhanced(light, draw), light))


def relief_view(ink: Tensor, generator: torch.Generator, amounts: Amounts = DEFAULT) -> Tensor:
    """Simulate depth pictures of reliefs, toned so that they look like prints: high parts are dark.

    The parameters and the result are those of `print_view`.
    """
    draw = _draw(generator, ink)
    page = _warped(ink, draw, amounts, amounts.rules)
    inside = _strokes(page, draw, amounts, amounts.relief_level)
    strokes = (inside * STEEP + 0.5).clamp(0, 1)
    height, plate = surfaces(strokes, draw, amounts.relief, amounts.left)
    low, high = height.amin(dim=(1, 2), keepdim=True), height.amax(dim=(1, 2), keepdim=True)
    low = low + draw.within(0, 0.25) * (high - low)
    plain = torch.where(plate, _grey(1 - (height - low) / (high - low)), 245)
    return torch.where(draw.chance(amounts.toned)[:, None, None], toned(height, plate), plain)


def _enhanced(light: Tensor, draw: RandomFields) -> Tensor:
    """Return scans with enhanced contrast: mean and deviation are made nearly the same everywhere.

    The method is Wallis 1976, "An approach to the space variant restoration and enhancement of images", which adaptive
    histogram equalisation resembles. A gamma curve follows.
    """
    reach = draw.within(0.1, 0.3)
    mean = draw.blurred(light, reach)
    deviation = (draw.blurred(light.square(), reach) - mean.square()).clamp(min=0).sqrt()
    typical = deviation.mean(dim=(1, 2), keepdim=True).clamp(min=1e-3)
    level = 0.5 + 0.25 * (light - mean) / (deviation + 0.3 * typical)
    return level.clamp(0, 1) ** draw.within(-0.5, 0.5).exp()


def depth_view(picture: Tensor, generator: torch.Generator, amounts: Amounts = DEFAULT) -> Tensor:
    """Simulate other scans of reliefs from their depth pictures: moved, bent, tilted, with noise.

    The parameters and the result are those of `print_view`, with height in place of ink.
    """
    draw = _draw(generator, picture)
    y, x = draw.plane()
    height = _warped(picture, draw, amounts, amounts.rules)
    # Real reliefs have their own tilt, so they get half as much as simulated ones.
    height = height + amounts.depth_tilt * (draw.within(-1, 1) * x + draw.within(-1, 1) * y)
    height = draw.blurred(height, draw.within(*amounts.depth_blur))
    height = height + amounts.depth_noise * draw.within(0, 1) * draw.noise()
    low, high = height.amin(dim=(1, 2), keepdim=True), height.amax(dim=(1, 2), keepdim=True)
    return _grey(1 - (height - low) / (high - low).clamp(min=1e-6))


def _draw(generator: torch.Generator, ink: Tensor) -> RandomFields:
    return torch_fields(generator, ink.shape[0], ink.shape[1], ink.device)


def _another(draw: RandomFields) -> Tensor:
    """Return for each row of the batch the number of another row, (N,) int64."""
    away = 1 + (draw.uniform((draw.count,)) * (draw.count - 1)).long().clamp(max=max(draw.count - 2, 0))
    return (torch.arange(draw.count, device=away.device) + away) % max(draw.count, 1)


def _warped(ink: Tensor, draw: RandomFields, amounts: Amounts, rules: float) -> Tensor:
    """Move, turn and bend the characters; add parts of others at the edges; draw rules into a share of them."""
    y, x = draw.plane()
    turn = draw.within(-1, 1) * draw.within(0, 1) * math.radians(amounts.rotation)
    side = draw.within(*amounts.scale)
    wide = (draw.within(-0.5, 0.5) * amounts.aspect).exp()
    shear = draw.within(-1, 1) * amounts.shear
    u = (turn.cos() * x + turn.sin() * y) / (side * wide) + draw.within(-1, 1) * amounts.shift
    v = (turn.cos() * y - turn.sin() * x) / side * wide + shear * u + draw.within(-1, 1) * amounts.shift
    keystone = 1 + amounts.perspective * (draw.within(-1, 1) * x + draw.within(-1, 1) * y)
    elastic, wobble = (draw.within(*amounts.drawn) * deviation for deviation in (amounts.elastic, amounts.wobble))
    u = u * keystone + elastic * draw.smooth(3) + wobble * draw.smooth(8)
    v = v * keystone + elastic * draw.smooth(3) + wobble * draw.smooth(8)
    page = _sampled(ink, u, v)
    for _ in range(2):
        mine = draw.chance(amounts.neighbour).nonzero()[:, 0]
        sign = 1 - 2 * draw.chance(0.5).float()[:, None, None]
        pitch = draw.within(0.9, 1.15) * sign
        down = draw.chance(0.75)[:, None, None]
        other = _another(draw)
        if len(mine):
            beside = _sampled(
                ink[other[mine]],
                u[mine] + torch.where(down, draw.within(-0.1, 0.1), pitch)[mine],
                v[mine] + torch.where(down, pitch, draw.within(-0.1, 0.1))[mine],
            )
            page[mine] = torch.maximum(page[mine], beside)
    at, thick = draw.within(0.43, 0.49), draw.within(0.006, 0.02)
    at = at * (1 - 2 * draw.chance(0.5).float()[:, None, None])
    along = torch.where(draw.chance(0.5)[:, None, None], x + 0.05 * turn * y, y + 0.05 * turn * x)
    rule = ((thick - (along - at).abs()) * draw.size + 0.5).clamp(0, 1) * draw.chance(rules)[:, None, None]
    return torch.maximum(page, rule)


def _sampled(ink: Tensor, u: Tensor, v: Tensor) -> Tensor:
    grid = torch.stack([u, v], dim=-1) * 2
    return functional.grid_sample(ink[:, None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[:, 0]


def _strokes(page: Tensor, draw: RandomFields, amounts: Amounts, level: tuple[float, float]) -> Tensor:
    """Return how far inside a stroke each pixel is: 0 on its changed edge, about -0.5 to 0.5."""
    soft = draw.blurred(page, draw.within(*amounts.spread))
    edge = draw.within(*level) + amounts.uneven * draw.within(0, 1) * draw.smooth(3)
    edge = edge + amounts.broken * draw.within(0, 1) * draw.smooth(14)
    return soft - edge.clamp(0.06, 0.9)


def _grey(light: Tensor) -> Tensor:
    return (light * 235 + 10).clamp(0, 255).round()
