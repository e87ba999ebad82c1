"""`sinonom sets`: what image sets hold."""

from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli.options import Json, Quiet, Seed, Verbose


def sets(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGESET...", help="Image sets, folders of pictures, or a folder that holds sets."),
    ],
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="OUT.png", help="Draw pictures of some characters of each set.")
    ] = None,
    all_sizes: Annotated[
        bool, typer.Option("--all-sizes", help="Look at every picture's size, not at those of 1,000.")
    ] = False,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Say what image sets hold.

    Images, characters and how many images each has, sources, sizes, what was doubtful or failed, what is missing.
    With --json, one object a line for each set.
    """
    from sinonom_cli.reports.sets import run

    run(images, sheet, all_sizes, seed)
