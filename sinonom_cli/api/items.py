"""Look through the items of an index from Python: what each shows, where its picture and its mesh are."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.api.item import Item, MeshFile
from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.storage.names import is_inside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sinonom_cli.search.index import Index
    from sinonom_cli.search.rows import Row

POINTS = 20_000
"""Largest number of rows of a map."""


class Items(Sequence[Item]):
    """Rows of an index with what their image sets say of them. Several threads may use it.

    Parameters
    ----------
    index : the opened index.
    folders : folders that may hold the meshes, searched before those beside the sets.
    """

    def __init__(self, index: Index, folders: Iterable[Path] = ()) -> None:
        self._index, self._folders = index, tuple(folders)
        self._more: dict[str, dict[str, dict[str, str]]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, number: int) -> Item:  # type: ignore[override]  # it takes no slices
        if not 0 <= number < len(self):
            raise IndexError(number)
        row = self._index.rows[number]
        picture = self._index.picture(row)
        folder = self._index.path.parent / row.set
        more = self._about(row)
        return Item(
            number=number,
            item=row.item,
            source=row.source,
            label=row.label,
            char=row.char,
            set=row.set,
            block=more.get("block", ""),
            column=more.get("column", ""),
            place=more.get("place", ""),
            doubt=_doubt(more),
            picture=picture if is_inside(picture, folder) else folder,
        )

    def find(
        self,
        *,
        text: str = "",
        char: str = "",
        reading: str = "",
        meaning: str = "",
        component: str = "",
        block: str = "",
        doubtful: bool = False,
        start: int = 0,
        count: int = 60,
    ) -> tuple[list[Item], int]:
        """Return some items that fit all conditions, in the order of the index, and the number of all that fit.

        Parameters
        ----------
        text : a character, a code point (U+5B57), or a reading ("người", also "nguoi"); "" for all.
        char, reading : a character or code point alone, and a reading alone; "" for all.
        meaning : words of the character's English definition; "" for all.
        component : a radical (水, 氵 or 85), under which dictionaries list the character; "" for all.
        block : name of a block; "" for all.
        doubtful : only items that their set calls doubtful or odd.
        start, count : which of them to return.

        Raises
        ------
        UsageError
            If `start` or `count` is negative, or `component` is no radical.
        """
        from sinonom_cli.characters import char_named
        from sinonom_cli.search.radicals import characters_with
        from sinonom_cli.search.readings import characters_found, characters_meaning, characters_read

        if start < 0 or count < 0:
            raise UsageError(f"start={start}, count={count} must not be negative", "start=0")
        asked = (
            (text, characters_found),
            (reading, characters_read),
            (meaning, characters_meaning),
            (component, characters_with),
        )
        wanted = [find(words) for words, find in asked if words] + ([frozenset(char_named(char))] if char else [])
        fitting: list[set[int]] = []
        if wanted:
            chars = frozenset.intersection(*wanted)
            fitting.append({number for char in chars for number in self._by_char.get(char, ())})
        if block:
            fitting.append(set(self.blocks.get(block, ())))
        if doubtful:
            fitting.append(self._doubted)
        numbers = sorted(set.intersection(*fitting)) if fitting else range(len(self))
        return [self[number] for number in numbers[start : start + count]], len(numbers)

    def chars(self, numbers: Sequence[int]) -> list[str]:
        """Return the characters of some rows."""
        return [self._index.rows[number].char for number in numbers]

    def mesh(self, number: int) -> MeshFile:
        """Return where the mesh of an item is.

        It is looked for below the folders given, its set, the index's folder, and the folders beside these.
        """
        row = self._index.rows[number]
        if not _is_mesh(row.origin):
            return MeshFile(path=None)
        looked = self._mesh_folders(row)
        for folder in looked:
            path = folder / row.origin
            if is_inside(path, folder) and path.is_file():
                return MeshFile(path=path, looked_at=looked)
        return MeshFile(path=None, looked_at=looked)

    def box_on_block(self, number: int) -> tuple[float, float, float, float] | None:
        """Return the box of an item on its upright block, x0, y0, x1, y1 in the scan's units; None if unknown."""
        numbers = _numbers(self._about(self._index.rows[number]).get("upright_box", ""))
        return (numbers[0], numbers[1], numbers[2], numbers[3]) if len(numbers) == 4 else None

    def block_picture(self, block: str) -> tuple[float, float, Path | None]:
        """Return the width and height of an upright block, in the scan's units, and its picture.

        They are 0 and 0 if they are unknown, and None if the picture is not kept or gone.
        """
        from sinonom_cli.storage.block_places import PICTURE_COLUMN

        for number in self.blocks.get(block, ())[:1]:
            row = self._index.rows[number]
            more = self._about(row)
            size = _numbers(more.get("upright_size", ""))
            width, height = size if len(size) == 2 else (0.0, 0.0)
            picture = self._index.path.parent / row.set / more.get(PICTURE_COLUMN, "")
            return width, height, picture if more.get(PICTURE_COLUMN) and picture.is_file() else None
        return 0.0, 0.0, None

    @cached_property
    def blocks(self) -> dict[str, list[int]]:
        """Rows of each block, by its name, in order of the names; rows without a block are left out."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(self._index.rows):
            block = self._about(row).get("block", "")
            if block:
                found[block].append(number)
        return dict(sorted(found.items()))

    @cached_property
    def characters(self) -> dict[str, int]:
        """Number of rows of each character, the most frequent first."""
        counts = {char: len(rows) for char, rows in self._by_char.items() if char}
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    @cached_property
    def map(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows (N,) and their places (N, 2) float32 in [-1, 1] on a map of the embeddings.

        The places are the first two principal components of the embeddings (Pearson 1901). At most `POINTS` rows,
        spread evenly over the index, are on the map.
        """
        import numpy as np

        rows = np.linspace(0, len(self) - 1, min(len(self), POINTS)).astype(np.int64) if len(self) else np.zeros(0, int)
        if len(rows) < 2:
            return rows, np.zeros((len(rows), 2), np.float32)
        vectors = self._index.vectors[rows].astype(np.float64)
        vectors -= vectors.mean(axis=0)
        _, axes = np.linalg.eigh(np.einsum("ni,nj->ij", vectors, vectors))
        places = np.einsum("ni,ij->nj", vectors, axes[:, :-3:-1])
        return rows, (places / max(np.abs(places).max(), 1e-12)).astype(np.float32)

    @cached_property
    def _by_char(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(self._index.rows):
            found[row.char].append(number)
        return dict(found)

    @cached_property
    def _doubted(self) -> set[int]:
        return {number for number, row in enumerate(self._index.rows) if _doubt(self._about(row))}

    def _mesh_folders(self, row: Row) -> tuple[Path, ...]:
        """Return the folders that may hold the mesh of a row."""
        home = self._index.path.parent
        folder = home / row.set
        around = [folder, folder.parent, home]
        for parent in dict.fromkeys((folder.parent, home)):
            try:
                around += sorted(each for each in parent.iterdir() if each.is_dir() and not each.name.startswith("."))
            except OSError:
                continue
        return tuple(dict.fromkeys((*self._folders, *around)))

    def _about(self, row: Row) -> dict[str, str]:
        """Return the other columns of a row's set."""
        return self._of_set(row.set).get(row.item, {})

    def _of_set(self, name: str) -> dict[str, dict[str, str]]:
        """Return the other columns of a set's table, by item; nothing if the set cannot be read."""
        if name not in self._more:
            with self._lock:
                if name not in self._more:
                    self._more[name] = self._read(name)
        return self._more[name]

    def _read(self, name: str) -> dict[str, dict[str, str]]:
        from sinonom_cli.storage.block_places import PICTURE_COLUMN, UPRIGHT_COLUMNS
        from sinonom_cli.storage.own_tables import rows_of

        kept = ("block", "column", "place", "doubtful", "remarks", *UPRIGHT_COLUMNS, PICTURE_COLUMN)
        try:
            return {
                row["file_name"].removeprefix("images/"): {key: row[key] for key in kept if row.get(key)}
                for row in rows_of(self._index.path.parent / name / "metadata.csv")
            }
        except (OSError, SinonomError, KeyError, ValueError):
            return {}


def _numbers(cell: str) -> list[float]:
    """Return the numbers of a cell; none if one of them is not a number."""
    try:
        return [float(word) for word in cell.split()]
    except ValueError:
        return []


def _doubt(more: Mapping[str, str]) -> str:
    return "; ".join(filter(None, (more.get("doubtful", ""), more.get("remarks", ""))))


def _is_mesh(source: str) -> bool:
    from sinonom_cli.meshes.read import MESH_SUFFIXES

    return Path(source).suffix.lower() in MESH_SUFFIXES
