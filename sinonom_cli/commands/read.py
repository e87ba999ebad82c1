"""The command `sinonom read` reads pages: what they say, and where each character stands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sinonom_cli.commands.batch_options import batch_command
from sinonom_cli.commands.context_option import Context
from sinonom_cli.commands.corrections_option import Corrections
from sinonom_cli.commands.way_options import Mirror, Turn
from sinonom_cli.options import Output, split_output

if TYPE_CHECKING:
    from sinonom_cli.parallel.batch import BatchOptions


@batch_command
def read(
    paths: Annotated[
        list[str], typer.Argument(metavar="PAGES... OUT", help="Pictures or PDF files of pages; then the output.")
    ],
    output: Output = None,
    form: Annotated[
        str,
        typer.Option("--format", metavar="NAME,...", help="Formats to write, besides json: txt, page, alto, tei."),
    ] = "txt,page",
    readings: Annotated[
        Literal["vi"] | None,
        typer.Option("--readings", help="Also write the Vietnamese readings, line by line.", show_default="none"),
    ] = None,
    direction: Annotated[
        Literal["vertical", "horizontal"], typer.Option("--direction", help="Direction of the text.")
    ] = "vertical",
    boxes: Annotated[
        Path | None,
        typer.Option(
            "--boxes",
            metavar="FILE",
            help="Boxes of the characters: CSV, a folder of YOLO text, or PAGE or ALTO XML (a file or a folder).",
        ),
    ] = None,
    transcripts: Annotated[
        Path | None,
        typer.Option(
            "--transcripts",
            metavar="FILE",
            help="Known texts, columns as lines from the right: <page>.txt, a folder, or CSV (page,text).",
        ),
    ] = None,
    corrections: Corrections = None,
    index: Annotated[
        Path | None,
        typer.Option("--index", metavar="INDEX", help="Index of carvings: also find the block that printed each page."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="Model of the index; otherwise found automatically.")
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option("--detector", metavar="FILE", help="Another detector, which sinonom train-detector made."),
    ] = None,
    context: Context = True,
    reject: Annotated[
        bool, typer.Option("--reject", help="Give no name to characters that match no known character.")
    ] = False,
    mirror: Annotated[Mirror, typer.Option("--mirror", help="Whether the pictures are mirrored.")] = Mirror.auto,
    turn: Annotated[
        Turn, typer.Option("--turn", help="Degrees to turn the pictures clockwise (a mirrored one: after mirroring).")
    ] = Turn.auto,
    char_height: Annotated[
        float | None,
        typer.Option(
            "--char-height", min=1, max=1e5, show_default="found", help="Height of an ordinary character, in pixels."
        ),
    ] = None,
    *,
    batch: "BatchOptions",
    limit: int | None,
    json: bool,
) -> None:
    """Read pages of Hán-Nôm text.

    Every page becomes text and JSON with a box and five names for each character, and a picture that shows them.
    characters.csv lists the characters of all pages. Columns are read from right to left.

    With --index, blocks.csv says which block printed each page, matches.csv which carving printed each character, and
    a web page for each page shows print and block side by side. The index is made of what cut and render wrote.
    """
    inputs, out = split_output(paths, output, "page")
    from sinonom_cli import messages
    from sinonom_cli.blocks.transcripts import read_transcripts
    from sinonom_cli.layout.given_corrections import given_corrections
    from sinonom_cli.pages.boxes import boxes_of
    from sinonom_cli.pages.laid import PageOptions
    from sinonom_cli.pages.run import COLUMNS, ReadPages, content_of, formats_of, told, write_tables
    from sinonom_cli.pages.sources import find_pages
    from sinonom_cli.pages.transcribed import DOUBTFUL_COLUMNS, with_texts
    from sinonom_cli.parallel.batch import close, fill

    formats = formats_of(f"{form},{readings or ''}")
    skip = tuple(path for path in (out, boxes, detector, index, transcripts) if path is not None)
    items = find_pages(inputs, limit, skip)
    if transcripts is not None:
        items = with_texts(items, read_transcripts(transcripts, [item.data[0] for item in items], "page"))
    given = given_corrections(corrections or (), items, "pages")
    items = given.with_items(items)
    options = PageOptions(
        direction=direction, mirrored=mirror.known, turned=turn.known, size=char_height, reject=reject, context=context
    )
    artifact = fill(
        out,
        kind="reading",
        options={
            "command": "read",
            **vars(options),
            "formats": list(formats),
            "boxes": content_of(boxes),
            "detector": content_of(detector),
            "transcripts": transcripts is not None,
            "index": content_of(index and Path(f"{index}.json")),
            **given.record(),
        },
        items=items,
        passed_over=items.passed_over,
        work=ReadPages(
            out=Path(out).absolute(),
            options=options,
            formats=formats,
            boxes=boxes_of(boxes, items) if boxes else None,
            detector=detector,
            index=index,
            model=model,
            corrections=given,
        ),
        columns=COLUMNS,
        doubtful=DOUBTFUL_COLUMNS if transcripts or corrections else (),
        batch=batch,
        what="pages",
        extra=lambda: {"read": write_tables(Path(out), index is not None)},
        needs=(boxes, detector, index, model, transcripts),
    )
    messages.say(told(artifact.record["read"]))
    close(artifact, as_json=json)
