"""Set up what a training learns from: the given sets, their prepared pictures, and the batches made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.networks.teachers import Teacher
from sinonom_cli.storage.image_set import ImageSet, read_imageset
from sinonom_cli.train.batches import MakeBatch
from sinonom_cli.train.cache_folder import default_folder
from sinonom_cli.train.config import Config, find_sets, weighed
from sinonom_cli.train.distill import Lessons
from sinonom_cli.train.distributed import Ranks
from sinonom_cli.train.prepared_pictures import Cells, contents_of, fill_cache
from sinonom_cli.train.sampler import HardClasses, Sampler
from sinonom_cli.train.split import Pictures, gather

MOST_IMAGES = 16
"""Largest number of pictures of a character for which a fuller batch is proposed."""


@dataclass(frozen=True)
class Given:
    """Image sets, complete (`whole`) and cut off after `--limit` (`sets`), and the `weights` of their pictures."""

    whole: list[ImageSet]
    sets: list[ImageSet]
    weights: list[float]


def read_sets(config: Config) -> Given:
    """Read the sets that were given.

    Raises
    ------
    SinonomError
        If there are none, or no model can be trained on them.
    """
    found = [weighed(path) for path in find_sets(config.data)]
    whole = [read_imageset(path) for path, _ in found]
    sets = [replace(images, pictures=images.pictures[: config.limit]) for images in whole]
    gather(sets, config.seed, config.val)
    return Given(whole, sets, [weight for _, weight in found])


@dataclass(frozen=True)
class Material:
    """Prepared pictures, and the object that makes batches of them."""

    cells: Cells
    pictures: Pictures
    make: MakeBatch


def prepare_material(
    config: Config, given: Given, ranks: Ranks, teacher: Teacher | None, hard: HardClasses | None, again: bool
) -> Material:
    """Prepare the pictures that are not prepared yet, and set up the batches; `again` is as in `fill_cache`."""
    cells = fill_cache(_folder(config), given.whole, config.size, config.workers, config.limit, again=again)
    pictures = gather(given.sets, config.seed, config.val, frozenset(cells.unreadable))
    lessons = Lessons.of(teacher, cells, config.taught()) if teacher else None
    sampler = _sampler(config, pictures, given.weights, hard, ranks)
    return Material(cells, pictures, MakeBatch.of(pictures, cells, sampler, ranks, lessons))


def contents(config: Config, given: Given) -> list[str]:
    """Return the digest of each set's pictures, see `Cells.contents`; only changed or unknown files are read."""
    return contents_of(_folder(config), given.whole, config.size, config.limit)


def _folder(config: Config) -> Path:
    return (config.cache or default_folder()) / "pictures"


def _sampler(
    config: Config, pictures: Pictures, weights: Sequence[float], hard: HardClasses | None, ranks: Ranks
) -> Sampler:
    sampler = Sampler.of(pictures, config.seed, config.classes, config.images, weights, hard, config.frequency)
    if sampler.classes == config.classes:
        return sampler
    classes = sampler.classes // ranks.size * ranks.size
    if classes < 2:
        raise SinonomError(f"{sampler.classes} characters are too few for {ranks.size} processes", "one process")
    wanted = config.classes * config.images
    text = f"there are only {sampler.classes:,} characters: a batch has {classes * config.images:,} pictures"
    # Propose as many pictures of fewer characters, in equal shares for all processes. More views of one picture help
    # less and less.
    for images in range(config.images + 1, MOST_IMAGES + 1):
        fewer, rest = divmod(wanted, images)
        if not rest and 2 <= fewer <= sampler.classes and fewer % ranks.size == 0:
            text += f", not {wanted:,}; --classes {fewer} --images {images} would fill it"
            break
    messages.warn(text)
    return replace(sampler, classes=classes)
