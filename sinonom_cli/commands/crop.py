"""The command `sinonom crop-nomnaocr` cuts column patches with transcripts into labelled pictures of characters."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sinonom_cli.commands.batch_options import batch_command
from sinonom_cli.options import (
    Device,
    Json,
    Limit,
    Output,
    Overwrite,
    Quiet,
    Seed,
    Verbose,
    split_output,
)

if TYPE_CHECKING:
    from sinonom_cli.parallel.batch import BatchOptions


@batch_command
def crop_nomnaocr(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATCHES OUT", help="The folder with All.txt and the books, or its parent; then the set."
        ),
    ],
    output: Output = None,
    transcripts: Annotated[
        Path | None,
        typer.Option(
            "--transcripts",
            metavar="FILE",
            show_default="All.txt",
            help="Another list of transcripts, such as Train.txt.",
        ),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option(
            "--exclude", metavar="FILE", help="Patches, pages (book/page) or books to leave out, one per line."
        ),
    ] = None,
    localizer: Annotated[
        Path | None,
        typer.Option(
            "--localizer",
            metavar="FILE",
            help="A detector of characters (ONNX, as YOLOv8 writes it), used together with the ink.",
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            "--boxes",
            metavar="FILE",
            help="Boxes from another program: CSV, a folder of YOLO text, or PAGE or ALTO XML (a file or a folder).",
        ),
    ] = None,
    doubtful_below: Annotated[
        float,
        typer.Option("--doubtful-below", min=0, max=1, help="Smallest confidence that a picture of the set may have."),
    ] = 0.5,
    keep_doubtful: Annotated[
        bool,
        typer.Option("--keep-doubtful", help="Keep doubtful pictures too; the column `doubtful` gives the reason."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Lower the confidence where the default model recognises another character.")
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Draw columns with their cuts in a PNG, for checking."),
    ] = None,
    sheet_columns: Annotated[int, typer.Option("--sheet-columns", min=1, help="Number of columns to draw.")] = 40,
    sheet_worst: Annotated[
        bool,
        typer.Option(
            "--sheet-worst", help="Draw the columns with the lowest confidence instead of a sample by --seed."
        ),
    ] = False,
    seed: Seed = 0,
    size: Annotated[int, typer.Option("--size", min=16, max=1024, help="Side of the pictures in pixels.")] = 64,
    limit: Limit = None,
    *,
    batch: "BatchOptions",
    json: bool,
) -> None:
    """Cut column patches into labelled character images.

    The input has the layout of NomNaOCR: each line of All.txt names a patch and gives its transcript. The set does not
    contain characters with a low confidence; doubtful.csv lists them, with the reason.

    With --boxes, PATCHES is a folder of pictures of columns or pages, and the file gives the characters' positions.
    CSV: picture, x0, y0, x1, y1 in pixels, text; a row with several characters is a column and is cut. YOLO: a .txt
    for each picture; classes.txt may list the characters. PAGE and ALTO: boxes of characters, or else lines, which are
    cut. Boxes without text are aligned to the transcript of their picture.
    """
    from sinonom_cli.crops.run import CropConfig, run
    from sinonom_cli.errors import UsageError
    from sinonom_cli.parallel.batch import close

    inputs, out = split_output(paths, output, "PATCHES")
    if len(inputs) != 1:
        raise UsageError("give one folder of patches and the output", "sinonom crop-nomnaocr PATCHES OUT")
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
    close(run(config), as_json=json)


def train_localizer(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PAGES OUT", help="Folder with images/{train,val} and labels/{train,val}; the output."),
    ],
    output: Output = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the pages.")] = 40,
    model_size: Annotated[
        Literal["n", "s", "m", "l", "x"], typer.Option("--model-size", help="Size of YOLOv8; n is the smallest.")
    ] = "n",
    image_size: Annotated[
        int, typer.Option("--image-size", min=64, max=2048, help="Side of a scaled page in pixels; a multiple of 32.")
    ] = 640,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pages in a batch.")] = 4,
    seed: Seed = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a detector for crop-nomnaocr --localizer.

    The pages have a box for each character, in YOLO's layout.

    The same command continues a killed run after its last complete epoch. It uses ultralytics (AGPL-3.0; pip install
    "sinonom[localize]"); the ONNX file that it writes does not need ultralytics.
    """
    from sinonom_cli.errors import UsageError
    from sinonom_cli.layout.train_localizer import LocalizerConfig, run
    from sinonom_cli.parallel.batch import close

    inputs, out = split_output(paths, output, "PAGES")
    if len(inputs) != 1:
        raise UsageError("give one folder of pages and the output", "sinonom train-localizer PAGES OUT")
    if image_size % 32:
        raise UsageError(f"--image-size {image_size} is not a multiple of 32", f"--image-size {image_size // 32 * 32}")
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
        ),
        as_json=json,
    )
