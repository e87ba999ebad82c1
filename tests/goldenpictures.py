"""Draw small pictures by formulas, in series in which one property grows from picture to picture.

Each series passes the thresholds of one step of `prepare`, so that a changed threshold changes the result for some
picture of the series.
"""

from collections.abc import Callable, Iterator

import numpy as np
from tinystrokes import drawn

SIDE = 100
Y, X = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
BASE = drawn(SIDE, 0.25, 0.22, 0.5).astype(float)
"""Picture with ink 20 and paper 250; on every edge, its margin is a quarter of the side."""
GREY = 0.6 * BASE + 80
"""Picture with ink 92 and paper 230."""

Picture = np.ndarray


def whole(values: np.ndarray) -> Picture:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def steps(first: float, last: float, count: int) -> list[float]:
    return np.linspace(first, last, count).tolist()


def box(inset: float, thick: float, ink: float = 15, picture: np.ndarray = GREY) -> np.ndarray:
    """Draw a box; lengths are shares of the side."""
    far = np.maximum(np.abs(X - 0.5), np.abs(Y - 0.5))
    return np.where((far < 0.5 - inset) & (far > 0.5 - inset - thick), ink, picture)


def rules(inset: float, thick: float, soft: float = 0.0, ink: float = 15, alone: bool = False) -> np.ndarray:
    """Draw rules at both sides, or only at the left one (`alone`); `soft` is the width of their inner edges."""
    far = 0.5 - X if alone else np.abs(X - 0.5)
    share = np.clip((far - (0.5 - inset - thick)) / max(soft, 1e-6) + 1, 0, 1) * (far < 0.5 - inset)
    return GREY + share * (ink - GREY)


def wide_rules(side: int, soft: float = 0.0, gap: float = 0.5, dark: float = 0.0, alone: bool = False) -> np.ndarray:
    """Draw rules on a large picture, and a stroke `gap` beside the left rule; `dark` is its share of the height."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    picture = 0.6 * drawn(side, 0.25, 0.22, 0.5).astype(float) + 80
    for far in (x,) if alone else (x, 1 - x):
        share = np.clip((0.04 - far) / max(soft, 1e-6) + 1, 0, 1) * (far > 0.01)
        picture = picture + share * (15 - picture)
    return np.where((x > 0.04 + gap) & (x < 0.2) & (y < dark), 15, picture)


def crossed(
    ink: float = 60, thick: float = 0.02, at: float = 0.5, duty: float = 1.0, ends: float = 0.0, side: int = SIDE
) -> np.ndarray:
    """Draw a cross from edge to edge, dashed if `duty` is below 1; its lines are shorter by `ends` at each end."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    picture = 0.6 * drawn(side, 0.25, 0.22, 0.5).astype(float) + 80
    for across, along in ((x, y), (y, x)):
        dash = ((along * 10) % 1 < duty) & (along > ends) & (along < 1 - ends)
        picture = np.where((np.abs(across - at) < thick / 2) & dash, np.minimum(picture, ink), picture)
    return picture


def levels() -> Iterator[np.ndarray]:
    for contrast in steps(3.0, 6.0, 25):
        yield 130 - contrast * (250 - BASE) / 230 + 0.3 * ((37 * X * SIDE + 53 * Y * SIDE) % 1)
    for share in steps(0.0, 1.0, 9):  # The ink has two greys, so that contrasts are between two whole numbers.
        yield np.where(BASE < 135, np.where(10 * share > (37 * X * SIDE + 11 * Y * SIDE) % 10, 125.5, 126.5), 130)
    for share in (0.5, 0.6, 0.7, 0.8):  # The threshold of these histograms still moves after six rounds.
        yield np.where(share > Y, 200 * X**0.2525, 255)
        yield np.where(share > Y, 200 * X**0.4551, 255)
    for share in steps(0.2, 0.6, 21):  # The dark share grows, also along the edge: is dark or light the ink?
        yield np.where(np.maximum(X, Y) < share**0.5 * 1.1, 40, BASE)
    for narrow in steps(0.03, 0.3, 12):
        yield np.where((np.abs(X - 0.5) < narrow / 2) & (np.abs(Y - 0.5) < 0.35), 20, 250)
    for place in steps(0.0, 0.2, 9):  # A stroke of a neighbour comes in from the edge.
        yield np.where((0.9 - place < X) & (0.97 - place > X) & (Y > 0.2), 20, BASE)


