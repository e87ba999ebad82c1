"""Write a reading as JSON with everything that is known of it, and read it again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from sinonom_cli.characters import label_of
from sinonom_cli.errors import BadInput
from sinonom_cli.layout.given_corrections import taken_in_fields, taken_in_of
from sinonom_cli.pages.reading import Point, ReadCharacter, Reading
from sinonom_cli.search.naming import Name


def json_file(reading: Reading, _changed: str = "") -> str:
    """Return a reading as JSON. Lengths are rounded to 0.01 pixels, probabilities to 0.0001.

    Bytes of file names that are not UTF-8, which Python holds as lone surrogates, are written as `\\udcXX`, as
    `storage.atomic.write_json` does.
    """
    fields = {
        "page": reading.page,
        "source": reading.source,
        "width": reading.width,
        "height": reading.height,
        "direction": reading.direction,
        "turned": reading.turned,
        "mirrored": reading.mirrored,
        "character_height": round(reading.size, 2),
        "left_out": reading.left_out,
        **taken_in_fields(reading.taken_in),
        "text": reading.text,
        "characters": [_character(character) for character in reading.characters],
    }
    text = json.dumps(fields, ensure_ascii=False, indent=1) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _character(character: ReadCharacter) -> dict[str, Any]:
    return {
        "column": character.column,
        "place": character.place,
        "part": character.part,
        "box": [round(value, 2) for value in character.box],
        "outline": [[round(x, 2), round(y, 2)] for x, y in character.outline],
        "score": round(character.score, 4),
        "char": character.char,
        "label": character.label,
        "probability": round(character.probability, 4),
        "rejected": character.rejected,
        "named_by": character.named_by,
        "checked": character.checked,
        "names": [_name(name) for name in character.names],
        "names_by_sight": [_name(name) for name in character.sight],
    }


def _name(name: Name) -> dict[str, Any]:
    distance = round(name.distance, 4) if math.isfinite(name.distance) else None  # a transcript's name has none
    return {"char": name.char, "probability": round(name.probability, 4), "distance": distance}


def read_json(path: Path) -> Reading:
    """Read a reading that `json_file` wrote.

    Raises
    ------
    BadInput
        If the file is missing or is no such reading.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Reading(
            page=fields["page"],
            source=fields["source"],
            width=int(fields["width"]),
            height=int(fields["height"]),
            direction=fields["direction"],
            turned=int(fields["turned"]),
            mirrored=bool(fields["mirrored"]),
            size=float(fields["character_height"]),
            characters=tuple(_read_character(one) for one in fields["characters"]),
            left_out=int(fields.get("left_out", 0)),
            taken_in=taken_in_of(fields),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a page that sinonom read wrote"
        raise BadInput(f"{path} cannot be read: {reason}", "run sinonom read again") from None


def _read_character(fields: dict[str, Any]) -> ReadCharacter:
    x0, y0, x1, y1 = map(float, fields["box"])
    corners: list[Point] = [(float(x), float(y)) for x, y in fields["outline"]]
    first, second, third, fourth = corners
    return ReadCharacter(
        column=int(fields["column"]),
        place=int(fields["place"]),
        part=fields["part"],
        box=(x0, y0, x1, y1),
        outline=(first, second, third, fourth),
        score=float(fields["score"]),
        sight=tuple(map(_read_name, fields["names_by_sight"])),
        names=tuple(map(_read_name, fields["names"])),
        rejected=bool(fields["rejected"]),
        named_by=fields.get("named_by", "sight"),
        checked=bool(fields.get("checked", False)),
    )


def _read_name(fields: dict[str, Any]) -> Name:
    return Name(
        label=label_of(fields["char"]),
        char=fields["char"],
        distance=math.nan if fields["distance"] is None else float(fields["distance"]),
        probability=float(fields["probability"]),
    )
