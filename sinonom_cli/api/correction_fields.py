"""Check what a correction says: which characters of a sheet, which boxes, which new characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sinonom_cli.characters import characters_of
from sinonom_cli.errors import UsageError

if TYPE_CHECKING:
    from sinonom_cli.layout.apply_corrections import Corrected
    from sinonom_cli.layout.corrections import Box


def checked_places(places: Sequence[int], count: int) -> list[int]:
    for place in places:
        if not 0 <= place < count:
            raise UsageError(f"there is no character {place}", f"the sheet has {count}: 0 to {count - 1}")
    if len(set(places)) < len(places):
        raise UsageError("a character is given twice", "give each once")
    return sorted(places)


def new_boxes(action: str, was: Sequence[Corrected], boxes: Sequence[Sequence[float]]) -> list[Box]:
    """Return the boxes that a correction brings."""
    from sinonom_cli.layout.corrections import box_of

    wanted = {"add": (0, 0), "merge": (2, 64), "delete": (1, 64)}.get(action, (1, 1))
    if not wanted[0] <= len(was) <= wanted[1]:
        needs = "none" if wanted[1] == 0 else "one" if wanted == (1, 1) else f"{wanted[0]} or more"
        raise UsageError(f"{action} takes {needs} of the characters, not {len(was)}", "choose other characters")
    try:
        given = [box_of(box) for box in boxes]
    except (ValueError, TypeError) as error:
        raise UsageError(f"a box is wrong: {error}", "give x0, y0, x1, y1") from None
    many = {"delete": (0, 0), "split": (2, 8)}.get(action, (1, 1))
    if not given and action != "add":
        given = _usual_boxes(action, [one.box for one in was])
    if not many[0] <= len(given) <= many[1]:
        raise UsageError(f"{action} does not take {len(given)} boxes", "add takes one, split two or more")
    return given


def _usual_boxes(action: str, was: Sequence[Box]) -> list[Box]:
    if action == "delete":
        return []
    x0, y0, x1, y1 = (choose(box[k] for box in was) for k, choose in enumerate((min, min, max, max)))
    return [(x0, y0, x1, y1)]


def new_chars(action: str, was: Sequence[Corrected], chars: Sequence[str], count: int) -> list[str]:
    """Return the characters that a correction brings: those given, or for "accept" the one that is there."""
    if action == "accept":
        if chars or not was[0].char:
            raise UsageError("accept needs a character that has a name, and takes no other", "use change")
        return [was[0].char]
    if action == "change" and len(chars) != 1:
        raise UsageError("change needs the new character", "give one character")
    if len(chars) > count:
        raise UsageError(f"{len(chars)} characters for {count} boxes", "give one for each box")
    for char in chars:
        if len(char) > 1 or characters_of(char) != char:
            raise UsageError(f"{char!r} is not one character", "give one character, without marks")
    return [*chars, *[""] * (count - len(chars))]


def corners(box: Box) -> tuple[tuple[float, float], ...]:
    x0, y0, x1, y1 = box
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
