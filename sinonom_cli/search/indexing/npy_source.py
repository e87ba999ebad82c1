"""Read embeddings of other programs: `NAME.npy`, (N, D) float32, and beside it the table `NAME.csv` of its rows.

The table has the column `item`, and may have `source`, `label`, `char` and `set` (the folder of the pictures, relative
to the table). Without a table, items are named by their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.search.index_files import MARK, checksum
from sinonom_cli.search.indexing.entries import mark_of, relative
from sinonom_cli.search.rows import ROW_COLUMNS, Row, picture_of
from sinonom_cli.storage.fingerprints import each
from sinonom_cli.storage.mapped_arrays import mapped_array, part_of
from sinonom_cli.storage.set_identity import quick_identity
from sinonom_cli.storage.tables import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 65_536


class Arrays:
    """Files of embeddings, joined in their order.

    Parameters
    ----------
    paths : the `.npy` files.
    output : path of the index; rows name folders relative to the index's folder.
    dimension : number of dimensions of the model's embeddings.
    limit : number of vectors to use, from the first; None: all.

    Raises
    ------
    SinonomError
        If a file is not an (N, D) float32 array, or its table has another length.
    """

    def __init__(self, paths: Sequence[Path], output: Path, dimension: int, limit: int | None) -> None:
        self.paths, self.output = list(dict.fromkeys(paths)), output
        self.arrays = [_opened(path, dimension) for path in self.paths]
        self.used: list[int] = []
        for array in self.arrays:
            self.used.append(len(array) if limit is None else min(len(array), limit - sum(self.used)))
        self.shape = (sum(self.used), dimension)
        for path in self.paths:
            if not path.with_suffix(".csv").exists():
                messages.say(f"{path.with_suffix('.csv')} does not exist: items are named by their numbers")

    def identity(self) -> dict[str, Any]:
        """Return sizes and checksums (of a large file: of a sample) that show whether the arrays have changed."""
        sums = {path.name: checksum(path, quick=True) for path in self.paths}
        return {"vectors": self.shape[0], "arrays": sums}

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the vectors, (n, D) float32; raise SinonomError for a vector with a value that is not finite."""
        for path, array, used in zip(self.paths, self.arrays, self.used, strict=True):
            for start in range(0, used, BLOCK):
                block = _part(path, array, start, min(start + BLOCK, used))
                bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
                if len(bad):
                    raise SinonomError(
                        f"{path}: row {start + int(bad[0])} holds a value that is not a finite number",
                        "leave the row out of the array and the table",
                    )
                yield block

    def rows(self) -> Iterator[Row]:
        """Yield the row of each vector; raise SinonomError if a table does not fit its array."""
        for path, array, used in zip(self.paths, self.arrays, self.used, strict=True):
            table = path.with_suffix(".csv")
            if not table.exists():
                yield from (Row(f"{path.stem}#{number}", "", "", "", "") for number in range(used))
                continue
            number = 0
            for line in Table(table, ("item",), f"columns: {', '.join(ROW_COLUMNS)}", names=True):
                number += 1
                if number <= used:
                    yield Row(*(self._cell(table, name, line.cells.get(name, "")) for name in ROW_COLUMNS))
            if number != len(array):
                raise SinonomError(
                    f"{table} has {number} rows, {path} has {len(array)} vectors", "one row for each vector"
                )

    def pictures(self) -> tuple[NDArray[np.uint8] | None, dict[str, str]]:
        """Return what `query` needs to see whether the rows' pictures have changed since.

        Returns
        -------
        marks : (N, MARK) uint8, the marks of the rows' pictures, 0 where there is none; None if there are none at all.
        seen : identities of the sets that the rows name, by their names in rows.
        """
        marks, sets = np.zeros((self.shape[0], MARK), np.uint8), dict[str, None]()
        with_pictures = ((number, row) for number, row in enumerate(self.rows()) if row.set)
        while some := list(islice(with_pictures, BLOCK)):
            found = each(mark_of, [picture_of(self.output, row) for _, row in some])
            marks[[number for number, _ in some]] = np.frombuffer(b"".join(found), np.uint8).reshape(-1, MARK)
            sets |= dict.fromkeys(row.set for _, row in some)
        seen = {}
        for name in sets:
            with suppress(OSError):
                seen[name] = quick_identity(self.output.parent / name)
        return (marks if marks.any() else None), seen

    def _cell(self, table: Path, name: str, cell: str) -> str:
        return relative(table.parent / cell, self.output) if name == "set" and cell else cell


def arrays_given(sets: Sequence[Path]) -> bool:
    """Return whether `.npy` files are to be indexed; raise SinonomError with exit code 2 if sets are among them."""
    arrays = [path.suffix == ".npy" for path in sets]
    if any(arrays) and not all(arrays):
        raise UsageError("image sets and .npy files cannot be indexed together", "index one, then --add the other")
    return any(arrays)


def _part(path: Path, array: np.memmap, start: int, end: int) -> NDArray[np.float32]:
    """Return some vectors, (end - start, D) float32."""
    try:
        return part_of(array, start, end)
    except OSError as error:
        raise SinonomError(f"{path} cannot be read: {error}", "write it again, and then run the command") from error


def _opened(path: Path, dimension: int) -> np.memmap:
    """Map an array, and check that it has the dtype and dimension of the model's embeddings."""
    try:
        array = mapped_array(path)
    except FileNotFoundError:
        raise SinonomError(f"{path} does not exist", "check the path") from None
    except Exception as error:
        reason = " ".join(str(error).split())
        raise SinonomError(f"{path} is not a numpy array: {reason}", "use numpy.save(NAME.npy, vectors)") from error
    if not isinstance(array, np.memmap) or array.ndim != 2 or array.dtype != np.float32:
        found = f"{array.shape} {array.dtype}" if isinstance(array, np.ndarray) else "an archive"
        raise SinonomError(f"{path} is {found}, not (N, D) float32", "convert it with vectors.astype(numpy.float32)")
    if array.shape[1] != dimension:
        raise SinonomError(
            f"{path} holds vectors of length {array.shape[1]}, the model's embeddings have {dimension}",
            "use --model with the model that made them",
        )
    if len(array) == 0:
        raise SinonomError(f"{path} holds no vectors", "give an array that holds some")
    return array
