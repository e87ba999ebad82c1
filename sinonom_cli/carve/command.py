"""`sinonom carve`: images -> relief meshes."""

from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli.errors import usage_error
from sinonom_cli.options import (
    FailFast,
    Json,
    Limit,
    MaxFailures,
    Output,
    Overwrite,
    Quiet,
    Seed,
    Verbose,
    Workers,
    split_output,
)


def carve(
    paths: Annotated[list[str], typer.Argument(metavar="IMAGES OUT", help="An image set or folder; then the meshes.")],
    output: Output = None,
    resolution: Annotated[
        int, typer.Option("--resolution", min=16, max=2048, help="Vertices along a side; 128: 29,000 faces.")
    ] = 128,
    tilt: Annotated[float, typer.Option("--tilt", min=0, max=45, help="Greatest tilt, degrees.")] = 6.0,
    bend: Annotated[float, typer.Option("--bend", min=0, max=0.5, help="Greatest bend, plate widths.")] = 0.02,
    wear: Annotated[float, typer.Option("--wear", min=0, max=1, help="0: fresh, 1: much worn.")] = 0.5,
    noise: Annotated[float, typer.Option("--noise", min=0, max=0.1, help="Scan noise, plate widths.")] = 0.0015,
    neighbours: Annotated[
        float, typer.Option("--neighbours", min=0, max=1, help="How likely a neighbour's part is on each side.")
    ] = 0.5,
    register: Annotated[
        float, typer.Option("--register", min=0, max=5, help="How far out of register with the picture; 0: exactly in.")
    ] = 1.0,
    seed: Seed = 0,
    workers: Workers = None,
    limit: Limit = None,
    overwrite: Overwrite = False,
    fail_fast: FailFast = False,
    max_failures: MaxFailures = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Carve pictures of characters into relief meshes.

    The meshes (binary STL) look like scanned woodblocks: flanks, gouged ground, wear, neighbours, bend and tilt.
    """
    inputs, out = split_output(paths, output, "image set")
    if len(inputs) > 1:
        raise usage_error("carve takes one image set or folder", "sinonom carve IMAGES OUT")
    from sinonom_cli.artifacts.batch import BatchOptions, close, fill
    from sinonom_cli.artifacts.imageset import COLUMNS
    from sinonom_cli.carve.relief import Carving
    from sinonom_cli.carve.work import Carve, pictures

    carving = Carving(resolution, tilt, bend, wear, noise, neighbours, register)
    artifact = fill(
        out,
        kind="meshset",
        options={**vars(carving), "seed": seed},
        items=pictures(Path(inputs[0]), limit),
        work=Carve(out.absolute(), carving, seed),
        columns=(*COLUMNS, "faces", "tilt_x", "tilt_y"),
        batch=BatchOptions(workers, fail_fast, max_failures, overwrite),
        what="pictures",
    )
    close(artifact)
