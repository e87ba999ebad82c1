"""Find the state of the model that a training makes: new, begun, complete, or made from other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.networks.teachers import Teacher
from sinonom_cli.storage.atomic import sweep
from sinonom_cli.storage.image_set import ImageSet
from sinonom_cli.storage.record import Artifact, begin
from sinonom_cli.train.config import Config
from sinonom_cli.train.datasets import Given, contents
from sinonom_cli.train.distributed import Ranks


def files_named(config: Config) -> list[Path]:
    """Return the files and folders that options name as input."""
    return [
        Path(name) for name in (config.weights, config.teacher, config.teacher_weights) if name and Path(name).exists()
    ]


def look(config: Config, given: Given, ranks: Ranks, teacher: Teacher | None) -> Artifact:
    """Find the state of the model without a change; the first process finds it and sends it to the others."""
    if not ranks.first:
        state = ranks.told("")
        return Artifact(config.output, {}, state)
    artifact = _begin(config, given.sets, ranks, teacher, (), only_look=True)
    if artifact.state != "new":
        _refuse_other_data(config, artifact, given.sets, contents(config, given))
    ranks.told(artifact.state)
    return artifact


def begun(
    config: Config, sets: Sequence[ImageSet], ranks: Ranks, teacher: Teacher | None, held: Sequence[str]
) -> Artifact:
    """Begin the model, or resume it.

    Parameters
    ----------
    held : digest of each set's pictures, see `Cells.contents`.
    """
    artifact = _begin(config, sets, ranks, teacher, held, only_look=False)
    if artifact.state == "running":
        _refuse_other_data(config, artifact, sets, held)
        sweep(config.output)
    return artifact


def _begin(
    config: Config,
    sets: Sequence[ImageSet],
    ranks: Ranks,
    teacher: Teacher | None,
    held: Sequence[str],
    *,
    only_look: bool,
) -> Artifact:
    # Only names are noted, no paths: a model is given to others, and paths on this machine are private.
    inputs = {"sets": [{"name": s.path.name, "identity": s.identity, "pictures": len(s.pictures)} for s in sets]}
    for entry, digest in zip(inputs["sets"], held, strict=False):
        entry["contents"] = digest
    # Each process makes its own views and statistics, so another number of processes gives another model.
    options = config.options() | ({"processes": ranks.size} if ranks.size > 1 else {})
    if teacher:
        options["teacher"] = f"{Path(str(config.teacher)).name} {teacher.identity[:16]}"
    return begin(config.output, "model", options, inputs, config.overwrite, only_look=only_look)


@dataclass(frozen=True, kw_only=True)
class _LearntSet:
    """An image set in the record of a model: its name, and what it held.

    Attributes
    ----------
    identity : hash of the set's rows.
    contents : digest of its pictures; None: an earlier version noted the rows only.
    """

    name: str
    identity: str
    contents: str | None


def _learnt_set(entry: Mapping[str, Any]) -> _LearntSet:
    return _LearntSet(name=entry["name"], identity=entry["identity"], contents=entry.get("contents"))


def _refuse_other_data(config: Config, artifact: Artifact, sets: Sequence[ImageSet], held: Sequence[str]) -> None:
    """Raise if the model was made from other pictures, or from these before they changed."""
    there = [_learnt_set(entry) for entry in artifact.record["inputs"]["sets"]]
    now = [(images.path.name, images.identity, digest) for images, digest in zip(sets, held, strict=True)]
    same = len(there) == len(now) and all(
        known.identity == identity and known.contents in (None, digest)
        for known, (_, identity, digest) in zip(there, now, strict=True)
    )
    if not same:
        known = {(each.identity, each.contents) for each in there}
        others = [name for name, identity, digest in now if (identity, digest) not in known]
        names = ", ".join(each.name for each in there)
        raise SinonomError(
            f"{config.output} was made from other data: {names}, or these have changed since: {', '.join(others)}",
            "--overwrite, or another --output",
            ExitCode.OUTPUT_IN_THE_WAY,
        )
