"""Read transcripts of blocks or pages: a text file each, a folder of them, or a CSV file of many."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from sinonom_cli import messages
from sinonom_cli.characters import characters_of, repair
from sinonom_cli.crops.transcripts import ILLEGIBLE
from sinonom_cli.errors import BadInput, SinonomError
from sinonom_cli.storage.names import composed
from sinonom_cli.storage.tables import TABLES, Table, read_lines, split_lines
from sinonom_cli.storage.walk import walk

FORMS = "a text file with the {of}'s name (<{of}>.txt), a folder of them, or CSV with the columns {of},text"
OWNERS = ("block", "page")
"""What a transcript belongs to, which is also the name of the column of a CSV file that names it."""

Text = tuple[str, ...]
"""Columns of a block in reading order, from right to left; each a string of characters."""


def read_transcripts(path: Path, blocks: Sequence[str], of: Literal["block", "page"] = "block") -> dict[str, Text]:
    """Return the transcript of each block, or page, that has one.

    Parameters
    ----------
    path : a text file, a folder of text files, or a CSV file; see `FORMS`. Columns of a block are lines of text, from
        right to left. In CSV, a block has one row with several lines, or a row for each column.
    blocks : names of the blocks. A transcript belongs to a block if its name is the block's or its last part. The only
        text file belongs to the only block, whatever its name.
    of : what messages call a block, and the name of its column; a table may name the column as the other.

    Raises
    ------
    SinonomError
        If the file cannot be read, has no text, or names none of the blocks.
    """
    in_table = path.suffix.lower() in TABLES and path.is_file()
    found = _in_table(path, of) if in_table else _in_files(path, FORMS.format(of=of))
    texts = {name: text for name, text in found.items() if text}
    if not texts:
        raise BadInput(f"{path} holds no transcripts", f"give {FORMS.format(of=of)}")
    if len(texts) == 1 and len(blocks) == 1 and path.is_file() and not in_table:
        return {blocks[0]: next(iter(texts.values()))}
    names = _names(blocks)
    known = {names[key]: text for name, text in texts.items() if (key := _key(name)) in names}
    unused = [name for name in texts if _key(name) not in names]
    if not known:
        raise BadInput(
            f"{path} names none of the {len(blocks)} {of}s given, but {len(texts)} others; the first: {unused[0]}",
            f"name the transcript as the {of}: {blocks[0]}",
        )
    if unused:
        messages.say(f"transcripts of other {of}s, not used: {len(unused)}; the first: {unused[0]}")
    lacking = [block for block in blocks if block not in known]
    if lacking:
        messages.warn(f"{len(lacking)} of {len(blocks)} {of}s have no transcript; the first: {lacking[0]}")
    return known


def columns_of(text: str) -> Text:
    """Return the columns of a text, without empty lines, marks, spaces and punctuation.

    Signs for characters that cannot be read are kept; Private Use characters of Nom Na Tong become Unicode's.
    """
    lines = (
        "".join(repair(char) for char in characters_of(line) if char in ILLEGIBLE or _is_written(char))
        for line in split_lines(text)
    )
    return tuple(line for line in lines if line)


def _is_written(char: str) -> bool:
    return unicodedata.category(char)[0] not in "PZC" or unicodedata.category(char) == "Co"


def _in_files(path: Path, forms: str) -> dict[str, Text]:
    if path.is_dir():
        files = sorted((entry.key, Path(entry.path)) for entry in walk(str(path), (".txt",)).entries)
    elif path.is_file():
        files = [(path.name, path)]
    else:
        raise SinonomError(f"{path} does not exist", f"--transcripts takes {forms}")
    return {
        PurePosixPath(key).with_suffix("").as_posix(): columns_of("\n".join(read_lines(file))) for key, file in files
    }


def _in_table(path: Path, of: str) -> dict[str, Text]:
    found: dict[str, Text] = {}
    hint = f"its first line must name {of},text"
    named = Table(path, ("text",), hint).columns
    column = next((name for name in (of, *OWNERS) if name in named), of)
    for row in Table(path, (column, "text"), hint):
        name = row.cells[column].strip()
        found[name] = (*found.get(name, ()), *columns_of(row.cells["text"]))
    return found


def _names(blocks: Sequence[str]) -> dict[str, str]:
    """Return the block of each name that means it: the whole name, and its last part where that means no other."""
    last: dict[str, list[str]] = {}
    for block in blocks:
        last.setdefault(_key(PurePosixPath(block).name), []).append(block)
    single = {name: several[0] for name, several in last.items() if len(several) == 1}
    return {**single, **{_key(block): block for block in blocks}}


def _key(name: str) -> str:
    return composed(name).removeprefix("meshes/")
