"""Draw an image set from faces and a charset: cut the work into tasks, draw each, count the drawn characters."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sinonom_cli import messages
from sinonom_cli.characters import label_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.fonts.assignment import Share, shares_of
from sinonom_cli.fonts.balance import balanced
from sinonom_cli.fonts.charset import Charset
from sinonom_cli.fonts.coverage import coverage_of, read_all
from sinonom_cli.fonts.task import METADATA, DrawGlyphs, Task
from sinonom_cli.fonts.variants import Level
from sinonom_cli.parallel.batch import BatchOptions, Item, fill
from sinonom_cli.parallel.processes import PROCESSES
from sinonom_cli.parallel.work import cores
from sinonom_cli.storage.inputs import Items
from sinonom_cli.storage.own_tables import rows_of
from sinonom_cli.storage.record import Artifact

CHUNK = 128
"""Number of characters of one face that are drawn as one item; few, so that a crash of FreeType loses little work."""
WORTH_WORKERS = 4000
"""Smallest number of pictures for which starting workers saves time."""


def make(
    fonts: Items,
    out: Path,
    *,
    charset: Charset | None,
    side: int,
    levels: tuple[Level, ...],
    seed: int,
    keep_duplicates: bool,
    balance: bool,
    options: dict[str, Any],
    batch: BatchOptions,
) -> Artifact:
    """Draw the characters of all faces into the image set `out`.

    Parameters
    ----------
    fonts : font files.
    out : folder of the image set.
    charset : requested characters; None: every Han character that a face has.
    side : side of the pictures, pixels.
    levels : pictures drawn of each glyph.
    seed : seed of the degradations.
    keep_duplicates : whether a picture that several faces draw identically is drawn for each of them.
    balance : whether characters that few faces have get more pictures, until all characters have equally many.
    options : options for the record.
    batch : options of the batch.

    Raises
    ------
    SinonomError
        If no font can be read, none has any of the characters, or every glyph is blank; see also `fill`.
    """
    before = {} if batch.overwrite else _faces_in(out)
    faces, bad = read_all(fonts)
    chars = charset.chars if charset else None
    shares = shares_of(faces, chars, keep_duplicates=keep_duplicates, before=before)
    if shares and not any(share.chars for share in shares):
        raise SinonomError(
            f"none of the {len(shares)} faces has a requested character", "give another --charset or other fonts"
        )
    more: Mapping[tuple[str, str], int] = {}
    if balance:
        looked = coverage_of([(share.face, share.chars) for share in shares], batch.workers)
        drawn = [(share.face.key, found.drawn) for share, found in zip(shares, looked, strict=True)]
        target, more = balanced(drawn, len(levels))
        options = {**options, "balance": target}
    items = cut(shares, len(levels), more) + [item for item, _ in bad]
    if batch.workers is None and batch.engine == PROCESSES:
        pictures = sum(len(share.chars) for share in shares) * len(levels) + sum(more.values())
        batch = replace(batch, workers=cores() if pictures >= WORTH_WORKERS else 0)

    def extra() -> dict[str, Any]:
        found = _drawn(out)
        if shares and not found:
            raise SinonomError(
                f"nothing was drawn: every glyph of the {len(shares)} faces is blank or missing",
                "give other fonts; sinonom fonts FONTS... shows what each face draws",
            )
        return {"faces": _coverage(shares, found, keep_duplicates), "private_use": _private_use(charset)}

    return fill(
        out,
        kind="imageset",
        options=options,
        items=items,
        work=DrawGlyphs(out, side, levels, seed, balance),
        columns=METADATA,
        batch=batch,
        what="pieces of fonts",
        extra=extra,
        passed_over=fonts.passed_over,
    )


def cut(shares: Sequence[Share], levels: int, more: Mapping[tuple[str, str], int]) -> list[Item]:
    """Cut the work into items: at most `CHUNK` characters of a face, fewer if each has many pictures.

    Parameters
    ----------
    shares : characters that each face draws.
    levels : number of pictures of each glyph.
    more : number of further pictures by (face key, character).
    """
    items: list[Item] = []
    for share in shares:
        key, path = share.face.key, share.face.path
        size, start = path.stat().st_size, 0
        while start < len(share.chars):
            stop, pictures = start, 0
            while stop < min(start + CHUNK, len(share.chars)) and pictures < CHUNK * levels:
                pictures += levels + more.get((key, share.chars[stop]), 0)
                stop += 1
            chars = share.chars[start:stop]
            extra = tuple(more.get((key, char), 0) for char in chars) if more else ()
            items.append(Item(f"{key}[{start}:{stop}]", path, Task(share.face, chars, extra), size))
            start = stop
    return items


def _faces_in(out: Path) -> dict[str, tuple[str, int]]:
    """Return typeface family and rank, by key, of the faces of an existing set, which keep their characters."""
    try:
        record = json.loads((out / "artifact.json").read_text(encoding="utf-8", errors="surrogateescape"))
        faces = record["faces"].items()
        return {key: (str(face["hand"]), int(face["rank"])) for key, face in faces}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}  # The folder is empty or holds something else, which `fill` reports.


def _drawn(out: Path) -> Counter[str]:
    """Count the characters that each face drew, by key; rows are read one by one, as a set may have a million."""
    found: Counter[str] = Counter()
    last: tuple[str, str] | None = None
    for row in rows_of(out / "metadata.csv"):
        this = (row["source"], row["label"])
        found[row["source"]] += this != last
        last = this
    return found


def _coverage(shares: Sequence[Share], drawn: Mapping[str, int], keep_duplicates: bool) -> dict[str, dict[str, Any]]:
    """Return the counts of each face: characters requested, not in its cmap, duplicate, drawn, and without a glyph."""
    found = {}
    for share in shares:
        same = 0 if keep_duplicates else share.same
        count = drawn.get(share.face.key, 0)
        found[share.face.key] = {
            "hand": share.face.hand,
            "rank": share.rank,
            "asked": share.asked,
            "not_in_cmap": share.not_in_cmap,
            "same": same,
            "same_as": share.same_as,
            "drawn": count,
            "without_glyph": share.asked - share.not_in_cmap - same - count,
        }
    return found


def _private_use(charset: Charset | None) -> dict[str, Any]:
    if charset is None:
        return {}
    repaired = {label_of(char): label_of(now) for char, now in charset.repaired.items()}
    return {"repaired": repaired, "not_drawn": [label_of(char) for char in charset.private]}


def say_what_was_drawn(artifact: Artifact) -> None:
    """Print how many of the requested characters the faces drew."""
    faces = artifact.record.get("faces", {})
    for key, counts in faces.items():
        twin = f", {counts['same']} the same as in {counts['same_as']}" if counts["same"] else ""
        messages.detail(
            f"{key}: {counts['drawn']} of {counts['asked']} characters drawn, {counts['not_in_cmap']} not in its cmap, "
            f"{counts['without_glyph']} in its cmap without a glyph{twin}"
        )
    drawing = [counts for counts in faces.values() if counts["drawn"]]
    hands = len({counts["hand"] for counts in drawing})
    lies, same = (sum(counts[name] for counts in faces.values()) for name in ("without_glyph", "same"))
    messages.say(
        f"{artifact.counts.get('images', 0):,} pictures from {len(drawing)} of {len(faces)} faces, "
        f"{hands} typeface families"
        + (f"; {same:,} glyphs that another face draws identically are left out" if same else "")
        + (f"; {lies:,} glyphs that cmaps name are blank or missing" if lies else "")
    )
