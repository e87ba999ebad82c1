"""The command `sinonom carve` makes relief meshes from images."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sinonom_cli.errors import UsageError
from sinonom_cli.options import (
    Engine,
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
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import SMEARED, Relief, Span

CARVING, RELIEF = Carving(), Relief()


def _range(option: str, least: float, most: float, what: str, whole: bool = False) -> Any:
    """Return an option whose value is LOW:HIGH or one number, from `least` to `most`; `whole`: only whole numbers."""

    def parse(typed: str | Span) -> Span:
        if isinstance(typed, Span):
            return typed
        try:
            numbers = [float(part) for part in typed.split(":")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 2):
            raise typer.BadParameter(f"{typed!r} is neither a number nor a range such as {least:g}:{most:g}")
        low, high = numbers[0], numbers[-1]
        if not least <= low <= most or not least <= high <= most:
            raise typer.BadParameter(f"{typed} is not within {least:g}:{most:g}")
        if low > high:
            raise typer.BadParameter(f"{typed} is in the wrong order; did you mean {high:g}:{low:g}?")
        if whole and not (low.is_integer() and high.is_integer()):
            raise typer.BadParameter(f"{typed} must be made of whole numbers, such as {least:g}:{most:g}")
        return Span(low, high)

    return typer.Option(option, parser=parse, metavar="LOW:HIGH", help=f"{what} Within {least:g}:{most:g}.")


def carve(
    paths: Annotated[
        list[str], typer.Argument(metavar="IMAGES OUT", help="An image set or folder; then the output folder.")
    ],
    output: Output = None,
    resolution: Annotated[
        int, typer.Option("--resolution", min=16, max=2048, help="Vertices along each side; 128 give 29,000 faces.")
    ] = CARVING.resolution,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Carve the mirror image: a block is the mirror image of its print.")
    ] = CARVING.mirror,
    depth: Annotated[Span, _range("--depth", 0.01, 0.5, "Depth of the ground far from strokes.")] = RELIEF.depth,
    flank: Annotated[
        Span, _range("--flank", 0.001, 0.2, "Distance from a stroke at which the ground reaches 63 % of its depth.")
    ] = RELIEF.flank,
    deepening: Annotated[
        Span, _range("--deepening", 0, 1, "Share of the depth that is reached only where strokes are far apart.")
    ] = RELIEF.deepening,
    gouge: Annotated[
        Span, _range("--gouge", 0, 1, "Standard deviation of tool marks, as a share of the depth.")
    ] = RELIEF.gouge,
    uneven: Annotated[
        Span, _range("--uneven", 0, 0.5, "Standard deviation of stroke tops' heights, as a share of the depth.")
    ] = RELIEF.uneven,
    wear: Annotated[
        Span, _range("--wear", 0, 1, "Wear of the tops and edges; 0 is a new block, 1 a very worn one.")
    ] = RELIEF.wear,
    breaks: Annotated[Span, _range("--breaks", 0, 100, "Number of breaks in strokes.", whole=True)] = RELIEF.breaks,
    neighbours: Annotated[
        Span, _range("--neighbours", 0, 4, "Number of sides where a part of another character is visible.", whole=True)
    ] = CARVING.neighbours,
    intrusion: Annotated[
        Span, _range("--intrusion", 0, 0.5, "Distance that the other character's ink reaches into the plate.")
    ] = CARVING.intrusion,
    ragged: Annotated[
        Span, _range("--ragged", 0, 0.3, "Distance of the corners of the plate's polygonal edge from its border.")
    ] = RELIEF.ragged,
    shift: Annotated[Span, _range("--shift", 0, 0.5, "Distance of the character from the middle.")] = CARVING.shift,
    stretch: Annotated[
        Span, _range("--stretch", 0.5, 2, "Factor on the character's width, and another on its height.")
    ] = CARVING.stretch,
    swell: Annotated[
        Span, _range("--swell", -0.05, 0.05, "Distance that the strokes' edges are moved outwards.")
    ] = CARVING.swell,
    turn: Annotated[
        Span, _range("--turn", -180, 180, "Rotation of the plate in its own plane, in degrees.")
    ] = CARVING.turn,
    bend: Annotated[
        Span, _range("--bend", 0, 0.5, "Change of the plate's height from its middle to its edge.")
    ] = CARVING.bend,
    tilt: Annotated[Span, _range("--tilt", 0, 60, "Tilt of the plate to any side, in degrees.")] = CARVING.tilt,
    smear: Annotated[
        Span,
        _range(
            "--smear", 0, SMEARED, "Width of the slope that a wall has in the scan if it faces away from the scanner."
        ),
    ] = RELIEF.smear,
    blur: Annotated[Span, _range("--blur", 0, 0.1, "Standard deviation of a coarse scan's blur.")] = RELIEF.blur,
    noise: Annotated[Span, _range("--noise", 0, 0.1, "Standard deviation of the scan's noise.")] = RELIEF.noise,
    seed: Seed = 0,
    workers: Workers = None,
    engine: Engine = "processes",
    limit: Limit = None,
    overwrite: Overwrite = False,
    fail_fast: FailFast = False,
    max_failures: MaxFailures = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Carve pictures of characters into relief meshes.

    The meshes (binary STL) look like scanned woodblocks. For each picture, each amount is drawn uniformly from its
    range LOW:HIGH; one number fixes the amount. Lengths are in plate widths. metadata.csv lists the drawn amounts.
    """
    inputs, out = split_output(paths, output, "image set")
    if len(inputs) > 1:
        raise UsageError("carve takes one image set or folder", "sinonom carve IMAGES OUT")
    from sinonom_cli.parallel.batch import BatchOptions, close, fill
    from sinonom_cli.relief.carve import Carve, pictures
    from sinonom_cli.relief.plate import KNOWN
    from sinonom_cli.storage.image_set import METADATA_COLUMNS

    relief = Relief(
        depth=depth,
        flank=flank,
        deepening=deepening,
        gouge=gouge,
        uneven=uneven,
        wear=wear,
        breaks=breaks,
        ragged=ragged,
        smear=smear,
        blur=blur,
        noise=noise,
    )
    carving = Carving(
        resolution=resolution,
        relief=relief,
        tilt=tilt,
        bend=bend,
        neighbours=neighbours,
        intrusion=intrusion,
        shift=shift,
        stretch=stretch,
        turn=turn,
        swell=swell,
        mirror=mirror,
    )
    items = pictures(Path(inputs[0]), limit, out)
    artifact = fill(
        out,
        kind="meshset",
        options={**carving.options(), "seed": seed},
        items=items,
        passed_over=items.passed_over,
        work=Carve(out.absolute(), carving, seed),
        columns=(*METADATA_COLUMNS, "faces", *KNOWN),
        batch=BatchOptions(
            workers=workers, fail_fast=fail_fast, max_failures=max_failures, overwrite=overwrite, engine=engine
        ),
        what="pictures",
    )
    close(artifact)
