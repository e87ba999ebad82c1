"""The command `sinonom carve` makes relief meshes from images."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sinonom_cli.commands.batch_options import batch_command
from sinonom_cli.commands.carve_jobs import block_options, blocks, plates, refuse_misplaced
from sinonom_cli.commands.carve_ranges import within
from sinonom_cli.options import Output, Seed, split_output
from sinonom_cli.relief.block_options import BlockOptions
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import SMEARED, Relief, Span

if TYPE_CHECKING:
    from sinonom_cli.parallel.batch import BatchOptions

CARVING, RELIEF, BLOCK = Carving(), Relief(), BlockOptions()


@batch_command
def carve(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="IMAGES OUT", help="An image set or folder, or pages; then the output folder."),
    ],
    output: Output = None,
    resolution: Annotated[
        int | None,
        typer.Option(
            "--resolution",
            min=16,
            max=2048,
            show_default=f"{CARVING.resolution}; with --page one for each pixel",
            help="Vertices along each side; 128 give 29,000 faces. With --page: across the ink of a character.",
        ),
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Carve the mirror image: a block is the mirror image of its print.")
    ] = CARVING.mirror,
    depth: Annotated[Span, within("--depth", 0.01, 0.5, "Depth of the ground far from strokes.")] = RELIEF.depth,
    flank: Annotated[
        Span, within("--flank", 0.001, 0.2, "Distance from a stroke at which the ground reaches 63 % of its depth.")
    ] = RELIEF.flank,
    deepening: Annotated[
        Span, within("--deepening", 0, 1, "Share of the depth that is reached only where strokes are far apart.")
    ] = RELIEF.deepening,
    gouge: Annotated[
        Span, within("--gouge", 0, 1, "Standard deviation of tool marks, as a share of the depth.")
    ] = RELIEF.gouge,
    uneven: Annotated[
        Span, within("--uneven", 0, 0.5, "Standard deviation of stroke tops' heights, as a share of the depth.")
    ] = RELIEF.uneven,
    wear: Annotated[
        Span, within("--wear", 0, 1, "Wear of the tops and edges; 0 is a new block, 1 a very worn one.")
    ] = RELIEF.wear,
    breaks: Annotated[Span, within("--breaks", 0, 100, "Number of breaks in strokes.", whole=True)] = RELIEF.breaks,
    neighbours: Annotated[
        Span | None,
        within(
            "--neighbours",
            0,
            4,
            "Number of sides where a part of another character is visible.",
            whole=True,
            default=str(CARVING.neighbours),
        ),
    ] = None,
    intrusion: Annotated[
        Span | None,
        within(
            "--intrusion",
            0,
            0.5,
            "Distance that the other character's ink reaches into the plate.",
            default=str(CARVING.intrusion),
        ),
    ] = None,
    ragged: Annotated[
        Span, within("--ragged", 0, 0.3, "Distance of the corners of the plate's polygonal edge from its border.")
    ] = RELIEF.ragged,
    shift: Annotated[
        Span | None, within("--shift", 0, 0.5, "Distance of the character from the middle.", default=str(CARVING.shift))
    ] = None,
    stretch: Annotated[
        Span | None,
        within(
            "--stretch",
            0.5,
            2,
            "Factor on the character's width, and another on its height.",
            default=str(CARVING.stretch),
        ),
    ] = None,
    swell: Annotated[
        Span, within("--swell", -0.05, 0.05, "Distance that the strokes' edges are moved outwards.")
    ] = CARVING.swell,
    turn: Annotated[
        Span | None,
        within(
            "--turn",
            -180,
            180,
            "Rotation in the plate's own plane, in degrees.",
            default=f"{CARVING.turn}; with --solid 0",
        ),
    ] = None,
    bend: Annotated[
        Span | None,
        within(
            "--bend", 0, 0.5, "Change of the plate's height from its middle to its edge.", default=str(CARVING.bend)
        ),
    ] = None,
    tilt: Annotated[
        Span | None,
        within(
            "--tilt",
            0,
            60,
            "Tilt to any side, in degrees.",
            default=f"{CARVING.tilt}; with --page {BLOCK.carving.tilt}; with --solid 0",
        ),
    ] = None,
    smear: Annotated[
        Span,
        within(
            "--smear", 0, SMEARED, "Width of the slope that a wall has in the scan if it faces away from the scanner."
        ),
    ] = RELIEF.smear,
    blur: Annotated[Span, within("--blur", 0, 0.1, "Standard deviation of a coarse scan's blur.")] = RELIEF.blur,
    noise: Annotated[Span, within("--noise", 0, 0.1, "Standard deviation of the scan's noise.")] = RELIEF.noise,
    page: Annotated[
        bool, typer.Option("--page", help="Each picture shows a page; it becomes a whole block, in mm.")
    ] = False,
    page_width: Annotated[
        float | None,
        typer.Option(
            "--page-width",
            min=10,
            max=2000,
            show_default=f"{BLOCK.page_width:g}",
            help="Width of the picture of a page, in mm.",
        ),
    ] = None,
    char_width: Annotated[
        float | None,
        typer.Option(
            "--char-width", min=4, show_default="estimated", help="Width of a character's ink, in pixels of the page."
        ),
    ] = None,
    bow: Annotated[
        Span | None,
        within(
            "--bow",
            0,
            50,
            "Rise from a block's middle to a point 150 mm away, in mm.",
            default=f"{BLOCK.bow}; with --solid 0",
        ),
    ] = None,
    cracks: Annotated[
        Span | None,
        within("--cracks", 0, 100, "Number of cracks of a block.", True, default=f"{BLOCK.cracks}; with --solid 0"),
    ] = None,
    handles: Annotated[
        Span | None,
        within("--handles", 0, 1, "Width of a handle, as a share of the page's ink.", default=str(BLOCK.handles)),
    ] = None,
    as_: Annotated[
        Literal["mesh", "map"] | None,
        typer.Option("--as", show_default="mesh", help="map: a 16-bit height map of a block in place of a mesh."),
    ] = None,
    solid: Annotated[
        bool, typer.Option("--solid", help="Close a block's mesh by walls and a flat back, for a mill or a printer.")
    ] = False,
    thickness: Annotated[
        float | None,
        typer.Option(
            "--thickness",
            min=1,
            max=500,
            show_default=f"{BLOCK.thickness:g}",
            help="Thickness of a solid block, in mm.",
        ),
    ] = None,
    seed: Seed = 0,
    *,
    batch: "BatchOptions",
    limit: int | None,
    json: bool,
) -> None:
    """Carve pictures of characters or pages into reliefs.

    The meshes (binary STL) look like scanned woodblocks: of single characters, or with --page of whole blocks. For each
    picture, each amount is drawn uniformly from its range LOW:HIGH; one number fixes the amount. Lengths are in plate
    widths where no unit is named; a character's ink is 0.8 plate widths wide. metadata.csv lists the drawn amounts.
    """
    inputs, out = split_output(paths, output, "image set")
    relief = Relief(
        depth=depth,
        flank=flank,
        deepening=deepening,
        gouge=gouge,
        uneven=uneven,
        wear=wear,
        breaks=breaks,
        ragged=ragged,
        smear=smear,
        blur=blur,
        noise=noise,
    )
    singles: dict[str, Any] = {
        "neighbours": neighbours,
        "intrusion": intrusion,
        "shift": shift,
        "stretch": stretch,
        "bend": bend,
    }
    sizes: dict[str, Any] = {"page_width": page_width, "char_width": char_width, "bow": bow, "cracks": cracks}
    sizes |= {"handles": handles, "as": as_, "solid": solid or None, "thickness": thickness}
    refuse_misplaced(page, singles, sizes)
    carving = replace(CARVING, relief=relief, swell=swell, mirror=mirror)
    if page:
        job = blocks(inputs, out, block_options(carving, tilt, turn, resolution, sizes), seed, limit)
    else:
        singles |= {"tilt": tilt, "turn": turn, "resolution": resolution}
        given = {name: value for name, value in singles.items() if value is not None}
        job = plates(inputs, out, replace(carving, **given), seed, limit)
    from sinonom_cli.parallel.batch import close, fill

    artifact = fill(
        out,
        kind="meshset",
        batch=batch,
        **job,
    )
    close(artifact, as_json=json)
