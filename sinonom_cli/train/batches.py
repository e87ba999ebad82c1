"""Make a batch as the network sees it: views of the pictures that a step learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.train.augment import views
from sinonom_cli.train.distill import Lessons
from sinonom_cli.train.distributed import Ranks
from sinonom_cli.train.prefetch import Batch
from sinonom_cli.train.prepared_pictures import Cells
from sinonom_cli.train.sampler import Sampler
from sinonom_cli.train.split import Pictures


@dataclass(frozen=True)
class MakeBatch:
    """Function object that makes the batch of a step, or one process's share of it.

    A batch has prints and reliefs of P characters; the K views of a character are consecutive. The object can be
    pickled, and it makes the same batch in every process.
    """

    sampler: Sampler
    seed: int
    positions: NDArray[np.int64]
    classes: NDArray[np.int64]
    depths: NDArray[np.bool_]
    cells: Cells
    ranks: Ranks = Ranks()  # noqa: RUF009  # frozen
    lessons: Lessons | None = None

    @staticmethod
    def of(
        pictures: Pictures, cells: Cells, sampler: Sampler, ranks: Ranks, lessons: Lessons | None = None
    ) -> MakeBatch:
        """Return an object that makes batches of these pictures."""
        return MakeBatch(
            sampler, sampler.seed, pictures.cells, pictures.classes, pictures.depths, cells, ranks, lessons
        )

    def __call__(self, step: int) -> Batch:
        rows = self.sampler.batch(step)
        mine = self.ranks.share(len(rows))
        reliefs = reliefs_of(self.depths[rows], self.sampler.images)[mine]
        rows = rows[mine]
        seed = [self.seed, 1, step] if self.ranks.first else [self.seed, 1, step, self.ranks.rank]
        rng = np.random.default_rng(seed)
        positions = self.positions[rows]
        seen = views(self.cells[positions], reliefs, rng, depth=self.depths[rows])
        return Batch(seen, self.classes[rows], self.lessons(positions) if self.lessons else None)


def reliefs_of(depths: NDArray[np.bool_], images: int) -> NDArray[np.bool_]:
    """Choose pictures of ink to show as reliefs, so that reliefs and depth pictures are half of each class.

    Pictures of a class come in random order, so the choice is random.

    Parameters
    ----------
    depths : (P * K,) bool, which pictures are depth pictures.
    images : pictures of each class, K.

    Returns
    -------
    (P * K,) bool; in a class without depth pictures every second one.
    """
    of_class = depths.reshape(-1, images)
    ink = ~of_class
    lacking = np.maximum(images // 2 - of_class.sum(axis=1), 0)
    # The last ones of each class are chosen, or every second one where there is no depth picture.
    from_end = ink[:, ::-1].cumsum(axis=1)[:, ::-1]
    chosen = ink & (from_end <= lacking[:, None])
    none = lacking == images // 2
    chosen[none] = np.arange(images) % 2 == 1
    return chosen.ravel()
