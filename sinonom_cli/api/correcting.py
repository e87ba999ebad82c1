"""Look at what `read` and `cut` wrote, and correct it, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.api.correction_fields import checked_places, corners, new_boxes, new_chars
from sinonom_cli.errors import OutputInTheWay, UsageError

if TYPE_CHECKING:
    from sinonom_cli.layout.apply_corrections import Corrected
    from sinonom_cli.layout.corrections import Box, Correction
    from sinonom_cli.pages.sheet import Sheet, SheetCharacter
    from sinonom_cli.storage.own_tables import TableRow

KEPT = 32
"""Number of sheets that stay in memory."""


class Changed(OutputInTheWay):
    """The sheet has other corrections than the caller has seen."""


class Sheets:
    """Pages or blocks of a folder, with people's corrections, which are written to `corrections.jsonl` in the folder.

    Attributes
    ----------
    path : of the folder; kind : "pages" or "blocks"; names : of its sheets; file : that keeps the corrections.

    Raises
    ------
    BadInput
        If neither `read` nor `cut` wrote the folder, or its corrections are of other pages.
    """

    def __init__(self, path: str | Path) -> None:
        from sinonom_cli.layout.corrections import FILE
        from sinonom_cli.layout.corrections_log import CorrectionsLog
        from sinonom_cli.pages.sheets import open_sheets

        self._folder = open_sheets(Path(path))
        self.path, self.kind = self._folder.path, self._folder.kind
        self.names = list(self._folder.rows)
        self.file = self.path / FILE
        folder = self._folder
        self._log = CorrectionsLog(self.file, folder.identity, self.names, upon=folder.upon)
        self._names: dict[tuple[str, Box], tuple[tuple[str, float], ...]] = {}
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
            if _is_new(one, written):
                names = self._names.get((name, one.box), ())
                here = replace(here, box=one.box, outline=corners(one.box), names=names)
            characters.append(here)
        return replace(written, characters=tuple(characters), unfit=len(unfit))

    def written(self, name: str) -> Sheet:
        """Return a sheet as it was written, without corrections; errors as `sheet`."""
        return self._as_written(name)

    def matches(self, name: str) -> dict[str, list[TableRow]]:
        """Return the rows of `blocks.csv` and `matches.csv` of a page, as "blocks" and "matches"; none without any.

        Raises
        ------
        BadInput
            If the page's file cannot be read.
        """
        return self._folder.matches(name)

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
        boxes : their boxes; left out: those of the old ones, joined by "merge", halved along the text by "split".
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
        from sinonom_cli.layout.corrections import ACTIONS, Spot

        if action not in ACTIONS:
            raise UsageError(f"action {action!r} is unknown", f"one of {', '.join(ACTIONS)}")
        written = self._as_written(name)
        if version is not None and version != self.version(name):
            raise Changed(f"{name} was corrected in another window", "look at it as it is now, and correct it again")
        if action == "undo":
            return self._log.undo(name, who, self._taken_in(written)) is not None
        now, _ = self._corrected(written)
        was = [now[place] for place in checked_places(places, len(now))]
        if action == "split" and len(was) == 1 and not boxes:
            boxes = written.halves(was[0].box)
        found = new_boxes(action, was, boxes)
        shown = new_chars(action, was, chars, len(found))
        spots = [Spot(box=box, char=char) for box, char in zip(found, shown, strict=True)]
        self._log.add(
            who=who.strip()[:80],
            page=name,
            action=action,
            was=tuple(Spot(box=one.box, char=one.char) for one in was),
            now=tuple(spots),
            after=_box_before(now, found[0], written) if action == "add" else None,
            input=self._folder.inputs.get(name, ""),
        )
        return True

    def close(self) -> None:
        """Let other programs write the corrections."""
        self._log.close()

    def _corrected(self, written: Sheet) -> tuple[list[Corrected], list[Correction]]:
        from sinonom_cli.layout.apply_corrections import Corrected, applied
        from sinonom_cli.layout.corrections import standing

        characters = [
            Corrected(box=one.box, char=one.char, index=index, column=one.column, place=one.place, checked=one.checked)
            for index, one in enumerate(written.characters)
        ]
        taken_in = self._taken_in(written)
        corrections = [each for each in standing(self._log.of_page(written.name)) if each.id not in taken_in]
        found, unfit = applied(characters, corrections, written.way.shown(written.direction))
        self._name([one.box for one in found if _is_new(one, written)], written)
        return [self._with_name(one, written) for one in found], unfit

    def _name(self, boxes: Sequence[Box], written: Sheet) -> None:
        """Ask the model for the names of boxes that people have made, unless they are known."""
        from sinonom_cli.pages.sheet_names import names_in_boxes

        new = [box for box in boxes if (written.name, box) not in self._names]
        for box, names in zip(new, names_in_boxes(written, new), strict=True):
            self._names[written.name, box] = names

    def _with_name(self, one: Corrected, written: Sheet) -> Corrected:
        """Return a character with the model's first name if people have made its box and not named it."""
        if one.char or not _is_new(one, written):
            return one
        names = self._names[written.name, one.box]
        return replace(one, char=names[0][0] if names else "", checked=False)

    def _taken_in(self, written: Sheet) -> set[int]:
        """Return the ids of the corrections in the file that the sheet was made with."""
        return {number for of, numbers in written.taken_in if of == self._log.of for number in numbers}


def _box_before(now: Sequence[Corrected], box: Box, written: Sheet) -> Box | None:
    """Return the box of the character that a new box follows in reading; None if it is the first."""
    from sinonom_cli.layout.apply_corrections import neighbour_before

    upright = [replace(one, box=written.upright(one.box)) for one in now]
    before = neighbour_before(upright, written.upright(box), written.direction)
    return next((one.box for one, turned in zip(now, upright, strict=True) if turned.box == before), None)


def _is_new(one: Corrected, written: Sheet) -> bool:
    """Return whether people have made or changed the box of a character."""
    return one.index is None or one.box != written.characters[one.index].box


def _new_character(one: Corrected) -> SheetCharacter:
    """Return a character that people have made."""
    from sinonom_cli.pages.sheet import SheetCharacter

    return SheetCharacter(
        column=one.column, place=one.place, part="", box=one.box, outline=corners(one.box), char=one.char
    )
