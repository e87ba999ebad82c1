"""Make a clean glyph look printed: worn block, uneven ink, old paper, neighbours in the column, a coarse scan.

The strength of each effect is drawn at random up to a given amount, so that one amount gives a range of pictures. The
ranges were chosen by comparison with NomNaOCR, which is scanned at 20 to 40 pixels a character.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sinonom_cli.fonts import effects
from sinonom_cli.fonts.draw import thin_half_width

REACH = 0.03
"""Greatest distance, as a share of the picture's side, by which ink spread moves the edge of the ink at amount 1."""
COARSEST_SCAN = 22
"""Side, in pixels, of a picture in the coarsest scan, at amount 1."""
LEAST_STROKE = 0.3
"""Least half width of thin strokes, in pixels of the scan; thinner ones are widened first, as carvers cut none."""
INTRUSION = 0.13
"""Greatest depth, as a share of the side, to which a neighbouring character's ink reaches into the picture."""

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Wear:
    """Strengths of all effects on one picture; lengths in pixels, angles in radians, greys in 0..255.

    Each of `neighbours` has a place (0 above, then clockwise), a number in [0, 1) that selects its character, the
    depth to which it reaches in, and its shift along the border. `scan` is the picture's side in pixels of the scan.
    """

    turn: float
    stretch: tuple[float, float]
    shift: tuple[float, float]
    spread: float
    rough: float
    loss: float
    uneven: float
    ink: float
    paper: float
    shade: float
    stain: float
    grain: float
    fibre: float
    rules: tuple[float, ...]
    neighbours: tuple[tuple[int, float, float, float], ...]
    scan: int
    noise: float
    quality: int

    @classmethod
    def drawn(cls, rng: np.random.Generator, amount: float, side: int) -> "Wear":
        """Draw the strengths of all effects at random for one picture of `side` pixels."""
        u = rng.random(16) * amount
        s = rng.normal(0, 1, 6).clip(-2, 2) * amount
        rules = tuple(
            float(edge * (0.5 - 0.11 * rng.random()) * side) for edge in (-1, 1) if rng.random() < 0.15 * amount
        )
        coarse = min(1.0, 1.6 * amount * np.sqrt(rng.random()))
        return cls(
            turn=np.radians(2.5) * s[0],
            stretch=(1 + 0.05 * s[1], 1 + 0.05 * s[2]),
            shift=(0.02 * side * s[3], 0.02 * side * s[4]),
            spread=0.008 * side * s[5],
            rough=0.016 * side * u[0],
            loss=u[1] * u[2],
            uneven=0.6 * u[3],
            ink=110 * u[4],
            paper=255 - 65 * u[5],
            shade=30 * u[6],
            stain=50 * u[7] if u[8] > 0.6 * amount else 0.0,
            grain=10 * u[9],
            fibre=8 * u[10],
            rules=rules,
            neighbours=_neighbours(rng, amount, side),
            scan=max(8, round(side ** (1 - coarse) * min(COARSEST_SCAN, side) ** coarse)),
            noise=9 * u[11],
            quality=int(95 - 55 * u[12]) if u[13] > 0.2 * amount else 0,
        )


def _neighbours(rng: np.random.Generator, amount: float, side: int) -> tuple[tuple[int, float, float, float], ...]:
    """Return random neighbours: often above and below, seldom from the next columns."""
    found = []
    for place, chance in enumerate((0.7, 0.1, 0.7, 0.1)):
        there, which, depth, aside = rng.random(4)
        if there < chance * amount:
            found.append((place, which, INTRUSION * side * depth, 0.1 * side * (2 * aside - 1)))
    return tuple(found)


def degraded(
    field: Field, offset: float, amount: float, rng: np.random.Generator, others: Sequence[Field] = ()
) -> NDArray[np.uint8]:
    """Return a degraded print of a glyph.

    Parameters
    ----------
    field : (S, S) float32 signed distance to the edge of the ink in pixels, positive inside; exact to at least
        `offset + REACH * S`.
    offset : distance by which the edge of the ink is moved outwards everywhere, pixels.
    amount : greatest strength of the effects, in [0, 1]; 0 leaves a clean picture.
    rng : source of all random numbers.
    others : fields of the characters that may stand beside the glyph; empty: it stands alone.

    Returns
    -------
    (S, S) uint8, dark ink on light ground.
    """
    side = field.shape[0]
    wear = Wear.drawn(rng, amount, side)
    limits = np.array([min(offset, 0) - REACH * side, max(offset, 0) + REACH * side], np.float32)
    offset = max(offset, LEAST_STROKE * side / wear.scan - thin_half_width(field))
    ink = effects.inked(
        effects.turned(among(field, others, wear), wear.turn, *wear.stretch, *wear.shift),
        clouds(rng, side, 5),
        clouds(rng, side, max(8, side // 4)),
        clouds(rng, side, 4),
        clouds(rng, side, max(6, side // 5)),
        np.array([offset, wear.spread, wear.rough, wear.uneven, wear.loss], np.float32),
        limits,
    )
    return scanned(effects.printed(paper(rng, side, wear), ink, np.float32(wear.ink)), wear, rng)


def among(field: Field, others: Sequence[Field], wear: Wear) -> Field:
    """Return the field of a glyph with the ink of its neighbours at the borders."""
    if not others or not wear.neighbours:
        return field
    found = field.copy()
    for place, which, depth, aside in wear.neighbours:
        effects.beside(found, others[int(which * len(others))], place, round(depth), round(aside))
    return found


def paper(rng: np.random.Generator, side: int, wear: Wear) -> Field:
    """Return paper, (S, S) float32 in 0..255, with shade, stains, grain, fibres and the frame's ruling lines."""
    along = (4, side // 2) if rng.random() < 0.5 else (side // 2, 4)
    ground = effects.paper(
        clouds(rng, side, 3),
        clouds(rng, side, max(8, side // 3)),
        clouds(rng, side, 4),
        clouds(rng, side, *along),
        np.array([wear.paper, wear.shade, wear.grain, wear.stain, wear.fibre], np.float32),
    )
    for place in wear.rules:
        distance = np.abs(np.arange(side) - (side - 1) / 2 - place) - rng.uniform(0.2, 0.02 * side)
        line = np.clip(1 - distance, 0, 1) * rng.uniform(0.3, 1)
        broken = np.clip(1.2 + clouds(rng, side, 5), 0, 1)
        ground += (np.float32(wear.ink) - ground) * line[None, :].astype(np.float32) * broken
    return ground


def clouds(rng: np.random.Generator, side: int, cells: int, rows: int = 0) -> Field:
    """Return smooth noise of mean 0 and standard deviation about 1/2: random (`rows`, `cells`), enlarged to (S, S)."""
    grid = rng.standard_normal(((rows or cells) + 1, cells + 1), np.float32)
    return effects.enlarged(grid, side)


def scanned(picture: NDArray[np.uint8], wear: Wear, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture, (S, S) uint8, after a coarse scan and JPEG compression, enlarged to its old size."""
    side, scan = len(picture), wear.scan
    if scan < side:
        picture = np.asarray(Image.fromarray(picture).resize((scan, scan), Image.Resampling.BILINEAR))
    grains = np.frombuffer(rng.bytes(2 * picture.size), np.uint8).reshape(2, *picture.shape)
    picture = effects.noisy(picture, grains, np.float32(wear.noise))
    if wear.quality:
        picture = effects.through_jpeg(picture, wear.quality)
    if scan < side:
        picture = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))
    return picture
