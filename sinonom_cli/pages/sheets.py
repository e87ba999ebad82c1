"""Open what `read` and `cut` wrote, both as sheets: a picture, and the characters on it with boxes and names."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.blocks.upright import Way
from sinonom_cli.errors import BadInput, SinonomError
from sinonom_cli.layout.given_corrections import taken_in_of
from sinonom_cli.pages.block_files import read_matches
from sinonom_cli.pages.exports.json_file import read_json
from sinonom_cli.pages.reading import UNREADABLE
from sinonom_cli.pages.sheet import Sheet, SheetCharacter
from sinonom_cli.storage.names import is_inside
from sinonom_cli.storage.own_tables import TableRow, rows_of
from sinonom_cli.storage.record import read_record

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SheetFolder:
    """A folder that `read` or `cut` wrote.

    Attributes
    ----------
    path : of the folder.
    kind : "pages" or "blocks".
    identity : SHA-256 of the inputs that it was made from.
    upon : `of` of the files of corrections that it was made with.
    """

    def __init__(self, path: Path, kind: str, identity: str, upon: tuple[str, ...] = ()) -> None:
        self.path, self.kind, self.identity, self.upon = path, kind, identity, upon

    @cached_property
    def inputs(self) -> dict[str, str]:
        """SHA-256 of the file that holds each sheet, by the name of the sheet; of what is known."""
        table = self.path / "items.csv"
        marks = {row["item"]: row.get("fingerprint", "") for row in rows_of(table)} if table.is_file() else {}
        found = {name: marks.get(rows[0].get("source", ""), "") for name, rows in self.rows.items()}
        return {name: mark.partition("+")[0].partition(" ")[0] for name, mark in found.items()}

    @cached_property
    def rows(self) -> dict[str, list[TableRow]]:
        """Rows of the folder's table by the name of their sheet."""
        found: dict[str, list[TableRow]] = {}
        for row in rows_of(self.path / "metadata.csv"):
            name = row.get("block" if self.kind == "blocks" else "page", "")
            if name:
                found.setdefault(name, []).append(row)
        return found

    def sheet(self, name: str) -> Sheet:
        """Return a sheet as it was written, without corrections.

        Raises
        ------
        BadInput
            If there is no such sheet, or its files cannot be read.
        """
        rows = self.rows.get(name)
        if rows is None:
            raise BadInput(f"{self.path} has no {name!r}", f"it has {', '.join(list(self.rows)[:5]) or 'nothing'}")
        try:
            # A damaged transform must not give a place that is no number.
            with np.errstate(all="raise", under="ignore"):
                return self._block(name, rows) if self.kind == "blocks" else self._page(name, rows[0])
        except SinonomError:
            raise
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else f"{error}"
            raise BadInput(f"{self.path}: {name} cannot be read: {reason}", "make the folder again") from None

    def matches(self, name: str) -> dict[str, list[TableRow]]:
        """Return the rows of `blocks.csv` and `matches.csv` of a page, as "blocks" and "matches"; none without any.

        Raises
        ------
        BadInput
            If the page's file cannot be read.
        """
        file = self.rows[name][0].get("blocks_file_name", "")
        return read_matches(self._file(file)) if file else {"blocks": [], "matches": []}

    def _page(self, name: str, row: TableRow) -> Sheet:
        reading = read_json(self._file(row["file_name"]))
        characters = tuple(
            SheetCharacter(
                column=one.column,
                place=one.place,
                part=one.part,
                box=one.box,
                outline=one.outline,
                char="" if one.char == UNREADABLE else one.char,
                names=tuple((called.char, called.probability) for called in (one.sight if one.checked else one.names)),
                checked=one.checked,
                number=number,
            )
            for number, one in enumerate(reading.characters)
        )
        picture = self._file(row["picture_file_name"])
        return Sheet(
            name=name,
            width=reading.width,
            height=reading.height,
            picture=picture,
            characters=characters,
            clean=self._clean(row),
            way=Way(mirrored=reading.mirrored, turned=reading.turned),
            direction="horizontal" if reading.direction == "horizontal" else "vertical",
            taken_in=reading.taken_in,
        )

    def _block(self, name: str, rows: list[TableRow]) -> Sheet:
        record = json.loads(self._file(rows[0]["record_file_name"]).read_text(encoding="utf-8"))
        width, height = map(float, record["size"])
        characters = _on_their_boxes([self._of_block(number, row, record) for number, row in enumerate(rows)])
        picture = self._file(rows[0]["picture_file_name"])
        return Sheet(
            name=name,
            width=width,
            height=height,
            picture=picture,
            characters=characters,
            clean=self._clean(rows[0]),
            taken_in=taken_in_of(record),
        )

    def _of_block(self, number: int, row: TableRow, record: dict[str, Any]) -> SheetCharacter:
        points = np.array([[float(value) for value in point.split(",")] for point in row["polygon"].split(";")])
        outline = on_block(points, record)
        given = row.get("upright_box", "")  # sets of earlier versions do not have it
        x0, y0, x1, y1 = map(float, given.split() if given else (*outline.min(axis=0), *outline.max(axis=0)))
        names = zip(row["names"].split(), map(float, row["probabilities"].split()), strict=True)
        return SheetCharacter(
            column=int(row["column"]),
            place=int(row["place"]),
            part=row.get("part", ""),
            box=(x0, y0, x1, y1),
            outline=tuple((float(x), float(y)) for x, y in outline),
            char=row["char"],
            names=tuple(names),
            mesh=self._file(row["file_name"]),
            checked=row.get("checked") == "yes",
            number=number,
        )

    def _clean(self, row: TableRow) -> Path | None:
        """Return the clean picture that a row names; None if it names none or it is gone."""
        name = row.get("clean_file_name", "")
        path = self._file(name) if name else None
        return path if path is not None and path.is_file() else None

    def _file(self, name: str) -> Path:
        """Return a file that the table names; it cannot lie outside the folder."""
        path = self.path / name
        if not name or not is_inside(path, self.path):
            raise BadInput(f"{self.path}: its table names a file outside it: {name}", "make the folder again")
        return path


