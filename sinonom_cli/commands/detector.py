"""The command `sinonom train-detector` makes the detector of characters that `cut` uses from image sets and pages."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli.options import Json, Output, Overwrite, Quiet, Seed, Verbose, split_output


def train_detector(
    paths: Annotated[
        list[str], typer.Argument(metavar="SETS... OUT", help="Image sets of characters; then the detector.")
    ],
    output: Output = None,
    pages: Annotated[
        Path | None,
        typer.Option(
            "--pages", metavar="PAGES", help="Also learn from pages with boxes: images/{train,val}, labels/{train,val}."
        ),
    ] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Number of training batches.")] = 4000,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pictures in a batch.")] = 16,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that make pictures; 0: this one.")] = 1,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, show_default="all cores", help="Threads that the network uses."),
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a detector of characters, for cut and read.

    It learns from pages that are composed of the sets' characters, as prints and as carved blocks, and from pages with
    boxes. If a training was killed, the same command continues it.
    """
    # Threads that wait must not spin: with other work on the machine that makes a step ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from sinonom_cli.layout.train_detector import DetectorConfig, run
    from sinonom_cli.parallel.batch import close

    inputs, out = split_output(paths, output, "set")
    config = DetectorConfig(
        sets=tuple(map(Path, inputs)),
        out=out,
        pages=pages,
        steps=steps,
        batch=batch,
        seed=seed,
        workers=workers,
        threads=threads,
        overwrite=overwrite,
    )
    close(run(config), as_json=json)
