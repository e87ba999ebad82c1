"""Draw the pictures of each batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.storage.atomic import cached_by_file
from sinonom_cli.train.split import Pictures


@dataclass(frozen=True)
class HardClasses:
    """Source of characters that the network confuses, which go into one batch.

    After each `every` steps the training writes a table of neighbours. A batch is drawn with the last table but one, so
    that any process can make it ahead with the same result.

    Attributes
    ----------
    folder : folder of the tables.
    share : share of a batch's characters that are neighbours of the others, 0 to below 1.
    """

    folder: Path
    share: float
    every: int = 100

    @property
    def width(self) -> int:
        """Return the number of neighbours of each character in a table: as its share needs, and 4 to spare."""
        return 4 + math.ceil(self.share / (1 - self.share))

    def table_of(self, step: int) -> int | None:
        """Return the number of the table for the batch of a step, counted from 0; None if there is none yet."""
        number = step // self.every - 1
        return number if number >= 1 else None

    def written_after(self, step: int) -> int | None:
        """Return the number of the table to be written after `step` steps; None if none is due."""
        return step // self.every if step % self.every == 0 else None

    def path(self, number: int) -> Path:
        """Return the file of a table: (C, n) int64, -1 where there is no neighbour."""
        return self.folder / f"neighbours-{number}.npy"

    def neighbours(self, step: int) -> NDArray[np.int64] | None:
        """Return the table for a step; None if there is none yet."""
        number = self.table_of(step)
        return None if number is None else _table(self.path(number))


@cached_by_file(2)
def _table(path: Path) -> NDArray[np.int64]:
    table: NDArray[np.int64] = np.load(path, allow_pickle=False)
    return table


@dataclass(frozen=True)
class Sampler:
    """Sampler of P classes x K pictures; batch `step` depends on (seed, step) and the table of hard classes alone.

    Pictures are grouped by class and, within a class, by set: `rows[first[g]:first[g + 1]]` are the pictures of group
    g, which belongs to set `owners[g]`. `begins[k]` to `begins[k + 1]` are the groups of the k-th class, `names[k]`,
    which is drawn with weight `odds[k]`; if `odds` is None, all weights are equal.
    """

    seed: int
    classes: int
    images: int
    rows: NDArray[np.int64]
    first: NDArray[np.int64]
    begins: NDArray[np.int64]
    names: NDArray[np.int64]
    owners: NDArray[np.int64]
    depths: NDArray[np.bool_]
    weights: NDArray[np.float64]
    hard: HardClasses | None = None
    odds: NDArray[np.float64] | None = None

    @staticmethod
    def of(
        pictures: Pictures,
        seed: int,
        classes: int,
        images: int,
        weights: Sequence[float] = (),
        hard: HardClasses | None = None,
        frequency: float = 0.0,
    ) -> Sampler:
        """Group the pictures that are not held out; if there are fewer than P classes, batches are smaller.

        Parameters
        ----------
        classes, images : P classes and K pictures of each.
        weights : weight of each set; none: all the same.
        hard : tables of neighbours, which are put into one batch; None: classes are random.
        frequency : power, 0 to 1; classes are drawn by the number of their pictures to this power.
        """
        kept = np.flatnonzero(~pictures.held)
        rows = kept[np.lexsort((pictures.sets[kept], pictures.classes[kept]))]
        both = np.stack([pictures.classes[rows], pictures.sets[rows]], axis=1)
        first = np.flatnonzero(np.r_[True, (both[1:] != both[:-1]).any(axis=1), True])
        names, owners = both[first[:-1]].T
        begins = np.flatnonzero(np.r_[True, names[1:] != names[:-1], True])
        return Sampler(
            seed,
            min(classes, len(begins) - 1),
            images,
            rows,
            first,
            begins,
            names[begins[:-1]],
            owners,
            pictures.depths[rows[first[:-1]]],
            np.array(weights, dtype=float) if len(weights) else np.ones(int(pictures.sets.max()) + 1),
            hard,
            np.diff(first[begins]).astype(float) ** frequency if frequency else None,
        )

    def batch(self, step: int) -> NDArray[np.int64]:
        """Return the rows of the pictures of one batch; the K of a class are consecutive.

        The K pictures of a class come, in random order, from the sets that have it. The sets' shares are those of their
        weights, rounded to whole numbers but exact on average. The pictures are different if there are enough; a class
        with fewer gives some twice, which become different views. A class that has both kinds gives at least one
        picture of ink and one depth picture.

        Returns
        -------
        (P * K,) int64.
        """
        rng = np.random.default_rng([self.seed, step])
        return np.concatenate([self._of_class(int(c), rng) for c in self._chosen(step, rng)])

    def _chosen(self, step: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the classes of a batch: random ones, then the nearest, second nearest, ... neighbour of each."""
        order = self._order(rng)
        table = self.hard.neighbours(step) if self.hard else None
        if self.hard is None or table is None:
            return order[: self.classes]
        seeds = order[: max(1, self.classes - round(self.classes * self.hard.share))]
        place = np.full(len(table), -1)
        place[self.names] = np.arange(len(self.names))
        near = table[self.names[seeds]].T.ravel()
        wanted = np.concatenate([seeds, place[near[near >= 0]], order[len(seeds) :]])
        wanted = wanted[wanted >= 0]
        _, earliest = np.unique(wanted, return_index=True)
        return wanted[np.sort(earliest)][: self.classes]

    def _order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return all classes in random order, in which each next one is drawn from the others by their odds.

        Efraimidis, Spirakis 2006, "Weighted random sampling with a reservoir", algorithm A: the largest values of
        log(u) / w, with u uniform in (0, 1), come first.
        """
        if self.odds is None:
            return rng.permutation(len(self.names))
        return np.argsort(-np.log1p(-rng.random(len(self.names))) / self.odds, kind="stable")

    def _of_class(self, chosen: int, rng: np.random.Generator) -> NDArray[np.int64]:
        groups = rng.permutation(np.arange(self.begins[chosen], self.begins[chosen + 1]))
        shares = _rounded(self.images * self._shares(groups), rng)
        self._both_kinds(groups, shares)
        taken = [
            rng.permutation(_some(self.rows[self.first[g] : self.first[g + 1]], int(n), rng))
            for g, n in zip(groups, shares, strict=True)
            if n
        ]
        return rng.permutation(np.concatenate(taken))

    def _shares(self, groups: NDArray[np.int64]) -> NDArray[np.float64]:
        weights = self.weights[self.owners[groups]]
        return weights / weights.sum()

    def _both_kinds(self, groups: NDArray[np.int64], shares: NDArray[np.int64]) -> None:
        """Replace one picture of ink by a depth picture, or vice versa, if a class has both and a batch only one."""
        depths = self.depths[groups]
        for lacking in (depths, ~depths):
            if lacking.any() and not lacking.all() and not shares[lacking].any() and self.images > 1:
                shares[shares.argmax()] -= 1
                weights = np.where(lacking, self.weights[self.owners[groups]], 0)
                shares[weights.argmax()] += 1


def _rounded(amounts: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return whole numbers of the same sum, each less than 1 from its amount and equal to it on average."""
    ends = np.concatenate([[0.0], amounts.cumsum()])
    ends[-1] = round(ends[-1])
    # Whole amounts stay as they are for any offset: their ends are whole numbers, except for rounding.
    steps = np.floor(np.round(ends, 9) + rng.random() * (1 - 1e-9)).astype(np.int64)
    return np.diff(steps)


def _some(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` of the rows: all different if there are enough, else each at least count // len(rows) times."""
    whole, rest = divmod(count, len(rows))
    return np.concatenate([np.tile(rows, whole), rng.choice(rows, rest, replace=False)])
