"""Model of a carved, worn and scanned relief made from strokes; the same code works with numpy and with torch.

`carve` makes meshes with it, and `depth_images` makes the pictures that `render` would draw of them. Lengths and
heights are in plate widths. The plate's face, where the stroke tops are, is at height 0; the ground is below. Arrays
are of the kind that the given `RandomFields` makes.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinonom_cli.relief.random_fields import Array, RandomFields

BROKEN = (0.5, 1.0)
"""Smallest and largest depth of a break, as shares of the relief's depth."""
FIELD = 0.1
"""Distance from a stroke, in plate widths, over which the ground between distant strokes gets deeper."""
FARTHEST = 0.2
"""Distance from the nearest stroke, in plate widths, beyond which the ground gets no deeper."""
UNEVEN = 9
"""Number of hills across the plate by which the height of stroke tops varies."""
SMEARED = 0.1
"""Largest distance, in plate widths, over which a smeared wall slopes."""
AT_ONCE = 256
"""Number of breaks that are computed together; a page has thousands."""
BREAK = (0.012, 0.028)
"""Smallest and largest half width of a break in a stroke, down or across, in plate widths."""
CORNERS = 6
"""Number of corners on each side of the irregular polygon along which a plate is cut out of its block."""
ROUND, MOST_ROUND = 3.0, 0.45
"""Largest cut at the four corners of the box, as a multiple of the largest inset of the polygon's sides, and its upper
limit: people who outline characters cut corners."""
FACETS = (7, 4)
"""Number of chisel scoops across the plate, along one side and along the other."""
PLANED = 0.4
"""Largest height that wear removes from stroke tops, as a share of the relief's depth, where wear is 1 and
strongest."""
ROUNDED = (0.0025, 0.006)
"""Standard deviation of the blur that rounds edges, in plate widths: of a fresh relief, and what wear 1 adds."""


