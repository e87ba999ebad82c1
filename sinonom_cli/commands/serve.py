"""The command `sinonom serve` opens a page on this machine that asks, looks and corrects."""

from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli.options import Quiet, Verbose


def serve(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER]...", help="Folders that read or cut wrote, to look at and correct."),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="db.faiss", show_default="characters", help="Index to ask, which sinonom index made."
        ),
    ] = None,
    meshes: Annotated[
        list[Path] | None,
        typer.Option(
            "--meshes",
            metavar="DIR",
            show_default="beside the image sets",
            help="Folder that render was given; repeat it for several.",
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes any that is free.")] = 8710,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; another one than this machine's own needs a token.")
    ] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    who: Annotated[
        str | None,
        typer.Option("--who", metavar="NAME", show_default="the user's name", help="Name of the one who corrects."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache", metavar="DIR", show_default="the user's cache", help="Folder for meshes with few faces."
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Open a local page to ask, browse and correct.

    Drop a picture of a character on it to see the five nearest carvings and turn their meshes under a light. FOLDER
    shows pages and blocks with their characters; what is corrected there goes to corrections.jsonl in the folder.
    The same addresses answer scripts with JSON: see /api.
    """
    from sinonom_cli.serve.run import ServeConfig, run

    run(
        ServeConfig(
            folders=tuple(folders or ()),
            index=index,
            meshes=tuple(meshes or ()),
            host=host,
            port=port,
            browser=not no_browser,
            who=who,
            cache=cache,
        )
    )
