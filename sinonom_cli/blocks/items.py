"""List the blocks to cut, with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sinonom_cli.blocks.learn import Knowledge
from sinonom_cli.blocks.prints import Print
from sinonom_cli.blocks.transcripts import Text
from sinonom_cli.render.run import each_map, name_of
from sinonom_cli.storage.inputs import Items
from sinonom_cli.storage.names import distinct


def blocks_of(items: Items, limit: int | None) -> Items:
    """Return the blocks in files as items; each file of several height maps becomes several.

    `data` is the name of the block, under which its files are written, the number of its map in the file, and what is
    known of it: nothing.
    """
    found = each_map(items, limit)
    names = distinct({item.key: name_of(item) for item in found}, "")
    named = [replace(item, data=(names[item.key], item.data - 1 if item.data else 0, Knowledge())) for item in found]
    return Items(named, items.passed_over)


def known_blocks(items: Items, texts: Mapping[str, Text], prints: Mapping[str, tuple[Print, ...]]) -> Items:
    """Return the items with the transcripts and prints of their blocks, by the blocks' names.

    What is known belongs to an item's fingerprint.
    """
    found = []
    for item in items:
        name, number, _ = item.data
        text = texts.get(name, ())
        pages = prints.get(name, ())
        drawn = (f"{page.name} {page.boxes} {page.chars}" for page in pages if page.boxes)
        known = Knowledge(text=text, prints=pages)
        files = tuple(dict.fromkeys((*item.files, *(page.path for page in pages))))
        found.append(replace(item, data=(name, number, known), about="\n".join((*text, *drawn)), files=files))
    return Items(found, items.passed_over)