def light() -> Iterator[np.ndarray]:
    for fall in steps(0.1, 0.6, 31):
        yield GREY * (1 - fall * X)
    for dark in steps(0.4, 0.9, 15):
        yield GREY * np.where(X + 0.4 * Y < 0.6, dark, 1)
    for part in steps(0.05, 0.5, 12):  # The shadow at the edge grows.
        yield GREY * np.where(part > X, 0.5, 1)
    for thick in steps(0.1, 0.5, 14):  # The ink becomes as wide as the window of the closing.
        yield np.where((np.abs(X - 0.5) < thick / 2) & (np.abs(Y - 0.5) < 0.3), 60, 220) * (1 - 0.5 * Y)
    for fall in steps(0.3, 0.9, 11):  # The ink is light: the darker envelope is the flatter one.
        yield (255 - GREY) * (1 - fall * X) * (1 - 0.2 * np.sin(9 * Y))
    for mixed in steps(0.0, 1.0, 16):
        yield (mixed * GREY + (1 - mixed) * np.where(np.abs(X - 0.5) < 0.3, 220, 60)) * (1 - 0.6 * Y)


def blur() -> Iterator[np.ndarray]:
    for reach in range(0, 16):
        picture = GREY
        for axis in (0, 1):
            taps = range(-reach, reach + 1)
            picture = np.mean([np.roll(picture, tap, axis) for tap in taps], axis=0)
        yield picture
    for width in steps(0.01, 0.12, 23):  # The picture has one soft edge.
        far = np.maximum(np.abs(X - 0.5), np.abs(Y - 0.5))
        yield 230 - 170 * np.clip((0.25 - far) / width + 0.5, 0, 1)


def lines() -> Iterator[np.ndarray]:
    for inset in steps(0.0, 0.12, 25):
        yield box(inset, 0.05)
        yield rules(inset, 0.05)
        yield rules(inset, 0.05, alone=True)
    for thick in steps(0.01, 0.2, 20):
        yield box(0.02, thick)
        yield rules(0.01, thick)
    for soft in steps(0.0, 0.1, 11):
        yield rules(0.02, 0.03, soft)
        yield rules(0.0, 0.03, soft, alone=True)
    for share in steps(0.85, 1.0, 16):  # The visible share of the length grows.
        yield np.where(share > Y, rules(0.02, 0.04), GREY)
        yield np.where((share > Y) & (1 - share < Y), box(0.0, 0.04), GREY)
    for share in steps(0.0, 0.5, 26):  # The dark share beside a rule grows.
        for alone in (False, True):
            yield np.where((X < 0.12) & (X > 0.05) & (share > Y), 15, rules(0.01, 0.04, alone=alone))
    for gap in steps(0.0, 0.08, 17):  # The distance of the dark part from the rule grows.
        for alone in (False, True):
            yield np.where((X < 0.2) & (0.05 + gap < X) & (Y < 0.6), 15, rules(0.01, 0.04, alone=alone))
    for filled in steps(0.2, 0.9, 15):
        yield np.where(np.maximum(np.abs(X - 0.5), np.abs(Y - 0.5)) < filled**0.5 * 0.4, 20, box(0.01, 0.04))
    for height in range(18, 34):  # The first heights are too small for a search for lines.
        yield rules(0.02, 0.05)[20 : 20 + height]
    for soft in steps(0.0, 0.06, 31):
        yield wide_rules(180, soft=soft)
    for side, gap in ((180, 0.0), (180, 0.017), (165, 0.0), (165, 0.017), (180, 0.035), (180, 0.04)):
        for dark in steps(0.05, 0.9, 12):
            yield wide_rules(side, gap=gap, dark=dark)
            yield wide_rules(side, gap=gap, dark=dark / 2, alone=True)


def grids() -> Iterator[np.ndarray]:
    for at in steps(0.34, 0.66, 17):
        yield crossed(at=at)
    for thick in steps(0.01, 0.12, 12):
        yield crossed(thick=thick)
    for ink in steps(60, 220, 25):
        yield crossed(ink)
    near, far = np.minimum(np.abs(X - 0.5), np.abs(Y - 0.5)), np.maximum(np.abs(X - 0.5), np.abs(Y - 0.5))
    for beside in range(170, 200):  # A line lies on something that is nearly as dark.
        yield np.where((near < 0.06) & (far > 0.25), np.minimum(crossed(150), beside), crossed(150))
    for duty in steps(0.1, 1.0, 19):
        yield crossed(duty=duty)
    for duty in steps(0.2, 0.45, 26):
        yield crossed(duty=duty, side=180)
    for area in range(60, 140, 4):  # The area of the remaining ink grows, in pixels.
        speck = (np.abs(X - 0.3) < 0.05) & (Y > 0.2) & (0.2 + area / 1000 > Y)
        yield np.where((np.minimum(np.abs(X - 0.5), np.abs(Y - 0.5)) < 0.01) | speck, 20, 250)
    for ends in steps(0.0, 0.2, 21):
        yield crossed(ends=ends)
    for share in steps(0.0, 0.06, 13):  # The share of the remaining ink grows.
        white = np.full((SIDE, SIDE), 250.0)
        speck = np.where(np.maximum(np.abs(X - 0.3), np.abs(Y - 0.3)) < share**0.5 / 2, 20, white)
        yield np.where(np.minimum(np.abs(X - 0.5), np.abs(Y - 0.5)) < 0.01, 20, speck)
    for faint in steps(0.05, 0.6, 23):  # The remaining ink becomes darker.
        yield box(0.01, 0.05, 15, 250 - faint * (250 - BASE))


