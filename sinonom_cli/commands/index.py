"""The command `sinonom index` makes an index from image sets, with a model."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinonom_cli.commands.batch_options import batch_command
from sinonom_cli.errors import UsageError
from sinonom_cli.options import Output, split_output, typed

if TYPE_CHECKING:
    from sinonom_cli.parallel.batch import BatchOptions
    from sinonom_cli.storage.record import Artifact


@batch_command
def index(
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="SET... OUT.faiss", help="Image sets, folders of pictures or .npy embeddings; then the index."
        ),
    ],
    output: Output = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", show_default="./model, else the one that ships", help="Folder of the model."),
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Pictures in a batch of the model.")] = 256,
    type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="auto|flat|fp16|hnsw|ivf-sq8|pq-refine|FACTORY",
            help="auto: flat up to a million vectors, else ivf-sq8; fp16: flat in half floats; or a FAISS factory.",
        ),
    ] = "auto",
    prototypes: Annotated[
        int | None,
        typer.Option(
            "--prototypes",
            metavar="N",
            min=1,
            show_default="a row for each picture",
            help="At most N rows for each label, each the centre of some of its pictures. For naming characters.",
        ),
    ] = None,
    dimensions: Annotated[
        int | None,
        typer.Option(
            "--dimensions",
            metavar="D",
            min=2,
            show_default="all",
            help="Keep the first D dimensions of each embedding: a smaller index, and slightly worse answers.",
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="milvus:URI", help="Store the index in Milvus; OUT.json keeps its address."),
    ] = None,
    add: Annotated[
        bool, typer.Option("--add", help="Add new items to the index, and embed changed ones again.")
    ] = False,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove",
            metavar="NAME",
            help="Remove an item, a source, the matches of a pattern or a #row; - reads a list from stdin.",
        ),
    ] = None,
    *,
    batch: "BatchOptions",
    limit: int | None,
    json: bool,
) -> None:
    """Embed image sets, so that query can search them.

    The command writes OUT.faiss (FAISS), OUT.faiss.rows.csv (the item of each vector) and OUT.faiss.json (the record).
    """
    from sinonom_cli.parallel.batch import close

    if remove:
        indexes = sets if typed(output) is None else [*sets, str(output)]
        close(_removed(indexes, remove, add or batch.overwrite), as_json=json)
        return
    inputs, out = split_output(sets, output, "SET")
    if os.path.isdir(out):  # noqa: PTH112  # also False for a name that the disk cannot have
        raise UsageError(f"{out} is a folder; the output comes last and is a file", "sinonom index SET... db.faiss")
    if add and (batch.overwrite or store or prototypes or dimensions or type != "auto"):
        hint = "leave out --overwrite, --type, --prototypes, --dimensions and --store"
        raise UsageError("--add cannot change the settings of an index", hint)
    from sinonom_cli.search.indexing import add as change
    from sinonom_cli.search.indexing import build

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
    close(change.add(config) if add else build.run(config), as_json=json)


def _removed(paths: list[str], names: list[str], otherwise: bool) -> "Artifact":
    if len(paths) != 1 or otherwise:
        raise UsageError(
            "--remove takes one index, without --add or --overwrite", "sinonom index db.faiss --remove NAME"
        )
    from sinonom_cli.search.indexing import remove

    return remove.remove(Path(paths[0]), list(remove.listed(names, sys.stdin)))
