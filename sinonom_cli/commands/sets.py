"""The command `sinonom sets` says what image sets hold."""

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
        Path | None,
        typer.Option("--sheet", metavar="OUT.png", help="Draw pictures of some characters of each set in a PNG."),
    ] = None,
    all_sizes: Annotated[
        bool, typer.Option("--all-sizes", help="Read the size of every picture instead of 1,000.")
    ] = False,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Describe what image sets hold.

    The output lists images, characters, images of each character, sources and sizes, and what was doubtful, failed or
    is missing. With --json, each set is one object on a line.
    """
    from sinonom_cli.reports.sets import run

    run(images, sheet, all_sizes, seed, as_json=json)
