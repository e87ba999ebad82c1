"""`sinonom crop-nomnaocr`: column patches with transcripts -> pictures of their characters, with labels."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sinonom_cli.options import (
    Device,
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
    localizer: Annotated[
        Path | None,
        typer.Option("--localizer", metavar="FILE", help="A detector (ONNX, as YOLOv8's) to ask as well as the ink."),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            "--boxes",
            metavar="FILE",
            help="Boxes made elsewhere: CSV, a folder of YOLO text, PAGE or ALTO XML or a folder of it.",
        ),
    ] = None,
    doubtful_below: Annotated[
        float, typer.Option("--doubtful-below", min=0, max=1, help="Confidence that a picture needs to be in the set.")
    ] = 0.5,
    keep_doubtful: Annotated[
        bool, typer.Option("--keep-doubtful", help="Keep the others too, the reason in the column `doubtful`.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Doubt what the model that ships takes for another character.")
    ] = False,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="FILE", help="Draw columns with their cuts, a PNG to check.")
    ] = None,
    sheet_columns: Annotated[int, typer.Option("--sheet-columns", min=1, help="How many columns to draw.")] = 40,
    sheet_worst: Annotated[
        bool, typer.Option("--sheet-worst", help="Draw the least sure columns, not a sample by --seed.")
    ] = False,
    seed: Seed = 0,
    size: Annotated[int, typer.Option("--size", min=16, max=1024, help="Side of the pictures in pixels.")] = 64,
    limit: Limit = None,
    workers: Workers = None,
    engine: Engine = "processes",
    overwrite: Overwrite = False,
    fail_fast: FailFast = False,
    max_failures: MaxFailures = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Cut column patches into labelled character images.

    Reads the layout of NomNaOCR: All.txt names a patch and its transcript in each line. Characters that were cut with
    little confidence are not in the set: doubtful.csv names them, with the reason.

    With --boxes, PATCHES is a folder of pictures, pages too, and characters stand where the file says. CSV: picture,
    x0, y0, x1, y1 in pixels, text; several characters in one row are a column, to be cut. YOLO: a .txt for each
    picture; classes.txt may hold the characters. PAGE and ALTO: characters' boxes, else lines, which are cut.
    Boxes without text are aligned to the transcript of their picture.
    """
    from sinonom_cli.crops.run import CropConfig, run
    from sinonom_cli.errors import usage_error
    from sinonom_cli.parallel.batch import BatchOptions, close

    inputs, out = split_output(paths, output, "PATCHES")
    if len(inputs) != 1:
        raise usage_error("give one folder of patches and the output", "sinonom crop-nomnaocr PATCHES OUT")
    batch = BatchOptions(
        workers=workers, fail_fast=fail_fast, max_failures=max_failures, overwrite=overwrite, engine=engine
    )
    config = CropConfig(
        patches=Path(inputs[0]),
        out=out,
        transcripts=transcripts,
        exclude=exclude,
        localizer=localizer,
        boxes=boxes,
        size=size,
        doubtful_below=doubtful_below,
        keep_doubtful=keep_doubtful,
        check=check,
        limit=limit,
        sheet=sheet,
        sheet_columns=sheet_columns,
        sheet_worst=sheet_worst,
        seed=seed,
        batch=batch,
    )
    close(run(config))


def train_localizer(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PAGES OUT", help="Folder with images/{train,val} and labels/{train,val}; the output."),
    ],
    output: Output = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the pages.")] = 40,
    model_size: Annotated[
        Literal["n", "s", "m", "l", "x"], typer.Option("--model-size", help="YOLOv8's size, n the smallest.")
    ] = "n",
    image_size: Annotated[
        int, typer.Option("--image-size", min=64, max=2048, help="Pixels that a page is scaled to; a multiple of 32.")
    ] = 640,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pages a step.")] = 4,
    seed: Seed = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a detector for crop-nomnaocr --localizer.

    Learns from pages with a box for each character, YOLO layout.

    A run that was killed goes on after its last whole epoch. Uses ultralytics (AGPL-3.0; pip install
    "sinonom[localize]"); the ONNX file it makes runs without it.
    """
    from sinonom_cli.errors import usage_error
    from sinonom_cli.layout.train_localizer import LocalizerConfig, run
    from sinonom_cli.parallel.batch import close

    inputs, out = split_output(paths, output, "PAGES")
    if len(inputs) != 1:
        raise usage_error("give one folder of pages and the output", "sinonom train-localizer PAGES OUT")
    if image_size % 32:
        raise usage_error(f"--image-size {image_size} is not a multiple of 32", f"--image-size {image_size // 32 * 32}")
    close(
        run(
            LocalizerConfig(
                pages=Path(inputs[0]),
                out=out,
                epochs=epochs,
                model_size=model_size,
                image_size=image_size,
                batch=batch,
                seed=seed,
                device=device,
                overwrite=overwrite,
            )
        )
    )
