"""Take people's corrections from files, to apply them to a new reading of the same pages or blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import BadInput
from sinonom_cli.layout.apply_corrections import SAME
from sinonom_cli.layout.corrections import FILE, Box, Correction, read_corrections, standing
from sinonom_cli.layout.suppress import overlaps
from sinonom_cli.storage.atomic import sha256_of
from sinonom_cli.storage.inputs import Item, Items
from sinonom_cli.storage.own_tables import numbers_cell

if TYPE_CHECKING:
    from collections.abc import Collection

AGREEING = 0.5
"""Least share of the characters that people saw and corrected which a new reading finds again among its names. On four
pages saved as poor JPEG it is 0.83 to 0.98, on other pages 0.01 at most (`benchmarks/corrections.py`)."""
SAID = 3
"""Number of corrections that fit nothing which a message lists; the table lists all."""
NO_CHARACTER = "a correction fits no character"
"""Reason, in `doubtful.csv`, why a correction was left out."""

TakenIn = tuple[tuple[str, tuple[int, ...]], ...]
"""Corrections that a reading was made with: `of` of each file, and the ids of its corrections of this page."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """Corrections of one page or block.

    Attributes
    ----------
    corrections : those that were not taken back, in the order in which they apply.
    taken_in : of which files they are.
    """

    corrections: tuple[Correction, ...] = ()
    taken_in: TakenIn = ()

    def refuse_other(self, path: Path, boxes: Sequence[Box], names: Sequence[Collection[str]]) -> None:
        """Refuse corrections of another page that has the same name.

        They are of this page if they were made on the same file, or if at least the share `AGREEING` of the characters
        that people saw and corrected are among the names that these characters have now.

        Parameters
        ----------
        path : file of the page.
        boxes : of its characters, without corrections.
        names : characters that each of them may be.

        Raises
        ------
        BadInput
            If the corrections are of another page.
        """
        inputs = {each.input for each in self.corrections}
        if not inputs or inputs == {sha256_of(path)}:
            return
        seen = seen_again(self.corrections, boxes, names)
        if sum(seen) < AGREEING * len(seen):
            raise BadInput(
                f"its corrections are of another page of this name: {sum(seen)} of {len(seen)} characters that were "
                "corrected are found again",
                "give the corrections of this page, or move the page's own file back",
            )


@dataclass(frozen=True, kw_only=True)
class AllGiven:
    """Corrections of several pages or blocks.

    Attributes
    ----------
    of : `of` of the files, in their order.
    pages : corrections by the name of the page.
    """

    of: tuple[str, ...] = ()
    pages: Mapping[str, Given] = field(default_factory=dict)

    def __getitem__(self, page: str) -> Given:
        return self.pages.get(page, Given())

    def record(self) -> dict[str, list[str]]:
        """Return the entry among the options of an output that is made with the corrections; empty without any."""
        return {"corrections": list(self.of)} if self.of else {}

    def with_items(self, items: Items) -> Items:
        """Return items whose results depend on their corrections: one whose corrections change is made again.

        Parameters
        ----------
        items : pages or blocks, whose `data` begin with their name.
        """
        if not self.of:
            return items
        found = []
        for item in items:
            lines = b"".join(each.line() for each in self[item.data[0]].corrections)
            about = f"{item.about}\n\ncorrections {hashlib.sha256(lines).hexdigest()}"
            found.append(replace(item, about=about, made_again=True))
        return Items(found, items.passed_over)


def given_corrections(paths: Sequence[Path], items: Sequence[Item], what: str) -> AllGiven:
    """Read files of corrections, of which each may be made upon those before it.

    Parameters
    ----------
    paths : files that `sinonom serve` wrote, or folders that hold one.
    items : pages or blocks, whose `data` begin with their name.
    what : name of the items in messages, in the plural.

    Raises
    ------
    BadInput
        If a file cannot be read, holds only corrections of other pages, or is made upon a file that is not given.
    """
    names = [item.data[0] for item in items]
    of: list[str] = []
    pages: dict[str, Given] = {}
    for path in (path / FILE if path.is_dir() else path for path in paths):
        read = read_corrections(path)
        if read.of in of:
            raise BadInput(f"{path} is of a folder whose corrections are given already", "give each file once")
        if lacking := [one for one in read.upon if one not in of]:
            raise BadInput(
                f"{path} corrects {what} that were made with other corrections, which are not given: {len(lacking)}",
                "give their files too, before this one: --corrections FIRST --corrections SECOND",
            )
        of.append(read.of)
        found: dict[str, list[Correction]] = {}
        for each in standing(read.corrections):
            found.setdefault(each.page, []).append(each)
        _check_pages(path, found, names, what)
        for page, several in found.items():
            known = pages.get(page, Given())
            ids = tuple(each.id for each in several)
            pages[page] = Given(corrections=(*known.corrections, *several), taken_in=(*known.taken_in, (read.of, ids)))
    return AllGiven(of=tuple(of), pages={name: pages[name] for name in names if name in pages})


def taken_in_fields(taken_in: TakenIn) -> dict[str, Any]:
    """Return the entry of a page's or block's JSON for the corrections that it was made with; empty without any."""
    return {"corrections_taken_in": [{"of": of, "ids": list(ids)} for of, ids in taken_in]} if taken_in else {}


def taken_in_of(fields: Mapping[str, Any]) -> TakenIn:
    """Return the corrections that a page or block was made with, from its JSON."""
    return tuple((str(one["of"]), tuple(map(int, one["ids"]))) for one in fields.get("corrections_taken_in", ()))


def _check_pages(path: Path, found: Mapping[str, Sequence[Correction]], names: Sequence[str], what: str) -> None:
    """Say which pages are corrected, and refuse a file that corrects none of them."""
    others = [page for page in found if page not in set(names)]
    if found and len(others) == len(found):
        raise BadInput(
            f"{path} corrects none of the {len(names)} {what} given, but {len(others)} others; the first: {others[0]}",
            f"give {what} with the names under which they were corrected, such as {names[0]} here",
        )
    if others:
        messages.warn(f"{path}: corrections of {what} that are not given: {len(others)}; the first: {others[0]}")
    count = sum(len(several) for page, several in found.items() if page not in others)
    messages.say(f"{path}: corrections: {count}; {what} corrected: {len(found) - len(others)} of {len(names)}")


def say_unfit(page: str, unfit: Sequence[Correction], count: int) -> None:
    """Say which of `count` corrections of a page fit none of its characters."""
    if unfit:
        listed = "; ".join(described(each) for each in unfit[:SAID]) + ("; ..." if len(unfit) > SAID else "")
        messages.warn(f"{page}: {len(unfit)} of {count} corrections fit no character and are left out: {listed}")


def unfit_cells(correction: Correction) -> dict[str, str]:
    """Return the cells of `doubtful.csv` for a correction that fits no character."""
    spots = correction.was or correction.now
    return {
        "box": numbers_cell(spots[0].box),
        "char": "".join(spot.char for spot in correction.was),
        "known": "".join(spot.char for spot in correction.now),
        "reason": f"{NO_CHARACTER}: {correction.action}",
    }


def described(correction: Correction) -> str:
    """Return a correction in words, such as `change 人 at 10 20 50 64 into 入`."""
    was, now = ("".join(spot.char or "?" for spot in spots) for spots in (correction.was, correction.now))
    box = " ".join(f"{side:g}" for side in (correction.was or correction.now)[0].box)
    into = f" into {now}" if correction.was and now and correction.action != "accept" else ""
    return f"{correction.action} {was or now} at {box}{into}"


def seen_again(corrections: Sequence[Correction], boxes: Sequence[Box], names: Sequence[Collection[str]]) -> list[bool]:
    """Return whether each character that people saw first, and then corrected, is among the names at its box."""
    there, made, seen = np.array(boxes, np.float64).reshape(-1, 4), np.zeros((0, 4)), []
    for each in corrections:
        for spot in each.was:
            box = np.array(spot.box)
            if spot.char and not (len(made) and overlaps(box, made).max() >= SAME):
                shares = overlaps(box, there) if len(there) else np.zeros(1)
                seen.append(bool(shares.max() >= SAME) and spot.char in names[int(shares.argmax())])
        made = np.vstack([made, *(np.array([spot.box]) for spot in each.now)])
    return seen
