"""The pictures made of each glyph: stroke weights, and how badly they are printed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

WORN = 0.6
"""How badly pictures that balance a set are printed, if --degrade does not say."""


@dataclass(frozen=True)
class Level:
    """One picture made of each glyph: its stroke weight and how badly it is printed.

    Attributes
    ----------
    name : for the file name.
    stroke : how far the edge of the ink moves outwards, as a part of the picture's side.
    degrade : 0..1.
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
                continue  # clean is clean: a second one would be the same picture
            name = f"s{1000 * stroke:g}" + (f"-d{100 * amount:g}" if amount else "")
            levels.append(Level(name + (f"-{seen[amount]}" if seen[amount] > 1 else ""), stroke, amount))
    return tuple(levels)


def more_levels(levels: Sequence[Level], count: int) -> list[Level]:
    """Return `count` further levels, all of them degraded: the stroke weights and amounts of `levels` in turn."""
    strokes = list(dict.fromkeys(level.stroke for level in levels))
    amounts = list(dict.fromkeys(level.degrade for level in levels if level.degrade)) or [WORN]
    found = []
    for k in range(count):
        stroke, amount = strokes[k % len(strokes)], amounts[k // len(strokes) % len(amounts)]
        found.append(Level(f"s{1000 * stroke:g}-d{100 * amount:g}-more{k + 1}", stroke, amount))
    return found
