"""Learn from a teacher: the student reproduces the teacher's similarities or distances between clean pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sinonom_cli.networks.teachers import ENTRY, Teacher
from sinonom_cli.storage.atomic import cannot_write
from sinonom_cli.train.losses.basic import pairwise_distances
from sinonom_cli.train.prepared_pictures import Cells


@dataclass(frozen=True)
class Lessons:
    """Answers of a teacher to the pictures of a training, computed once for each picture that a batch needs.

    Answers are stored beside the prepared pictures, in the files that `files` names, for all trainings with this
    teacher. A row of zeros has not been computed yet. Two processes that compute the same row write the same bytes.

    Attributes
    ----------
    length : K, numbers that are kept of an answer.
    taught : numbers of the sets whose pictures the teacher answers; the answers to others are rows of zeros.
    """

    teacher: Teacher
    cells: Cells
    length: int
    taught: tuple[int, ...]

    @staticmethod
    def of(teacher: Teacher, cells: Cells, taught: Sequence[int] | None = None) -> Lessons:
        """Create the files of the answers, which are sparse until they are filled; `taught` is None: for all sets."""
        length = teacher(np.eye(cells.size, dtype=np.uint8)[None] * 255).shape[1]
        lessons = Lessons(teacher, cells, length, tuple(range(len(cells.files)) if taught is None else taught))
        for path, count in (lessons.files[number] for number in lessons.taught):
            size = count * length * ENTRY.itemsize
            if path.exists() and path.stat().st_size == size:
                continue
            _opened.cache_clear()  # the mapped file may have been deleted since
            try:
                with path.open("wb") as file:
                    file.truncate(size)
            except OSError as error:
                raise cannot_write(path, error) from error
        return lessons

    @property
    def files(self) -> list[tuple[Path, int]]:
        """Return for each set the file of its answers and the number of its pictures."""
        name = f"teacher-{self.teacher.identity[:16]}.bin"
        return [(path.with_name(name), count) for path, count in self.cells.files]

    def __call__(self, positions: NDArray[np.int64]) -> NDArray[np.void]:
        """Return the answers to the clean pictures at these positions, (N, K) of `teachers.ENTRY`."""
        answers = np.zeros((len(positions), self.length), ENTRY)
        owners, rows = self.cells.owners[positions], self.cells.rows[positions]
        for number in self.taught:
            path, count = self.files[number]
            mine = np.flatnonzero(owners == number)
            if len(mine) == 0:
                continue
            known = _opened(path, (count, self.length))
            answers[mine] = known[rows[mine]]
            unasked = mine[~answers["value"][mine].any(axis=1)]
            if len(unasked):
                _, first = np.unique(rows[unasked], return_index=True)
                asked = unasked[first]
                known[rows[asked]] = self.teacher(self.cells[positions[asked]])
                answers[unasked] = known[rows[unasked]]
        return answers


@cache
def _opened(path: Path, shape: tuple[int, int]) -> NDArray[np.void]:
    return np.memmap(path, ENTRY, "r+", shape=shape)


def as_tensor(answers: NDArray[np.void]) -> Tensor:
    """Return values and columns of (N, K) answers as one (N, K, 2) float32 tensor, which processes can exchange."""
    return torch.from_numpy(np.stack([answers["value"], answers["column"]], axis=-1, dtype=np.float32))


def dense(answers: Tensor) -> Tensor:
    """Return (N, K, 2) answers of a batch as (N, U) float32 rows over the U columns that occur in the batch."""
    values, columns = answers.unbind(dim=2)
    used, place = columns.long().unique(return_inverse=True)
    return values.new_zeros(len(values), len(used)).scatter_(1, place, values)


TEMPERATURE = 0.1
"""Temperature of the softmax over similarities."""


def similarity(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the divergence of the student's similarities between the pictures of a batch from the teacher's.

    It is the mean over pictures i of the Kullback-Leibler divergence sum over j of t_ij log(t_ij / s_ij), where t_i and
    s_i are softmaxes over the other pictures j of the cosines of i and j, divided by `TEMPERATURE`. The sources are
    Abbasi Koohpayegani, Tejankar, Pirsiavash 2020, "CompRess: self-supervised learning by compressing representations",
    section 3, and Fang et al. 2021, "SEED: self-supervised distillation for visual representation", equations 2 to 4.
    They compare with a queue of earlier pictures; here the batch itself is used.

    Parameters
    ----------
    student : (N, D) float, with gradient.
    teacher : (N, E) float.

    Returns
    -------
    () float.
    """
    own = torch.eye(len(student), dtype=torch.bool, device=student.device)
    units = (functional.normalize(rows.float(), dim=1) for rows in (teacher, student))
    wanted, found = ((unit @ unit.T / TEMPERATURE).masked_fill(own, -1e4).log_softmax(dim=1) for unit in units)
    return functional.kl_div(found, wanted.detach(), reduction="batchmean", log_target=True)


def relational(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the loss of distance-wise relational distillation.

    Park, Kim, Lu, Cho 2019, "Relational knowledge distillation", section 3.2.1: the mean over pairs of l(t_ij, s_ij),
    where l is Huber's loss with delta 1. t_ij and s_ij are the distances of two pictures in the teacher's and in the
    student's embedding, each divided by the mean over the batch's pairs, so that each may have its own scale.

    Parameters
    ----------
    student : (N, D) float, with gradient.
    teacher : (N, E) float.

    Returns
    -------
    () float.
    """
    apart = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    distances = [pairwise_distances(rows.float())[apart] for rows in (teacher, student)]
    wanted, found = (each / each.mean().clamp(min=1e-6) for each in distances)
    return functional.huber_loss(found, wanted.detach())


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"similarity": similarity, "distance": relational}
"""Losses to learn from a teacher by; `options.DISTILLING` has their weights."""


def distilled(way: str, student: Tensor, answers: Tensor) -> Tensor:
    """Return the loss of the student against a teacher's (N, K, 2) answers, by one of `LOSSES`; () float.

    Pictures without an answer, whose rows are zeros, do not count.
    """
    asked = answers[:, :, 0].any(dim=1)
    if int(asked.sum()) < 2:
        return student.sum() * 0
    return LOSSES[way](student[asked], dense(answers[asked]))
