"""The command `sinonom query` finds the nearest items of an index for pictures, and scores them against a truth."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sinonom_cli.options import Json, Limit, Quiet, Verbose, Workers
from sinonom_cli.storage.record_fields import Distance


def query(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Pictures, folders or globs; - reads a list from stdin.")
    ],
    index: Annotated[
        Path | None,
        typer.Option("--index", "-i", metavar="OUT.faiss", help="Index to search; otherwise the characters that ship."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="Model of the index; otherwise found automatically.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", metavar="truth.csv", help="CSV of right answers (query,label); prints MRR and recall."),
    ] = None,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="Number of answers for each picture.")] = 5,
    distance: Annotated[
        Distance | None,
        typer.Option(
            "--distance",
            show_default="the model's",
            help="Distance between embeddings; kl and cross-entropy compare the distributions of a classifier.",
        ),
    ] = None,
    rerank: Annotated[
        int | None,
        typer.Option(
            "--rerank",
            min=0,
            metavar="N",
            show_default="20 of an index of meshes, else 0",
            help="Order the first N answers again by registration with the query, to find the exact carving.",
        ),
    ] = None,
    names: Annotated[
        bool,
        typer.Option(
            "--names/--no-names",
            help="Order answers also by the characters that they and the picture probably show, if the model that "
            "ships made the index; else by distances alone.",
        ),
    ] = True,
    tta: Annotated[
        bool, typer.Option("--tta", help="Embed each picture as the mean over five slightly changed views.")
    ] = False,
    reject: Annotated[
        bool, typer.Option("--reject", help="Give no answers for pictures that match nothing in the index.")
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Fit the index's calibration for probabilities and --reject (needs --truth)."),
    ] = False,
    csv: Annotated[
        Literal["rows", "pairs"] | None,
        typer.Option(
            "--csv",
            show_default="no CSV",
            help="rows: CSV with a row for each answer; pairs: columns query and label, all answers in one cell.",
        ),
    ] = None,
    pictures: Annotated[
        Literal["auto", "kitty", "iterm", "sixel"] | None,
        typer.Option("--pictures", show_default="none", help="Show pictures in the terminal, by this protocol."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="OUT.png", help="Draw queries and answers, 40 rows a page; then OUT-2.png ..."),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            "--scores", metavar="OUT.csv", help="Write each query's rank and its first answer (needs --truth)."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="OUT.html", help="Write a page with figures, ranks, confusions and pictures."),
    ] = None,
    workers: Workers = None,
    limit: Limit = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find what is nearest to a picture, or name its character.

    The answers are the five nearest items of an index. Without --index, they are characters, out of 29,200.

    The output is a table on a terminal, tab-separated lines elsewhere, and one JSON object per line with --json.
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
            names=names,
            csv=csv,
            pictures=pictures,
            sheet=sheet,
            scores=scores,
            report=report,
            workers=workers,
            limit=limit,
            json=json,
            tta=tta,
            reject=reject,
            calibrate=calibrate,
        )
    )
