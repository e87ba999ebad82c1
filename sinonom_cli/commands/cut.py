"""The command `sinonom cut` cuts the characters out of scans of whole blocks."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

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
    Verbose,
    Workers,
    split_output,
)
from sinonom_cli.render.options import Deeper


class Mirror(StrEnum):
    """Whether blocks are mirror images of what is read."""

    auto = "auto"
    yes = "yes"
    no = "no"


class Turn(StrEnum):
    """Degrees by which blocks must be turned clockwise to stand upright."""

    auto = "auto"
    none = "0"
    quarter = "90"
    half = "180"
    three_quarters = "270"


def cut(
    paths: Annotated[
        list[str], typer.Argument(metavar="BLOCKS... OUT", help="Meshes or height maps of blocks; then the mesh set.")
    ],
    output: Output = None,
    mirror: Annotated[
        Mirror, typer.Option("--mirror", help="Whether the scans are mirrored, as blocks that print are.")
    ] = Mirror.auto,
    turn: Annotated[
        Turn, typer.Option("--turn", help="Degrees to turn the scans clockwise (a mirrored one: after mirroring).")
    ] = Turn.auto,
    char_height: Annotated[
        float | None,
        typer.Option(
            "--char-height",
            min=1e-6,
            max=1e9,
            show_default="found",
            help="Height of an ordinary character, in the units of the scans.",
        ),
    ] = None,
    pixel: Annotated[
        float | None,
        typer.Option("--pixel", min=1e-6, max=1e6, metavar="MM", help="Also take height maps; side of their pixels."),
    ] = None,
    deeper: Annotated[
        Deeper | None,
        typer.Option("--deeper", show_default="dark", help="What is deep in height maps: dark is small numbers."),
    ] = None,
    step: Annotated[
        float | None,
        typer.Option(
            "--step",
            min=1e-9,
            max=1e6,
            metavar="MM",
            show_default="by a block's usual relief",
            help="Height of one step of maps of whole numbers. Floats are in mm.",
        ),
    ] = None,
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
    """Cut scans of whole blocks into characters.

    Each character becomes a mesh. Tilt and bow are taken out; the characters are found, read in order and named, and
    blocks/ shows each block as it was read. The meshes stand upright and are not mirrored, so that sinonom render draws
    them as they are read.
    """
    inputs, out = split_output(paths, output, "block")
    if pixel is None and (deeper or step):
        raise UsageError(f"--{'deeper' if deeper else 'step'} needs --pixel", "--pixel MM")
    from sinonom_cli.blocks.run import COLUMNS, Cut, blocks_of
    from sinonom_cli.meshes.height_maps import Scale
    from sinonom_cli.parallel.batch import BatchOptions, close, fill
    from sinonom_cli.render.run import suffixes_of
    from sinonom_cli.storage.inputs import find_inputs

    scale = None if pixel is None else Scale(pixel, (deeper or Deeper.dark).value, step)
    items = blocks_of(find_inputs(inputs, suffixes_of(scale), "blocks", limit, skip=(out,)), limit)
    options = {"mirror": mirror.value, "turn": turn.value, "char_height": char_height}
    work = Cut(
        Path(out).absolute(),
        scale,
        None if mirror is Mirror.auto else mirror is Mirror.yes,
        None if turn is Turn.auto else int(turn.value),
        char_height,
    )
    artifact = fill(
        out,
        kind="meshset",
        options={"command": "cut", **options, **(vars(scale) if scale else {})},
        items=items,
        passed_over=items.passed_over,
        work=work,
        columns=COLUMNS,
        batch=BatchOptions(
            workers=workers, fail_fast=fail_fast, max_failures=max_failures, overwrite=overwrite, engine=engine
        ),
        what="blocks",
    )
    close(artifact)