def _on_their_boxes(characters: list[SheetCharacter]) -> tuple[SheetCharacter, ...]:
    """Return the characters of a block with their outlines on their boxes.

    The outlines were cut at the height of the wood, which the table does not hold: where a scan is tilted, they are all
    shifted by nearly the same length. The median over the characters is taken out.
    """
    outlines = [np.array(one.outline) for one in characters]
    away = [
        (np.array(one.box[:2]) + one.box[2:] - outline.min(axis=0) - outline.max(axis=0)) / 2
        for one, outline in zip(characters, outlines, strict=True)
    ]
    shift = np.median(np.array(away), axis=0)
    return tuple(
        replace(one, outline=tuple((float(x), float(y)) for x, y in outline + shift))
        for one, outline in zip(characters, outlines, strict=True)
    )


def open_sheets(path: Path) -> SheetFolder:
    """Open a folder that `read` or `cut` wrote.

    Raises
    ------
    BadInput
        If it is none.
    """
    hint = "give a folder that sinonom read or sinonom cut wrote"
    if not path.is_dir():
        raise BadInput(f"{path} is not a folder", hint)
    for kind, called in (("reading", "pages"), ("meshset", "blocks")):
        try:
            record = read_record(path, kind)
        except SinonomError:
            continue
        if called == "blocks" and record.get("options", {}).get("command") != "cut":
            break
        if record.get("status") != "complete":
            raise BadInput(f"{path} is not complete", "run the command that makes it again: it goes on")
        upon = tuple(map(str, record.get("options", {}).get("corrections", ())))
        return SheetFolder(path, called, str(record.get("inputs", {}).get("sha256", "")), upon)
    raise BadInput(f"{path} was not written by sinonom read or sinonom cut", hint)


def on_block(points: NDArray[np.float64], record: dict[str, Any]) -> NDArray[np.float64]:
    """Return points of a scan on the block as it is read.

    Parameters
    ----------
    points : (K, 2) float64 x, y of the scan; they lie in the plane to which the block was levelled.
    record : of the block, with its transform, size and way.

    Returns
    -------
    (K, 2) float64, in the scan's units, x to the right and y downwards from the block's upper left corner.
    """
    transform = np.array(record["transform"], np.float64)
    a, b, c, shift = transform[2]
    z = -(points[:, 0] * a + points[:, 1] * b + shift) / c
    solid = np.column_stack([points, z])
    moved = np.einsum("ij,kj->ki", transform[:2, :3], solid) + transform[:2, 3]
    width, height = record["size"] if record["turned"] % 180 == 0 else record["size"][::-1]
    turn = Way(mirrored=bool(record["mirrored"]), turned=int(record["turned"])).matrix()[:2, :2]
    corners = np.einsum("ij,kj->ki", turn, np.array([(0, 0), (width, 0), (0, -height), (width, -height)], np.float64))
    left, top = corners[:, 0].min(), corners[:, 1].max()
    return np.column_stack([moved[:, 0] - left, top - moved[:, 1]])
