"""Say what is doubtful about a whole block: nothing of it may be wrong without a word."""

from __future__ import annotations

from collections.abc import Sequence

from sinonom_cli.blocks.doubts import UNLIKELY
from sinonom_cli.blocks.names import crops_of
from sinonom_cli.blocks.read_surface import Seen
from sinonom_cli.blocks.touching import divided
from sinonom_cli.errors import BadInput
from sinonom_cli.search.naming import Name, shipped_namer

FEW = 0.5
"""Share of characters with a probable name below which a block is doubtful as a whole. Of 8 simulated blocks, worn and
cracked, 0.93 or more have one."""
UNITS = {"mm": 1.0, "cm or inches": 0.1, "m": 0.001, "µm": 1000.0}
"""Units of scans, as the length of a millimetre in them; the first that fits is taken.
Characters of a scan in inches are as long, in its unit, as those of a block 2.5 times as large in cm."""
HEIGHTS = (2.0, 100.0)
"""Range of the height of an ordinary character, in mm, in which a unit is believed. Characters of blocks are some 9 mm
high, those of titles and of simulated blocks with few characters up to ten times that."""


def refuse_unreadable(seen: Seen) -> None:
    """Refuse a block if it is uncertain how it lies and few of its characters look like any that are known.

    Raises
    ------
    BadInput
        Such places are found on smooth noise, pottery and tables.
    """
    if seen.read.way.certain:
        return
    pictures = crops_of(seen.read)
    probable = _probable(shipped_namer()(pictures))
    if probable < FEW * len(pictures):
        raise BadInput(
            f"{len(pictures)} places look like characters, but only {probable} like known ones: this may be no block",
            "give the scan of a block; --mirror and --turn say how it lies, --char-height how large its characters are",
        )


def doubts_of(seen: Seen, names: Sequence[Sequence[Name]], without_faces: int, is_map: bool) -> list[str]:
    """Return remarks on what is doubtful about a block.

    Parameters
    ----------
    names : of each character, the most probable first.
    without_faces : number of characters that no face of the scan belongs to.
    is_map : whether the scan is a height map, whose unit is mm.
    """
    way, height = seen.read.way, seen.read.size * seen.pixel
    found = []
    if not way.certain:
        found.append(
            f"how the block lies is uncertain ({way.probability:.0%}): mirrored {'yes' if way.mirrored else 'no'}, "
            f"turned by {way.turned} degrees; --mirror and --turn set it"
        )
    probable = _probable(names)
    if probable < FEW * len(names):
        found.append(f"only {probable} of {len(names)} characters have a probable name")
    if without_faces:
        found.append(f"{without_faces} of {len(names)} characters have no faces in the scan, and no mesh")
    found += _touching(seen)
    unit = unit_of(height)
    if is_map and unit != "mm":
        found.append(f"an ordinary character is {height:.3g} mm high: check --pixel, which is in mm")
    elif unit != "mm":
        what = f"the scan seems to be in {unit}" if unit else "the unit of the scan is unknown"
        found.append(f"{what}: an ordinary character is {height:.3g} high; the meshes keep the unit")
    return found


def _touching(seen: Seen) -> list[str]:
    """Return a remark if the scan seems to hold two blocks that touch."""
    band = divided(seen.read.ink, seen.read.boxes, seen.read.size)
    if band is None:
        return []
    beside, at = band
    how, side = ("side by side", "left") if beside else ("one above the other", "upper")
    return [
        f"there may be two blocks that touch, {how}: {at * seen.pixel:.4g} from the {side} edge, no characters stand "
        "and no border runs across; divide the scan there if so"
    ]


def unit_of(height: float) -> str:
    """Return the unit of a scan, from the height of an ordinary character in it; "" if none fits."""
    for unit, millimetre in UNITS.items():
        if HEIGHTS[0] * millimetre <= height < HEIGHTS[1] * millimetre:
            return unit
    return ""


def _probable(names: Sequence[Sequence[Name]]) -> int:
    return sum(bool(called) and called[0].probability >= UNLIKELY for called in names)
