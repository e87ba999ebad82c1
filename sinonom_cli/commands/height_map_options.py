"""Options of the commands that take height maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sinonom_cli.errors import UsageError
from sinonom_cli.render.options import Deeper

if TYPE_CHECKING:
    from sinonom_cli.meshes.height_maps import Scale

Pixel = Annotated[
    float | None,
    typer.Option(
        "--pixel",
        min=1e-6,
        max=1e6,
        metavar="MM",
        help="Side of a pixel of height maps. With it, PNG, TIFF (16 bits or floats) and NPY files are inputs too.",
    ),
]
WhichIsDeeper = Annotated[
    Deeper | None,
    typer.Option(
        "--deeper",
        show_default="dark",
        help="Whether small values (dark) or large values (light) of height maps are deep.",
    ),
]
Step = Annotated[
    float | None,
    typer.Option(
        "--step",
        min=1e-9,
        max=1e6,
        metavar="MM",
        show_default="by the usual depth of a relief",
        help="Height of one step in maps of whole numbers. Floats are heights in mm.",
    ),
]


def scale_of(pixel: float | None, deeper: Deeper | None, step: float | None) -> Scale | None:
    """Return the scale of height maps; None: none are taken.

    Raises
    ------
    UsageError
        If the other two are given without a pixel.
    """
    from sinonom_cli.meshes.height_maps import Scale

    if pixel is None and (deeper or step):
        raise UsageError(f"--{'deeper' if deeper else 'step'} needs --pixel", "--pixel MM")
    return None if pixel is None else Scale(pixel, (deeper or Deeper.dark).value, step)
