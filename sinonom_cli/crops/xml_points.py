"""Read the numbers and points of PAGE XML and ALTO XML."""

import math
import re

from sinonom_cli.crops.regions import Box
from sinonom_cli.errors import SinonomError

Points = tuple[tuple[float, float], ...]


def points_of(text: str) -> Points:
    """Read `x,y x,y` (PAGE) or `x y x y` (ALTO); raise SinonomError for anything else."""
    numbers = [number_of(number) for number in re.split(r"[\s,]+", text.strip()) if number]
    if len(numbers) % 2:
        raise SinonomError(f"{text[:40]!r} is not a list of points")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def number_of(text: str) -> float:
    """Return a finite number, or raise SinonomError."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SinonomError(f"{text!r} is not a number")
    return number


def bounds(points: Points) -> Box | None:
    """Return x0, y0, x1, y1 around points; None for fewer than two."""
    if len(points) < 2:
        return None
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs) + 1, max(ys) + 1


def sides_of(width: str | None, height: str | None) -> tuple[int, int] | None:
    """Return the width and height of a page in whole pixels; None if they are unknown."""
    sides = round(number_of(width or "0")), round(number_of(height or "0"))
    return sides if min(sides) > 0 else None  # Files write 0 for an unknown size.


def around(baseline: Points, count: int) -> Points:
    """Return the corners of a column of square characters centred on a baseline, for lines without an outline."""
    box = bounds(baseline)
    if box is None or not count:
        return ()
    x0, y0, x1, y1 = box
    half = 0.55 * max(y1 - y0, x1 - x0) / count
    return (x0 - half, y0), (x1 + half, y0), (x1 + half, y1), (x0 - half, y1)