def frames() -> Iterator[np.ndarray]:
    for difference in range(4, 18):
        yield np.pad(np.where(GREY > 200, 200, GREY), 12, constant_values=200 + difference)
    for difference in range(4, 18):
        yield np.pad(200 - (250 - BASE) / 9, 20, constant_values=200 - difference)
    for share in steps(0.7, 1.0, 31):
        yield np.pad(np.where(share > np.maximum(X, Y), GREY, 60), 8, constant_values=60)
    for share in steps(0.5, 1.0, 21):  # The share of the inner edge that differs grows.
        inner = np.where(share > Y, 200, 250)
        yield np.pad(np.where(GREY < 180, GREY, inner), 12, constant_values=250)


def sizes() -> Iterator[np.ndarray]:
    for side in (*range(12, 52, 2), 60, 75, 95, 96, 110, 143, 144, 150, 191, 192, 240, 300):
        yield 0.6 * drawn(side, 0.25, 0.22, 0.5).astype(float) + 80


SERIES: dict[str, Callable[[], Iterator[np.ndarray]]] = {
    "levels": levels,
    "light": light,
    "blur": blur,
    "lines": lines,
    "grids": grids,
    "frames": frames,
    "sizes": sizes,
}


def marked(
    colour: tuple[float, float, float],
    share: np.ndarray,
    paper: tuple[float, float, float] = (1, 1, 1),
    grey: np.ndarray = GREY,
    covers: float = 0.0,
) -> np.ndarray:
    """Draw a mark over a picture; `share` is its share of each pixel, and `covers` its opacity."""
    page = grey[..., None] / 255 * np.array(paper)
    over = covers * np.array(colour) + (1 - covers) * page * np.array(colour)
    return 255 * (page + share[..., None] * (over - page))


FAR = np.maximum(np.abs(X - 0.4), np.abs(Y - 0.45))
RING = ((FAR < 0.3) & (FAR > 0.24)) * 1.0


def square(side: float) -> np.ndarray:
    return (np.maximum(np.abs(X - 0.5), np.abs(Y - 0.5)) < side / 2) * 1.0


def colours() -> Iterator[np.ndarray]:
    for weak in steps(0.05, 0.6, 23):
        yield marked((1, 1 - weak, 1 - weak), RING)
    for dark in steps(5, 60, 23):  # The picture becomes lighter: dark pixels have no colour.
        yield marked((1, 0.3, 0.3), RING, grey=dark + (GREY - 92) / 4)
    for side in steps(0.02, 0.12, 21):  # The size of the mark grows.
        yield marked((0.9, 0.2, 0.2), square(side))
    for covers in steps(0.0, 0.9, 19):
        yield marked((0.8, 0.2, 0.2), square(0.6), covers=covers)
        yield marked((0.8, 0.2, 0.2), square(0.96), covers=covers)
    for ink in steps(20, 230, 29):  # The ink beside the mark becomes lighter.
        yield marked((0.8, 0.2, 0.2), RING, grey=230 - (230 - ink) * (250 - BASE) / 230)
    for red in steps(0.2, 0.9, 15):  # The first marks are darker than the ink.
        yield marked((red, 0.1 * red, 0.1 * red), RING)
    for share in steps(0.0, 0.1, 21):  # The black share of a rubric grows.
        bar = (np.abs(X - 0.5) < share / 2) & (np.abs(Y - 0.5) < 0.35)
        yield np.where(bar[..., None], 15, marked((0.7, 0.15, 0.15), (250 - BASE) / 230, grey=np.full_like(GREY, 240)))
    for inset in steps(0.0, 0.16, 17):  # The black part moves away from the edge.
        side = ((inset < X) & (inset + 0.06 > X))[..., None]
        yield np.where(side, 15, marked((0.7, 0.15, 0.15), (250 - BASE) / 230, grey=np.full_like(GREY, 240)))
    for hole in steps(0.0, 0.8, 17):  # The hole in a seal grows.
        yield marked((0.8, 0.2, 0.2), square(0.9) - square(0.9 * hole), grey=np.where(BASE < 120, 120, 240))
    for paper in steps(0.3, 1.0, 15):
        yield marked((0.9, 0.2, 0.2), RING, paper=(1, 0.5 + paper / 2, paper))
    for side in steps(0.5, 1.0, 21):  # The mark grows until it is the ground.
        yield marked((0.3, 0.7, 0.4), square(side), grey=255 - GREY)
    for share in steps(0.02, 0.4, 20):  # The share of paper in the light half grows.
        yield marked((1, 0.6, 0.5), (share < X) * 1.0)
    yield from seals()
    yield from papers()


