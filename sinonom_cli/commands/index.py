"""`sinonom index`: image sets and a model -> an index."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    typed,
)

if TYPE_CHECKING:
    from sinonom_cli.storage.record import Artifact


def index(
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="SET... OUT.faiss", help="Image sets, folders of pictures or .npy embeddings; then the index."
        ),
    ],
    output: Output = None,
    model: Annotated[
        Path | None, typer.Option("--model", show_default="./model, else the one that ships", help="The model.")
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Pictures that the model gets at once.")] = 256,
    type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="auto|flat|fp16|hnsw|ivf-sq8|pq-refine|FACTORY",
            help="auto: flat up to a million vectors, then ivf-sq8. fp16: flat, in half floats. FACTORY: one of FAISS.",
        ),
    ] = "auto",
    prototypes: Annotated[
        int | None,
        typer.Option(
            "--prototypes",
            metavar="N",
            min=1,
            show_default="a row for each picture",
            help="At most N rows for each label: the centres of its pictures, to name characters by.",
        ),
    ] = None,
    dimensions: Annotated[
        int | None,
        typer.Option(
            "--dimensions",
            metavar="D",
            min=2,
            show_default="all",
            help="Keep the first D numbers of each embedding, which say most: a smaller index finds a little less.",
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="milvus:URI", help="Put all of it into Milvus; OUT.json remembers where."),
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add to the index what it does not hold yet.")] = False,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove",
            metavar="NAME",
            help="Remove an item, a source, a pattern or a #row; - for a list on stdin.",
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
    """Embed image sets, so that query can search them.

    Writes OUT.faiss (FAISS), OUT.faiss.rows.csv (what each vector shows) and OUT.faiss.json (the record).
    """
    from sinonom_cli.parallel.batch import BatchOptions, close

    if remove:
        indexes = sets if typed(output) is None else [*sets, str(output)]
        close(_removed(indexes, remove, add or overwrite))
        return
    inputs, out = split_output(sets, output, "SET")
    if os.path.isdir(out):  # noqa: PTH112  # False for a name that no disk takes
        raise usage_error(f"{out} is a folder; the output comes last and is a file", "sinonom index SET... db.faiss")
    if add and (overwrite or store or prototypes or dimensions or type != "auto"):
        hint = "leave out --overwrite, --type, --prototypes, --dimensions and --store"
        raise usage_error("--add keeps the index as it is", hint)
    from sinonom_cli.search.indexing import add as change
    from sinonom_cli.search.indexing import build

    batch = BatchOptions(
        workers=workers, fail_fast=fail_fast, max_failures=max_failures, overwrite=overwrite, engine=engine
    )
    paths = tuple(Path(name) for name in inputs)
    config = build.IndexConfig(
        sets=paths,
        output=out,
        model=model,
        batch_size=batch_size,
        limit=limit,
        type=type,
        prototypes=prototypes,
        dimensions=dimensions,
        store=store,
        batch=batch,
    )
    close(change.add(config) if add else build.run(config))


def _removed(paths: list[str], names: list[str], otherwise: bool) -> "Artifact":
    if len(paths) != 1 or otherwise:
        raise usage_error("--remove takes the index alone", "sinonom index db.faiss --remove NAME")
    from sinonom_cli.search.indexing import remove

    return remove.remove(Path(paths[0]), list(remove.listed(names, sys.stdin)))
