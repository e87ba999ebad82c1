"""`sinonom carve`: images -> relief meshes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sinonom_cli.errors import usage_error
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
    """An option that takes LOW:HIGH, or one number, between `least` and `most`; `whole`: counts."""

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
            raise typer.BadParameter(f"{typed} ends below where it begins: {high:g}:{low:g}?")
        if whole and not (low.is_integer() and high.is_integer()):
            raise typer.BadParameter(f"{typed} is a count: whole numbers, such as {least:g}:{most:g}")
        return Span(low, high)

    return typer.Option(option, parser=parse, metavar="LOW:HIGH", help=f"{what} Within {least:g}:{most:g}.")


def carve(
    paths: Annotated[list[str], typer.Argument(metavar="IMAGES OUT", help="An image set or folder; then the meshes.")],
    output: Output = None,
    resolution: Annotated[
        int, typer.Option("--resolution", min=16, max=2048, help="Vertices along a side; 128: 29,000 faces.")
    ] = CARVING.resolution,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Carve the mirror image, as a block is of its print.")
    ] = CARVING.mirror,
    depth: Annotated[Span, _range("--depth", 0.01, 0.5, "Depth of the ground.")] = RELIEF.depth,
    flank: Annotated[
        Span, _range("--flank", 0.001, 0.2, "Width of strokes' flanks: there, the ground is 0.63 down.")
    ] = RELIEF.flank,
    deepening: Annotated[
        Span, _range("--deepening", 0, 1, "Share of the depth that is reached only where strokes are far apart.")
    ] = RELIEF.deepening,
    gouge: Annotated[Span, _range("--gouge", 0, 1, "Tool marks in the ground, share of the depth.")] = RELIEF.gouge,
    uneven: Annotated[
        Span, _range("--uneven", 0, 0.5, "Deviation of the height of stroke tops, share of the depth.")
    ] = RELIEF.uneven,
    wear: Annotated[
        Span, _range("--wear", 0, 1, "Tops planed off in places and edges rounded; 0: fresh.")
    ] = RELIEF.wear,
    breaks: Annotated[
        Span, _range("--breaks", 0, 100, "How many breaks there are in strokes.", whole=True)
    ] = RELIEF.breaks,
    neighbours: Annotated[
        Span, _range("--neighbours", 0, 4, "On how many sides a part of another character comes in.", whole=True)
    ] = CARVING.neighbours,
    intrusion: Annotated[Span, _range("--intrusion", 0, 0.5, "How far its ink comes in.")] = CARVING.intrusion,
    ragged: Annotated[
        Span, _range("--ragged", 0, 0.3, "How far in the corners of the plate's polygonal edge lie.")
    ] = RELIEF.ragged,
    shift: Annotated[Span, _range("--shift", 0, 0.5, "Out of register: the character off the middle.")] = CARVING.shift,
    stretch: Annotated[
        Span, _range("--stretch", 0.5, 2, "Out of register: factor on its width, and another on its height.")
    ] = CARVING.stretch,
    swell: Annotated[
        Span, _range("--swell", -0.05, 0.05, "Out of register: strokes' edges moved outwards.")
    ] = CARVING.swell,
    turn: Annotated[Span, _range("--turn", -180, 180, "The plate turned in its own plane, degrees.")] = CARVING.turn,
    bend: Annotated[Span, _range("--bend", 0, 0.5, "Rise of the plate from middle to edge.")] = CARVING.bend,
    tilt: Annotated[Span, _range("--tilt", 0, 60, "Tilt of the plate, degrees, to any side.")] = CARVING.tilt,
    smear: Annotated[
        Span, _range("--smear", 0, SMEARED, "How far the scanner lets walls slope that face away from it.")
    ] = RELIEF.smear,
    blur: Annotated[Span, _range("--blur", 0, 0.1, "Deviation of a coarse scan's blur.")] = RELIEF.blur,
    noise: Annotated[Span, _range("--noise", 0, 0.1, "Deviation of the scan's noise.")] = RELIEF.noise,
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

    The meshes (binary STL) look like scanned woodblocks. Each amount is drawn evenly from its range, LOW:HIGH, for each
    picture anew; one number fixes it. Lengths are in plate widths. metadata.csv says what was drawn.
    """
    inputs, out = split_output(paths, output, "image set")
    if len(inputs) > 1:
        raise usage_error("carve takes one image set or folder", "sinonom carve IMAGES OUT")
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
