"""The command `sinonom cut` cuts the characters out of scans of whole blocks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinonom_cli.commands.batch_options import batch_command
from sinonom_cli.commands.context_option import Context
from sinonom_cli.commands.corrections_option import Corrections
from sinonom_cli.commands.height_map_options import Pixel, Step, WhichIsDeeper, scale_of
from sinonom_cli.commands.way_options import Mirror, Turn
from sinonom_cli.options import Output, split_output

if TYPE_CHECKING:
    from sinonom_cli.parallel.batch import BatchOptions


@batch_command
def cut(
    paths: Annotated[
        list[str], typer.Argument(metavar="BLOCKS... OUT", help="Meshes or height maps of blocks; then the mesh set.")
    ],
    output: Output = None,
    mirror: Annotated[
        Mirror, typer.Option("--mirror", help="Whether the scans are mirror images, as printing blocks are.")
    ] = Mirror.auto,
    turn: Annotated[
        Turn, typer.Option("--turn", help="Degrees to turn the scans clockwise (a mirrored one: after mirroring).")
    ] = Turn.auto,
    char_height: Annotated[
        float | None,
        typer.Option(
            "--char-height",
            min=1e-6,
            max=1e9,
            show_default="found",
            help="Height of an ordinary character, in the units of the scans.",
        ),
    ] = None,
    transcripts: Annotated[
        Path | None,
        typer.Option(
            "--transcripts",
            metavar="FILE",
            help="Texts of the blocks, columns as lines from the right: <block>.txt, a folder, or CSV (block,text).",
        ),
    ] = None,
    prints: Annotated[
        Path | None,
        typer.Option(
            "--print",
            metavar="PAGES",
            help="Prints of the blocks: <block>.png, <block>-a.png, a folder; all are of the block if there is one.",
        ),
    ] = None,
    print_boxes: Annotated[
        Path | None,
        typer.Option(
            "--print-boxes",
            metavar="FILE",
            show_default="found",
            help="Boxes and names of the prints' characters, as crop-nomnaocr --boxes takes them.",
        ),
    ] = None,
    corrections: Corrections = None,
    context: Context = True,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FILE",
            help="Write an HTML page with the pictures of all blocks, their texts and what is doubtful.",
        ),
    ] = None,
    pixel: Pixel = None,
    deeper: WhichIsDeeper = None,
    step: Step = None,
    *,
    batch: "BatchOptions",
    limit: int | None,
    json: bool,
) -> None:
    """Cut scans of whole blocks into characters.

    Each character becomes a mesh. Tilt and bow are taken out; the characters are found, read in order and named, and
    blocks/ shows each block as it was read. The meshes stand upright and are not mirrored, so that sinonom render draws
    them as they are read.
    """
    inputs, out = split_output(paths, output, "block")
    from sinonom_cli import messages
    from sinonom_cli.blocks import doubts
    from sinonom_cli.blocks.items import blocks_of, known_blocks
    from sinonom_cli.blocks.read_surface import Given
    from sinonom_cli.blocks.run import COLUMNS, Cut
    from sinonom_cli.blocks.transcripts import read_transcripts
    from sinonom_cli.errors import UsageError
    from sinonom_cli.layout.given_corrections import given_corrections
    from sinonom_cli.pages.places import names_in_context
    from sinonom_cli.pages.prints import find_prints, read_print
    from sinonom_cli.parallel.batch import close, fill
    from sinonom_cli.render.run import HEIGHT_HINTS, suffixes_of
    from sinonom_cli.reports.cut_sheet import refuse_other_than_cut_sheet, write_cut_sheet
    from sinonom_cli.storage.inputs import find_inputs

    scale = scale_of(pixel, deeper, step)
    found = find_inputs(inputs, suffixes_of(scale), "blocks", limit, skip=(out,), with_option=HEIGHT_HINTS)
    items = blocks_of(found, limit)
    if sheet is not None:
        refuse_other_than_cut_sheet(sheet)
    if print_boxes is not None and prints is None:
        raise UsageError("--print-boxes needs --print", "--print PAGES --print-boxes FILE")
    blocks = [item.data[0] for item in items]
    texts = {} if transcripts is None else read_transcripts(transcripts, blocks)
    pages = {} if prints is None else find_prints(prints, print_boxes, blocks, (Path(out),))
    items = known_blocks(items, texts, pages)
    corrected = given_corrections(corrections or (), items, "blocks")
    items = corrected.with_items(items)
    options = {
        "transcripts": transcripts is not None,
        "print": prints is not None,
        "mirror": mirror.value,
        "turn": turn.value,
        "char_height": char_height,
        "context": context,
        **corrected.record(),
    }
    given = Given(mirrored=mirror.known, turned=turn.known, size=char_height)
    judge = names_in_context if context else None
    work = Cut(Path(out).absolute(), scale, given, read_print, corrected, judge)
    artifact = fill(
        out,
        kind="meshset",
        options={"command": "cut", **options, **(vars(scale) if scale else {})},
        items=items,
        passed_over=items.passed_over,
        work=work,
        columns=COLUMNS,
        batch=batch,
        what="blocks",
        doubtful=doubts.COLUMNS,
        needs=(transcripts, print_boxes),
    )
    counts = artifact.counts
    messages.say(f"{counts['images']:,} characters; {counts['doubtful']:,} doubts, see doubtful.csv")
    if sheet is not None:
        write_cut_sheet(sheet, Path(out))
    close(artifact, as_json=json)
