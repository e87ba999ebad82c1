"""`sinonom crop-nomnaocr`: column patches with transcripts -> pictures of their characters, with labels."""

from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli.options import (
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


def crop_nomnaocr(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATCHES OUT", help="The folder with All.txt and the books (or its parent); the set."),
    ],
    output: Output = None,
    transcripts: Annotated[
        Path | None,
        typer.Option("--transcripts", metavar="FILE", show_default="All.txt", help="Another list, as Train.txt."),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option("--exclude", metavar="FILE", help="Patches, pages (book/page) or books to leave out, one a line."),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=16, max=1024, help="Side of the pictures in pixels.")] = 64,
    limit: Limit = None,
    workers: Workers = None,
    overwrite: Overwrite = False,
    fail_fast: FailFast = False,
    max_failures: MaxFailures = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Cut column patches into labelled pictures of their characters (the layout of NomNaOCR)."""
    from sinonom_cli.artifacts.batch import BatchOptions, close
    from sinonom_cli.crop_nomnaocr.crop_run import CropConfig, run
    from sinonom_cli.errors import usage_error

    inputs, out = split_output(paths, output, "PATCHES")
    if len(inputs) != 1:
        raise usage_error("give one folder of patches and the output", "sinonom crop-nomnaocr PATCHES OUT")
    batch = BatchOptions(workers, fail_fast, max_failures, overwrite)
    close(run(CropConfig(Path(inputs[0]), out, transcripts, exclude, size, limit, batch)))
