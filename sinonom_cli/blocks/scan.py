"""Read the triangles of a block's scan several times, from the file or from memory, without stray faces."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.errors import BadInput
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.stream import blocks_of
from sinonom_cli.meshes.zbuffer import extent
from sinonom_cli.render.tidy import without_specks

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT = 2_000_000
"""Largest number of faces that stay in memory, 72 MB; a larger scan is read from its file each time, if its format can
be read in blocks."""
SAMPLES = 100_000
"""Largest number of faces from which the extent of most of the scan is taken."""
BEYOND = 0.25
"""How far faces may lie beyond the faces of that sample, as a share of its longest side."""


class Scan:
    """Triangles of a scan, which can be read again and again: `for triangles in scan`.

    The triangles come in blocks (F, 3, 3) float32, finite, in the scan's coordinates. Separate specks far away, and
    faces with a vertex that is displaced far away, are left out; so the first reading finds where most faces lie.

    Parameters
    ----------
    read : function that reads all triangles anew, in blocks of which at least one is not empty.
    notes : receives the number of faces that were left out.

    Attributes
    ----------
    faces : number of faces that are not left out.
    box : (2, 3) float64, lowest and highest x, y, z of these.

    Raises
    ------
    BadInput
        If a reading gives other faces than the first one: the file was changed.
    """

    def __init__(self, read: Callable[[], Iterable["NDArray[np.float32]"]], notes: Notes) -> None:
        self._read, self._kept = read, list["NDArray[np.float32]"]()
        self._limits: NDArray[np.float64] | None = None
        sample = _Sample()
        total, box = 0, np.array([[np.inf] * 3, [-np.inf] * 3])
        fits = True
        for block in read():
            total += len(block)
            bounds = extent(block, np.eye(3))
            box = np.array([np.minimum(box[0], bounds[0]), np.maximum(box[1], bounds[1])])
            sample.take(block)
            # A block with more faces than this is a whole mesh: its format cannot be read in blocks.
            fits = fits and (total <= KEPT or total == len(block))
            self._kept = [*self._kept, block] if fits else []
        self._total, self.faces, self.box = total, total, box
        self._leave_out_strays(sample.triangles(), notes)

    def __iter__(self) -> Iterator["NDArray[np.float32]"]:
        """Read the triangles once more."""
        total = 0
        for block in self._kept or self._read():
            total += len(block)
            inner = block
            if self._limits is not None:
                inner = block[((block >= self._limits[0]) & (block <= self._limits[1])).all(axis=(1, 2))]
            if len(inner):
                yield inner
        if total != self._total:
            raise BadInput(
                f"the file was changed while it was read: it had {self._total:,} faces, and now {total:,}",
                "run the command again when the file is complete",
            )

    def _leave_out_strays(self, sample: "NDArray[np.float32]", notes: Notes) -> None:
        """Find the box in which most of the scan lies, and take only the faces inside it from now on."""
        most = extent(without_specks(sample, Notes())[0], np.eye(3))
        beyond = BEYOND * float((most[1] - most[0]).max())
        limits = np.array([most[0] - beyond, most[1] + beyond])
        if (limits[0] <= self.box[0]).all() and (limits[1] >= self.box[1]).all():
            return
        self.crop(limits)
        notes.left_out.append(f"specks: {self._total - self.faces:,}")

    def crop(self, limits: "NDArray[np.float64]") -> None:
        """Take only the faces that lie inside limits from now on.

        Parameters
        ----------
        limits : (2, 3) float64, lowest and highest x, y, z.
        """
        old = self._limits
        if old is not None:
            limits = np.array([np.maximum(limits[0], old[0]), np.minimum(limits[1], old[1])])
        self._limits = limits
        bounds = [(len(block), extent(block, np.eye(3))) for block in self]
        self.faces = sum(count for count, _ in bounds)
        self.box = np.array([np.min([one[0] for _, one in bounds], 0), np.max([one[1] for _, one in bounds], 0)])


def scan_of(path: Path, notes: Notes) -> Scan:
    """Return the scan in a file; see `blocks_of` for what is read in blocks, and for errors."""
    first = [notes]  # what is unusual about the file is noted at the first reading
    return Scan(lambda: blocks_of(path, first.pop() if first else Notes()), notes)


class _Sample:
    """Evenly chosen triangles of a scan of unknown length: every 2^k-th, so that at most 2 SAMPLES are kept."""

    def __init__(self) -> None:
        self._step, self._seen, self._count = 1, 0, 0
        self._parts: list[NDArray[np.float32]] = []

    def take(self, block: "NDArray[np.float32]") -> None:
        """Choose from the next triangles."""
        part = block[-self._seen % self._step :: self._step].copy()
        self._seen, self._count = self._seen + len(block), self._count + len(part)
        self._parts.append(part)
        while self._count > 2 * SAMPLES:
            self._parts, self._step = [self.triangles()[::2].copy()], 2 * self._step
            self._count = len(self._parts[0])

    def triangles(self) -> "NDArray[np.float32]":
        """Return the chosen triangles, (F, 3, 3) float32."""
        return np.concatenate(self._parts)
