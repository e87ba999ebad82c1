"""Turn parameters of requests into values, and items and sheets into JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sinonom_cli.characters import label_of, reading
from sinonom_cli.errors import UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from sinonom_cli.api.beside import Beside
    from sinonom_cli.api.correcting import Sheet, SheetCharacter
    from sinonom_cli.api.items import Item


def number_of(request: Request, name: str, usual: int, least: int, most: int) -> int:
    """Return a whole number from the address; `usual` if it is not given.

    Raises
    ------
    UsageError
        If it is no number from `least` to `most`.
    """
    text = request.query_params.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and least <= int(text) <= most):
        raise UsageError(
            f"{name}={text[:40]} is not a whole number from {least} to {most}", f"{name}={max(usual, least)}"
        )
    return int(text)


def yes(request: Request, name: str, usual: bool = False) -> bool:
    """Return whether a switch in the address is on; `usual` if it is not given.

    Raises
    ------
    UsageError
        If it is neither on nor off.
    """
    text = request.query_params.get(name, "").casefold()
    if text not in ("", "0", "1", "true", "false"):
        raise UsageError(f"{name}={text[:40]} is neither 1 nor 0", f"{name}=1")
    return text in ("1", "true") if text else usual


def about_char(char: str) -> dict[str, str]:
    """Return what is known about a character: its label, readings and definition."""
    facts = reading(char)
    label = label_of(char) if len(char) == 1 else ""
    return {"char": char, "label": label, **facts._asdict()}


def about_item(item: Item) -> dict[str, Any]:
    """Return an item as JSON, with the address of its picture."""
    return {
        "id": item.number,
        "item": item.item,
        "source": item.source,
        "set": item.set,
        "block": item.block,
        "column": item.column,
        "place": item.place,
        "doubt": item.doubt,
        "picture": f"/api/items/{item.number}/picture",
        **about_char(item.char),
        "label": item.label,
    }


def about_sheet(sheet: Sheet, folder: int, number: int, version: int) -> dict[str, Any]:
    """Return a page or block as JSON.

    Parameters
    ----------
    folder, number : of the sheet in its address.
    version : number of its corrections.
    """
    here = f"/api/folders/{folder}/sheets/{number}"
    return {
        "name": sheet.name,
        "version": version,
        "width": sheet.width,
        "height": sheet.height,
        "picture": f"{here}/picture",
        "unfit": sheet.unfit,
        "characters": [_about(one, here) for one in sheet.characters],
    }


def about_beside(beside: Beside, picture: str) -> dict[str, Any]:
    """Return a block that printed a page as JSON; `picture` is the address of its picture."""
    return {
        "block": beside.block,
        "probability": beside.probability,
        "agreeing": beside.agreeing,
        "placed": beside.placed,
        "width": beside.width,
        "height": beside.height,
        "picture": picture if beside.picture else None,
        "carvings": [
            {"item": one.item, "char": one.char, "box": list(one.box), "printed": list(one.printed)}
            for one in beside.carvings
        ],
    }


def _about(one: SheetCharacter, here: str) -> dict[str, Any]:
    return {
        **about_char(one.char),
        "column": one.column,
        "place": one.place,
        "part": one.part,
        "box": [round(value, 3) for value in one.box],
        "outline": [[round(x, 3), round(y, 3)] for x, y in one.outline],
        "probability": round(one.probability, 4),
        "checked": one.checked,
        "number": one.number,
        "names": [{**about_char(char), "probability": probability} for char, probability in one.names],
        "mesh": f"{here}/characters/{one.number}/mesh" if one.mesh is not None else None,
    }
