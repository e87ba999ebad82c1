"""Define the pictures drawn of each glyph: their stroke weights and amounts of degradation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

WORN = 0.6
"""Amount of degradation of the pictures that balance a set, if --degrade gives none."""


@dataclass(frozen=True)
class Level:
    """One picture drawn of each glyph: its stroke weight and amount of degradation.

    Attributes
    ----------
    name : part of the file name.
    stroke : distance by which the edge of the ink moves outwards, as a share of the picture's side.
    degrade : amount of degradation, in [0, 1].
    """

    name: str
    stroke: float
    degrade: float


def levels_of(strokes: Sequence[float], degrade: Sequence[float]) -> tuple[Level, ...]:
    """Return every stroke weight with every amount of degradation; an amount given twice is drawn twice."""
    levels = []
    for stroke in dict.fromkeys(strokes):
        seen: Counter[float] = Counter()
        for amount in degrade:
            seen[amount] += 1
            if amount == 0 and seen[amount] > 1:
                continue  # A second clean picture would equal the first.
            name = f"s{1000 * stroke:g}" + (f"-d{100 * amount:g}" if amount else "")
            levels.append(Level(name + (f"-{seen[amount]}" if seen[amount] > 1 else ""), stroke, amount))
    return tuple(levels)


def more_levels(levels: Sequence[Level], count: int) -> list[Level]:
    """Return `count` further degraded levels, with the stroke weights and amounts of `levels` in turn."""
    strokes = list(dict.fromkeys(level.stroke for level in levels))
    amounts = list(dict.fromkeys(level.degrade for level in levels if level.degrade)) or [WORN]
    found = []
    for k in range(count):
        stroke, amount = strokes[k % len(strokes)], amounts[k // len(strokes) % len(amounts)]
        found.append(Level(f"s{1000 * stroke:g}-d{100 * amount:g}-more{k + 1}", stroke, amount))
    return found
