"""Look at what `read` and `cut` wrote, and correct it, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.characters import characters_of
from sinonom_cli.errors import OutputInTheWay, UsageError

if TYPE_CHECKING:
    from sinonom_cli.layout.apply_corrections import Corrected
    from sinonom_cli.layout.corrections import Box
    from sinonom_cli.pages.sheets import Sheet, SheetCharacter

FILE = "corrections.jsonl"
KEPT = 32
"""Number of sheets that stay in memory."""


class Changed(OutputInTheWay):
    """The sheet has other corrections than the caller has seen."""


class Sheets:
    """Pages or blocks of a folder, with people's corrections, which are written to `corrections.jsonl` in the folder.

    Attributes
    ----------
    path : of the folder; kind : "pages" or "blocks"; names : of its sheets.

    Raises
    ------
    BadInput
        If neither `read` nor `cut` wrote the folder, or its corrections are of other pages.
    """

    def __init__(self, path: str | Path) -> None:
        from sinonom_cli.layout.corrections_log import CorrectionsLog
        from sinonom_cli.pages.sheets import open_sheets

        self._folder = open_sheets(Path(path))
        self.path, self.kind = self._folder.path, self._folder.kind
        self.names = list(self._folder.rows)
        self._log = CorrectionsLog(self.path / FILE, self._folder.identity, self.names)
        self._as_written = lru_cache(KEPT)(self._folder.sheet)

    def __len__(self) -> int:
        return len(self.names)

    def version(self, name: str) -> int:
        """Return the number of corrections of a sheet, those that were taken back and the undoing counted too."""
        return len(self._log.of_page(name))

    def sheet(self, name: str) -> Sheet:
        """Return a sheet with its corrections.

        Raises
        ------
        BadInput
            If there is no such sheet, or its files cannot be read.
        """
        written = self._as_written(name)
        now, unfit = self._corrected(written)
        characters = []
        for one in now:
            was = _new_character(one) if one.index is None else written.characters[one.index]
            here = replace(was, column=one.column, place=one.place, char=one.char, checked=one.checked)
            characters.append(here if one.box == was.box else replace(here, box=one.box, outline=_corners(one.box)))
        return replace(written, characters=tuple(characters), unfit=unfit)

    def correct(
        self,
        name: str,
        action: str,
        places: Sequence[int] = (),
        *,
        chars: Sequence[str] = (),
        boxes: Sequence[Sequence[float]] = (),
        who: str = "",
        version: int | None = None,
    ) -> bool:
        """Correct a sheet; when this returns, the correction is on the disk.

        Parameters
        ----------
        action : "accept", "change", "split", "merge", "delete", "add" or "undo".
        places : which characters of the sheet as it is now, from 0.
        chars : what the new characters show, in reading order; "" if unknown.
        boxes : their boxes; left out: those of the old ones, joined by "merge", halved from top to bottom by "split".
        who : who corrects.
        version : `version(name)` that the caller has seen; None: not checked.

        Returns
        -------
        Whether anything was corrected: False if "undo" has nothing to take back.

        Raises
        ------
        UsageError
            If the action does not fit the places, characters or boxes.
        Changed
            If the sheet has been corrected since `version`.
        OutputInTheWay
            If the correction cannot be written.
        """
        from sinonom_cli.layout.apply_corrections import neighbour_before
        from sinonom_cli.layout.corrections import ACTIONS, Spot

        if action not in ACTIONS:
            raise UsageError(f"action {action!r} is unknown", f"one of {', '.join(ACTIONS)}")
        written = self._as_written(name)
        if version is not None and version != self.version(name):
            raise Changed(f"{name} was corrected in another window", "look at it as it is now, and correct it again")
        if action == "undo":
            return self._log.undo(name, who) is not None
        now, _ = self._corrected(written)
        was = [now[place] for place in _checked_places(places, len(now))]
        found = _new_boxes(action, was, boxes)
        shown = _new_chars(action, was, chars, len(found))
        spots = [Spot(box=box, char=char) for box, char in zip(found, shown, strict=True)]
        self._log.add(
            who=who.strip()[:80],
            page=name,
            action=action,
            was=tuple(Spot(box=one.box, char=one.char) for one in was),
            now=tuple(spots),
            after=neighbour_before(now, found[0]) if action == "add" else None,
        )
        return True

    def close(self) -> None:
        """Let other programs write the corrections."""
        self._log.close()

    def _corrected(self, written: Sheet) -> tuple[list[Corrected], int]:
        from sinonom_cli.layout.apply_corrections import Corrected, applied

        characters = [
            Corrected(box=one.box, char=one.char, index=index, column=one.column, place=one.place)
            for index, one in enumerate(written.characters)
        ]
        return applied(characters, self._log.of_page(written.name))


def _new_character(one: Corrected) -> SheetCharacter:
    """Return a character that people have made."""
    from sinonom_cli.pages.sheets import SheetCharacter

    return SheetCharacter(
        column=one.column, place=one.place, part="", box=one.box, outline=_corners(one.box), char=one.char
    )


def _checked_places(places: Sequence[int], count: int) -> list[int]:
    for place in places:
        if not 0 <= place < count:
            raise UsageError(f"there is no character {place}", f"the sheet has {count}: 0 to {count - 1}")
    if len(set(places)) < len(places):
        raise UsageError("a character is given twice", "give each once")
    return sorted(places)


def _new_boxes(action: str, was: Sequence[Corrected], boxes: Sequence[Sequence[float]]) -> list[Box]:
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
    middle = (y0 + y1) / 2
    return [(x0, y0, x1, middle), (x0, middle, x1, y1)] if action == "split" else [(x0, y0, x1, y1)]


def _new_chars(action: str, was: Sequence[Corrected], chars: Sequence[str], count: int) -> list[str]:
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


def _corners(box: Box) -> tuple[tuple[float, float], ...]:
    x0, y0, x1, y1 = box
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
