"""`sinonom index`: image sets and a model -> an index."""

from pathlib import Path
from typing import Annotated

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
    Verbose,
    Workers,
    split_output,
)


def index(
    sets: Annotated[
        list[str],
        typer.Argument(metavar="SET... OUT.faiss", help="Image sets or folders of pictures, then the index to write."),
    ],
    output: Output = None,
    model: Annotated[
        Path | None, typer.Option("--model", show_default="./model, else the one that ships", help="The model.")
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Pictures that the model gets at once.")] = 256,
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
    """Embed image sets, so that query can search them.

    Writes OUT.faiss (FAISS), OUT.faiss.rows.csv (what each vector shows) and OUT.faiss.json (the record).
    """
    inputs, out = split_output(sets, output, "SET")
    if out.is_dir():
        raise usage_error(f"{out} is a folder; the output comes last and is a file", "sinonom index SET... db.faiss")
    from sinonom_cli.artifacts.batch import BatchOptions
    from sinonom_cli.index.build import IndexConfig, close, run

    batch = BatchOptions(workers, fail_fast, max_failures, overwrite, engine)
    close(run(IndexConfig(tuple(Path(name) for name in inputs), out, model, batch_size, limit, batch)))