def seals() -> Iterator[np.ndarray]:
    seal = (0.8, 0.2, 0.2)
    bar = (X > 0.15) & (X < 0.3) & (Y > 0.2) & (Y < 0.8)
    for area in range(34, 54):  # The area of a mark grows, in pixels.
        yield marked(seal, ((X < 0.1) & (area + 0.5 > X * SIDE * 10 + Y * SIDE) & (Y < 0.1)) * 1.0)
        yield marked((0.9, 0.1, 0.1), ((np.abs(X - 0.8) < 0.035) & (Y > 0.5) & (0.5 + area / 700 > Y)) * 1.0)
    for area in range(50, 100, 3):  # The area of the black beside a rubric grows.
        dot = (np.abs(X - 0.5) < 0.03) & (Y > 0.4) & (0.4 + area / 600 > Y)
        rubric = marked((0.7, 0.15, 0.15), (250 - BASE) / 230, grey=np.full_like(GREY, 240))
        yield np.where(dot[..., None], 15, rubric)
    for width in steps(0.01, 0.08, 15):  # The width of the black beside a seal grows.
        black = (X > 0.8) & (0.8 + width > X) & (Y > 0.2) & (Y < 0.8)
        yield marked(seal, (X < 0.75) * (X > 0.1) * 1.0, grey=np.where(black, 60, 240))
    for red in steps(0.3, 0.5, 41):
        yield marked((red, 0.1 * red, 0.1 * red), RING)
    far = np.maximum(np.abs(X - 0.5), np.abs(Y - 0.5))
    for edge in steps(0.06, 0.2, 29):  # The mark is the ground, or a rim that is not a line.
        yield marked((0.3, 0.7, 0.4), (far > 0.5 - edge + 0.05 * np.sin(30 * (X - Y))) * 1.0)
    for share in steps(0.6, 1.0, 33):
        rim = (far > 0.34 + 0.05 * np.sin(30 * (X - Y))) & ((np.minimum(X, Y) > 0.02) | (share > X + Y))
        yield marked((0.3, 0.7, 0.4), rim * 1.0)
    for hole in steps(0.2, 0.8, 25):  # The hole in a seal that covers all of the ink grows.
        cut = (0.95 - 0.9 * hole < X) & (0.95 - 0.9 * hole < Y)
        yield marked(seal, square(0.9) * ~cut, grey=np.where(bar & (X < 0.25), 90, 240))
    for ink in range(100, 236, 3):  # The ink under the seal becomes lighter.
        yield marked(seal, square(0.9), grey=np.where(bar, ink, 240))
        yield marked(seal, square(0.7), grey=np.where(np.abs(X - 0.45) < 0.05, ink, np.where(X > 0.9, 40, 240)))
    for covers in steps(0.4, 0.8, 41):
        yield marked(seal, (X < 0.5) * (X > 0.1) * 1.0, covers=covers)


def papers() -> Iterator[np.ndarray]:
    for share in steps(0.02, 0.2, 37):  # The share of paper grows.
        yield marked((1, 0.8, 0.75), (share < X + Y / SIDE) * 1.0, paper=(1, 0.97, 0.94))
        yield marked((1, 0.8, 0.75), (share < X + Y / SIDE) * 1.0 - 0.5 * RING * (X > 0.3))
    for side in (108, 116, 124, 132, 140, 148):  # The picture has a line that every second column misses.
        red = 0.6 * drawn(side, 0.25, 0.22, 0.5).astype(float)[..., None].repeat(3, axis=2) + 80
        red[:, 61] *= (0.8, 0.1, 0.1)
        yield red
