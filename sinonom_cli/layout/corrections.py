"""Corrections that people make to the characters of pages and blocks: the file that keeps them, and how they apply.

`corrections.jsonl` has a JSON object a line and only ever grows. Its first line says what it corrects:

    {"kind": "corrections", "schema": 1, "of": "<SHA-256 of the inputs of the folder>"}

If the folder was itself made with corrections, `"upon"` lists the `"of"` of their files: the corrections of this file
only make sense after those.

Every other line is one correction of one page or block:

    {"id": 3, "when": "2026-01-31T09:12:44Z", "who": "Lan", "page": "trang 1", "action": "change",
     "was": [{"box": [10, 20, 50, 64], "char": "人"}], "now": [{"box": [10, 20, 50, 64], "char": "入"}], "after": null}

`was` are the characters that go, `now` those that take their place, in reading order; boxes are x0, y0, x1, y1 on the
page as its picture is shown, or on the block as it is read, see `storage.block_places`. A character of `was` is found
again by its box: the one whose box overlaps it most, by half of their union at least, so that corrections also apply to
a new reading of the page. An `add` has an empty `was`; `after` is the box of the character before it in reading order,
or null for the first place. `{"id": 5, ..., "action": "undo", "of": 4}` takes another correction back. `"input"` is the
SHA-256 of the file that holds the page or block; files of earlier versions do not have it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinonom_cli.errors import BadInput

ACTIONS = ("accept", "change", "split", "merge", "delete", "add", "undo")
SCHEMA = 1
FILE = "corrections.jsonl"
"""Name of the file in the folder that it corrects."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A character in a correction: its box, and the character that it shows; "" if it is not known."""

    box: Box
    char: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One line of `corrections.jsonl`; the module describes its fields."""

    id: int
    when: str
    who: str
    page: str
    action: str
    was: tuple[Spot, ...] = ()
    now: tuple[Spot, ...] = ()
    after: Box | None = None
    of: int | None = None
    input: str = ""

    def line(self) -> bytes:
        """Return the correction as a line of the file."""
        fields: dict[str, Any] = {"id": self.id, "when": self.when, "who": self.who, "page": self.page}
        fields["action"] = self.action
        if self.action == "undo":
            fields["of"] = self.of
        else:
            fields["was"] = [{"box": list(spot.box), "char": spot.char} for spot in self.was]
            fields["now"] = [{"box": list(spot.box), "char": spot.char} for spot in self.now]
            fields["after"] = None if self.after is None else list(self.after)
        if self.input:
            fields["input"] = self.input
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def standing(corrections: Iterable[Correction]) -> list[Correction]:
    """Return the corrections that were not taken back, in their order."""
    known = list(corrections)
    undone = {each.of for each in known if each.action == "undo"}
    return [each for each in known if each.action != "undo" and each.id not in undone]


def header(of: str, upon: Sequence[str] = ()) -> bytes:
    """Return the first line of a file of corrections, which are made upon those of other files."""
    fields: dict[str, Any] = {"kind": "corrections", "schema": SCHEMA, "of": of}
    return json.dumps(fields | ({"upon": list(upon)} if upon else {})).encode("ascii") + b"\n"


def parsed(line: bytes) -> Correction:
    """Return the correction that a line holds.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        fields = json.loads(line)
        action = fields["action"]
        if action not in ACTIONS:
            raise ValueError(f"unknown action {action!r}")
        when, who, page = (str(fields[name]) for name in ("when", "who", "page"))
        made = Correction(
            id=int(fields["id"]), when=when, who=who, page=page, action=action, input=str(fields.get("input", ""))
        )
        if action == "undo":
            return replace(made, of=int(fields["of"]))
        return replace(
            made,
            was=tuple(map(spot_of, fields["was"])),
            now=tuple(map(spot_of, fields["now"])),
            after=None if fields["after"] is None else box_of(fields["after"]),
        )
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"it lacks {error}" if isinstance(error, KeyError) else "it is no correction") from None


def spot_of(fields: Any) -> Spot:
    """Return a character of a correction from its JSON; ValueError or TypeError if it is none."""
    char = fields["char"]
    if not isinstance(char, str) or len(char) > 1:
        raise ValueError(f"{char!r} is not one character")
    return Spot(box=box_of(fields["box"]), char=char)


def box_of(values: Any) -> Box:
    """Return a box from its JSON; ValueError or TypeError if it is none."""
    x0, y0, x1, y1 = (float(value) for value in values)
    if not (-1e9 < x0 < x1 < 1e9 and -1e9 < y0 < y1 < 1e9):
        raise ValueError(f"{values} is not x0, y0, x1, y1 with x0 < x1 and y0 < y1")
    return x0, y0, x1, y1


@dataclass(frozen=True, kw_only=True)
class CorrectionsFile:
    """What a file of corrections holds.

    Attributes
    ----------
    of : SHA-256 of the inputs of the folder that it corrects.
    upon : `of` of the files of corrections that this folder was made with.
    corrections : in the order in which they were made.
    """

    of: str
    upon: tuple[str, ...]
    corrections: list[Correction]


def read_corrections(path: Path) -> CorrectionsFile:
    """Read a file of corrections.

    Raises
    ------
    BadInput
        If it cannot be read, or a line is no correction; a last line without its end was not finished and is left out.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadInput(f"{path} cannot be read: {reason}", "sinonom serve writes such files") from None
    try:
        first = json.loads(lines[0])
        known = first["kind"] == "corrections" and first["schema"] == SCHEMA
        of, upon = str(first["of"]), tuple(map(str, first.get("upon", ())))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = False
    if not known:
        raise BadInput(f"{path} is not a file of corrections", f"sinonom serve writes such files: {FILE}")
    found = []
    for number, line in enumerate(lines[1:-1], 2):
        try:
            found.append(parsed(line))
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path}, line {number}: {error}", "repair or remove this line") from None
    return CorrectionsFile(of=of, upon=upon, corrections=found)
