"""List the items that a stage works through, from what a user types (files, folders, globs, `-`)."""

import glob
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.walk import DEPTH_FOLDER, Entry, look, said, walk


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of work.

    Attributes
    ----------
    key : unique name: the path relative to the given input, with "/" on every system.
    path : the file that holds it.
    data : any other data for the stage; must be picklable.
    size : size of the file in bytes; -1 if it does not exist.
    about : text that the result depends on besides the file, such as a label known from elsewhere.
    files : further files that the result depends on, such as those that a glTF file names.
    fault : reason why it cannot be read, if known without opening it: a pipe, a dead link, a locked folder.
    made_again : what to do if only `about` or `files` have changed since the item was done: make it again (True), or
        refuse to continue (False).
    """

    key: str
    path: Path
    data: Any = None
    size: int = -1
    about: str = ""
    files: tuple[Path, ...] = ()
    fault: str = ""
    made_again: bool = False


class Items(list[Item]):
    """A list of items, with the number of files in the folders that were passed over, by suffix."""

    passed_over: dict[str, int]

    def __init__(self, items: Iterable[Item], passed_over: Mapping[str, int] | None = None) -> None:
        super().__init__(items)
        self.passed_over = dict(sorted((passed_over or {}).items()))


def find_inputs(
    inputs: Sequence[str],
    suffixes: Collection[str],
    what: str,
    limit: int | None = None,
    skip: Sequence[Path] = (),
    with_option: Mapping[str, str] | None = None,
) -> Items:
    """List the files that the inputs name, sorted by key within each input, and report files passed over in folders.

    An entry that exists and cannot be read becomes an item with a `fault`, so that the others are still processed.

    Parameters
    ----------
    inputs : files, folders (searched recursively), globs, or "-" (a list of paths on stdin).
    suffixes : suffixes of files taken from folders, lower-case, with dot; a file given by name may have any suffix.
    what : name of the files in messages, in the plural.
    limit : largest number of items to return; None: all.
    skip : files and folders that the command writes; they are ignored if they lie in an input folder.
    with_option : suffixes of files that are taken only with an option, each with what to type for it.

    Raises
    ------
    SinonomError
        If an input does not exist, or nothing is found.
    """
    roots, passed_over = list(_expand(inputs)), Counter[str]()
    found: list[tuple[Path, Item]] = []
    for root, typed in roots:
        if os.path.isdir(root):  # noqa: PTH112  # it is False for a name that no disk accepts
            holding = walk(str(root), frozenset(suffixes), skip)
            found += [(root, _item(entry)) for entry in holding.entries]
            passed_over += holding.passed_over
        elif typed and not os.path.lexists(root):
            raise SinonomError(f"{root} does not exist", f"check the path; give {what}, folders or globs")
        else:
            size, fault = look(root)
            found.append((root.parent, Item(root.name, root, size=size, fault=fault)))
    if not found:
        hints = [hint for suffix, hint in (with_option or {}).items() if suffix in passed_over]
        hint = hints[0] if hints else f"give files that end in {' '.join(sorted(suffixes))}"
        besides = f"; {said(passed_over)}" if passed_over else ""
        raise SinonomError(f"no {what} in {', '.join(inputs)}{besides}", hint)
    if passed_over:
        messages.say(said(passed_over))
    # Paths within one folder are unique already.
    return Items(([item for _, item in found] if len(roots) == 1 else _unique(found))[:limit], passed_over)


def _item(entry: Entry) -> Item:
    return Item(entry.key, Path(entry.path), size=entry.size, fault=entry.fault)


def _expand(inputs: Sequence[str]) -> Iterator[tuple[Path, bool]]:
    """Yield the paths that are named, and whether each was typed; a typed path that does not exist is an error."""
    for text in inputs:
        if text == "-":
            yield from ((Path(line.rstrip("\r\n")), False) for line in sys.stdin if line.strip())
        elif not os.path.lexists(text) and glob.has_magic(text):
            matches = sorted(glob.glob(text, recursive=True))
            if not matches:
                raise SinonomError(f"nothing matches {text}", "check the pattern; quote it for the shell")
            yield from ((Path(match), False) for match in matches)
        else:
            yield Path(text), True


def _unique(found: list[tuple[Path, Item]]) -> list[Item]:
    """Make keys unique: if two inputs hold the same relative path, prefix it with the input's name."""
    seen: dict[str, Item] = {}
    counts: Counter[str] = Counter()
    for root, item in found:
        resolved = os.path.abspath(item.path)  # noqa: PTH100  # this removes ".."
        if resolved not in seen:
            counts[item.key] += 1
            name = os.path.basename(os.path.abspath(root))  # noqa: PTH100, PTH119
            seen[resolved] = replace(item, data=f"{name}/{item.key}" if name else item.key)
    items = [replace(item, key=item.data if counts[item.key] > 1 else item.key, data=None) for item in seen.values()]
    again = [key for key, n in Counter(item.key for item in items).items() if n > 1]
    if again:
        raise SinonomError(
            f"two inputs are both called {again[0]}", "give the folder above them, so that their paths differ"
        )
    return items


__all__ = ["DEPTH_FOLDER", "Item", "Items", "find_inputs"]