@dataclass(frozen=True)
class Span:
    """A range from which an amount is drawn uniformly."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g}:{self.high:g}"


@dataclass(frozen=True)
class Relief:
    """Ranges of the amounts that determine a relief's surface; lengths are in plate widths.

    Attributes
    ----------
    depth : depth of the ground at a large distance from all strokes.
    flank : distance from a stroke over which the ground falls by 1 - 1/e of its depth there.
    deepening : share of the depth that is reached only where strokes are far apart.
    gouge : standard deviation of the chisel's scoops in the ground, as a share of the depth.
    uneven : standard deviation of the height of stroke tops, as a share of the depth.
    wear : 0 (fresh) to 1 (much worn): tops are planed off in places, edges are rounded.
    breaks : number of breaks in strokes, a whole number.
    ragged : inset of the corners of the plate's edge.
    smear : distance over which a wall slopes, as a scanner that sees it from one side only shows it; the side is drawn
        for each plate.
    blur : standard deviation of a coarse scan's blur.
    noise : standard deviation of the scan's noise.
    """

    depth: Span = Span(0.07, 0.15)
    flank: Span = Span(0.016, 0.038)
    deepening: Span = Span(0.1, 0.4)
    gouge: Span = Span(0.1, 0.22)
    uneven: Span = Span(0.03, 0.08)
    wear: Span = Span(0, 0.6)
    breaks: Span = Span(0, 2)
    ragged: Span = Span(0, 0.1)
    smear: Span = Span(0, 0.1)
    blur: Span = Span(0, 0.016)
    noise: Span = Span(0, 0.001)


@dataclass(frozen=True)
class Amounts:
    """Amounts drawn from the ranges of a Relief, one for each relief of a batch: (N, 1, 1) arrays."""

    depth: "Array"
    flank: "Array"
    deepening: "Array"
    gouge: "Array"
    uneven: "Array"
    wear: "Array"
    breaks: "Array"
    smear: "Array"
    blur: "Array"
    noise: "Array"


def amounts(relief: Relief, draw: "RandomFields") -> Amounts:
    """Draw the amounts of each relief of a batch."""

    def within(span: Span) -> "Array":
        return draw.within(span.low, span.high)

    return Amounts(
        within(relief.depth),
        within(relief.flank),
        within(relief.deepening),
        within(relief.gouge),
        within(relief.uneven),
        within(relief.wear),
        draw.xp.floor(draw.within(relief.breaks.low, relief.breaks.high + 1 - 1e-4)),
        within(relief.smear),
        within(relief.blur),
        within(relief.noise),
    )


def heights(far: "Array", strokes: "Array", drawn: Amounts, draw: "RandomFields") -> "Array":
    """Carve the ground between strokes, then wear, break and scan the relief.

    Parameters
    ----------
    far : (N, S, S), distance of each point from the nearest stroke, in plate widths, at most FARTHEST; 0 on strokes.
    strokes : (N, S, S) in [0, 1], 1 = stroke; breaks lie on strokes.
    drawn : result of `amounts`.

    Returns
    -------
    (N, S, S) heights, in plate widths: about 0 on stroke tops, about -depth or a little lower on the ground.
    """
    xp = draw.xp
    # Arithmetic is done in place where possible: allocating memory costs more than arithmetic.
    ground = draw.exp(far / -drawn.flank)
    ground -= 1
    marks = _scoops(draw)
    marks *= drawn.gouge
    marks *= ground
    field = draw.exp(far / -FIELD)
    field -= 1
    field *= 1 / (1 - math.exp(-FARTHEST / FIELD))
    field -= ground
    field *= drawn.deepening
    ground += field
    ground += marks
    planed = (draw.smooth(6) - 0.5).clip(min=0, max=2)
    planed *= PLANED / 2 * drawn.wear
    planed += _breaks(strokes, drawn.breaks, draw)
    lowest = -planed.clip(max=1)
    carved = xp.minimum(ground, lowest)
    carved += draw.smooth(UNEVEN) * drawn.uneven
    carved = _smeared(carved, drawn.smear, draw)
    carved = draw.blurred(carved, xp.sqrt((ROUNDED[0] + ROUNDED[1] * drawn.wear) ** 2 + drawn.blur**2))
    carved *= drawn.depth
    carved += drawn.noise * draw.noise()
    return carved


def plate(ragged: Span, draw: "RandomFields") -> "Array":
    """Return where the plates are, (N, S, S) bool: they are cut out of their blocks along irregular polygons."""
    corners = ragged.low + (ragged.high - ragged.low) * draw.uniform((draw.count, 4, CORNERS))
    edge = draw.lines(corners) - 0.5
    y, x = draw.plane()
    left, right, top, bottom = (edge[:, k] for k in range(4))
    across = (x >= left[:, :, None]) & (x <= -right[:, :, None])
    inside = across & (y >= top[:, None, :]) & (y <= -bottom[:, None, :])
    cut = 1 - min(ROUND * ragged.high, MOST_ROUND) * draw.uniform((draw.count, 4, 1, 1))
    for k, (down, right_of) in enumerate(((1, 1), (1, -1), (-1, 1), (-1, -1))):
        inside = inside & (down * y + right_of * x <= cut[:, k])
    return inside


@dataclass(frozen=True)
class Lie:
    """Tilt and bend of plates.

    `tilt` is in degrees, towards the direction `way`, in radians from x to y (downwards); `bend` holds the coefficients
    a, b and c of `bent`, in plate widths. Each is (N, 1, 1).
    """

    tilt: "Array"
    way: "Array"
    bend: "tuple[Array, Array, Array]"


def lie(tilt: Span, bend: Span, draw: "RandomFields") -> Lie:
    """Draw tilt and bend of plates; the bend's largest coefficient lies within `bend`, upwards or downwards."""
    steep, way = draw.within(tilt.low, tilt.high), draw.within(0, 2 * math.pi)
    most = draw.within(bend.low, bend.high)
    a, b, c = (draw.within(-1, 1) for _ in range(3))
    share = most / draw.xp.maximum(abs(a), draw.xp.maximum(abs(b), abs(c))).clip(min=1e-6)
    return Lie(steep, way, (a * share, b * share, c * share))


