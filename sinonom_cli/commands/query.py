"""`sinonom query`: pictures -> the nearest items of an index, and how often they are the right ones."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sinonom_cli.options import Json, Limit, Quiet, Verbose, Workers
from sinonom_cli.storage.record_fields import Distance


def query(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Pictures, folders, globs, or - for a list on stdin.")
    ],
    index: Annotated[
        Path | None,
        typer.Option("--index", "-i", metavar="OUT.faiss", help="What to search; else the characters that ship."),
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help="The model of the index; else found by itself.")] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", metavar="truth.csv", help="Right answers (query,label): prints MRR and recall."),
    ] = None,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="Answers for each picture.")] = 5,
    distance: Annotated[
        Distance | None,
        typer.Option(
            "--distance",
            show_default="the model's",
            help="How embeddings are compared; the last two compare what a classifier takes pictures for.",
        ),
    ] = None,
    rerank: Annotated[
        int | None,
        typer.Option(
            "--rerank",
            min=0,
            metavar="N",
            show_default="20 of an index of meshes, else 0",
            help="Order the first N again by laying their pictures on the query's: the very carving first.",
        ),
    ] = None,
    tta: Annotated[
        bool, typer.Option("--tta", help="Embed each picture as the mean over five slightly changed views of it.")
    ] = False,
    reject: Annotated[
        bool, typer.Option("--reject", help="Say of pictures that show nothing in the index that they do not.")
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="With --truth: fit probabilities and --reject, and keep them in the index."),
    ] = False,
    csv: Annotated[
        Literal["rows", "pairs"] | None,
        typer.Option("--csv", show_default="no CSV", help="CSV: a row an answer, or query,label with joined answers."),
    ] = None,
    pictures: Annotated[
        Literal["auto", "kitty", "iterm", "sixel"] | None,
        typer.Option("--pictures", show_default="none", help="Pictures in the terminal, by what it understands."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="OUT.png", help="Draw pictures and answers; 40 a page, then OUT-2.png ..."),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", metavar="OUT.csv", help="With --truth: rank and mistake of each query.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="OUT.html", help="One page: figures, ranks, confusions, answers as pictures."),
    ] = None,
    workers: Workers = None,
    limit: Limit = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find what is nearest to a picture, or name its character.

    The five nearest items of an index; with no --index the character, among 29,200.

    Prints a table on a terminal, tab-separated lines elsewhere, one JSON object a line with --json.
    """
    from sinonom_cli.reports.query import QueryConfig, run

    run(
        QueryConfig(
            images=tuple(images),
            index=index,
            model=model,
            truth=truth,
            top=top,
            distance=distance,
            rerank=rerank,
            csv=csv,
            pictures=pictures,
            sheet=sheet,
            scores=scores,
            report=report,
            workers=workers,
            limit=limit,
            tta=tta,
            reject=reject,
            calibrate=calibrate,
        )
    )
