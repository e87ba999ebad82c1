"""The command `sinonom render` makes depth images from meshes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinonom_cli.commands.batch_options import batch_command
from sinonom_cli.commands.height_map_options import Pixel, Step, WhichIsDeeper, scale_of
from sinonom_cli.options import Output, split_output
from sinonom_cli.render.options import LARGEST, SMALLEST, Level, Projection, Tone

if TYPE_CHECKING:
    from sinonom_cli.parallel.batch import BatchOptions


@batch_command
def render(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="MESHES... OUT", help="STL, PLY, OBJ, OFF, GLB, glTF or height maps; then the set."),
    ],
    output: Output = None,
    size: Annotated[
        int, typer.Option("--size", min=SMALLEST, max=LARGEST, help="Side of the pictures in pixels.")
    ] = 256,
    projection: Annotated[
        Projection, typer.Option("--projection", help="perspective: camera at (0, 0, 4), 15 degrees; needs Open3D.")
    ] = Projection.orthographic,
    level: Annotated[Level, typer.Option("--level", help="auto: make tilted and bent plates flat.")] = Level.auto,
    tone: Annotated[
        Tone,
        typer.Option(
            "--tone", help="local: surface near the tops around it is dark; report: height, clipped and squared."
        ),
    ] = Tone.local,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Swap left and right: a block is the mirror image of its print.")
    ] = False,
    depth16: Annotated[
        bool,
        typer.Option("--depth16", help="Also write the heights as 16-bit PNG in depth/; metadata.csv has their scale."),
    ] = False,
    as_is: Annotated[
        bool,
        typer.Option("--as-is", help="Draw meshes as they are: turn none over, and leave no specks or tables out."),
    ] = False,
    pixel: Pixel = None,
    deeper: WhichIsDeeper = None,
    step: Step = None,
    *,
    batch: "BatchOptions",
    limit: int | None,
    json: bool,
) -> None:
    """Render meshes and height maps to depth images.

    Strokes are dark on a light ground, as in a print; the tilt and bend of the plate are removed.
    """
    inputs, out = split_output(paths, output, "mesh")
    from sinonom_cli.meshes.zbuffer import load_open3d
    from sinonom_cli.parallel.batch import close, fill
    from sinonom_cli.render.render import View
    from sinonom_cli.render.run import (
        HEIGHT_HINTS,
        Render,
        columns_of,
        each_map,
        known_characters,
        say_what_was_done,
        suffixes_of,
        targets,
    )
    from sinonom_cli.search.familiar import Familiar
    from sinonom_cli.storage.inputs import find_inputs

    scale = scale_of(pixel, deeper, step)

    if projection is Projection.perspective:
        load_open3d("--projection perspective")
    found = find_inputs(inputs, suffixes_of(scale), "meshes", limit, skip=(out,), with_option=HEIGHT_HINTS)
    items = each_map(found, limit)
    view = View(
        size=size,
        projection=projection.value,
        level=level.value,
        tone=tone.value,
        mirror=mirror,
        depth16=depth16,
        as_is=as_is,
    )
    meshes = targets(items, known_characters(items, Path(out)))
    artifact = fill(
        out,
        kind="imageset",
        options=vars(view) | (vars(scale) if scale else {}),
        items=meshes,
        passed_over=items.passed_over,
        work=Render(Path(out).absolute(), view, Familiar(), scale),
        columns=columns_of(view, meshes),
        batch=batch,
        what="meshes",
    )
    say_what_was_done(artifact.path)
    close(artifact, as_json=json)
