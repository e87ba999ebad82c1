"""The panels of `sinonom train --help`, and what its options share."""

import math
from typing import Any

import typer

from sinonom_cli.train.options import DEFAULTS, LDA_SHAPES

DATA, MODEL, LOSS, TEACHER = "Data", "Model", "Loss", "Teacher"
BATCHES, SCHEDULE, RESOURCES = "Batches", "Schedule", "Resources"


BY_NETWORK = "by network"
"""Default of an option that `train/families.py` sets for each family of networks."""


def option(panel: str, *names: str, **details: Any) -> Any:
    """Return an option in one of the panels of `--help`; `names` and `details` are Typer's."""
    return typer.Option(*names, rich_help_panel=panel, **details)


def with_lda(name: str, more: str = "") -> str:
    """Return the default of an option that the discriminant has its own default for."""
    return f"{DEFAULTS[name]}{more}; lda: {LDA_SHAPES[name]}"


def finite(value: float | None) -> float | None:
    """Return the value of an option; refuse NaN and infinity, which the range of the option lets through."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value