def bent(lies: Lie, draw: "RandomFields") -> "Array":
    """Return heights (N, S, S) of bent plates: a x^2 + b y^2 + c x y / 2; x and y run from -1 to 1, right and down."""
    y, x = draw.plane()
    a, b, c = lies.bend
    return 4 * (a * x * x + b * y * y + c * x * y / 2)


def _scoops(draw: "RandomFields") -> "Array":
    """Return chisel marks: hollows side by side in the ground, with ridges between; mean 0, variance 1."""
    down, across = draw.smooth(*FACETS), draw.smooth(*reversed(FACETS))
    field = abs(draw.xp.where(draw.chance(0.5)[:, None, None], down, across))
    return (field - math.sqrt(2 / math.pi)) / math.sqrt(1 - 2 / math.pi)


def _smeared(surface: "Array", reach: "Array", draw: "RandomFields") -> "Array":
    """Slope the walls that face one side, drawn for each plate: the height falls by 1 over the distance `reach`."""
    xp = draw.xp
    step = 1 / (draw.size * reach.clip(min=1e-4))
    side = draw.uniform((draw.count, 1, 1)) * 4
    steps = math.ceil(SMEARED * draw.size)
    for axis in (1, 2):
        for forwards in (True, False):
            mine = (side >= 2 * axis - 2 + forwards) & (side < 2 * axis - 1 + forwards)
            fall = xp.where(mine, step, xp.full_like(step, 1e3))
            for _ in range(steps):
                higher, lower = (slice(None, -1), slice(1, None)) if forwards else (slice(1, None), slice(None, -1))
                source = (slice(None),) * axis + (higher,)
                target = (slice(None),) * axis + (lower,)
                moved = surface[source] - fall
                surface[target] = xp.maximum(surface[target], moved)
    return surface


def _breaks(strokes: "Array", count: "Array", draw: "RandomFields") -> "Array":
    """Return the depth of breaks at points on strokes, (N, S, S) in [0, 1], as a share of the relief's depth."""
    xp = draw.xp
    most = int(count.max()) if draw.count else 0
    if most == 0:
        return xp.zeros_like(strokes)
    u, meant = draw.uniform((draw.count, most, 4)), draw.numbers(most) < count[:, 0]
    parts = [slice(first, first + AT_ONCE) for first in range(0, most, AT_ONCE)]
    splinters = sum(_some_breaks(strokes, u[:, part], meant[:, part], draw) for part in parts) * 3
    return splinters.clip(max=1) * draw.within(*BROKEN)


def _some_breaks(strokes: "Array", u: "Array", meant: "Array", draw: "RandomFields") -> "Array":
    """Return the sum of breaks (N, S, S), 1 in the middle of each; `u` (N, B, 4) in [0, 1) chooses them."""
    xp = draw.xp
    # Draw first a row, weighted by its amount of stroke, then a column of that row: two resolutions give about the same
    # point.
    rows = xp.cumsum(strokes.sum(2), 1)
    row = (rows[:, None, :] < u[:, :, :1] * rows[:, None, -1:]).sum(2).clip(max=strokes.shape[1] - 1)
    columns = xp.cumsum(xp.stack([page[at] for page, at in zip(strokes, row, strict=True)]), 2)
    column = (columns < u[:, :, 1:2] * columns[:, :, -1:]).sum(2).clip(max=strokes.shape[2] - 1)
    y, x = draw.plane()
    y, x = y[:, 0], x[0]
    half = BREAK[0] + (BREAK[1] - BREAK[0]) * u[:, :, 2:4]
    down = draw.bell((y - y[row][:, :, None]) / half[:, :, :1])
    across = draw.bell((x - x[column][:, :, None]) / half[:, :, 1:])
    return draw.product(down.swapaxes(1, 2), across * meant[:, :, None])
