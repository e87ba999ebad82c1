"""`sinonom demo`: the whole chain on what ships with the package, each step as a user would type it."""

import csv
import shlex
from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli import console, options
from sinonom_cli.errors import SinonomError

GLYPHS = Path(__file__).parent / "assets" / "glyphs"
CARVED_HAND = "wenkai"
"""The hand whose characters are carved; the others ask for them."""


def demo(
    out: Annotated[Path, typer.Argument(metavar="[OUT]", help="Folder for everything that the demo makes.")] = Path(
        "demo"
    ),
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Run the whole chain on 100 characters that ship.

    One hand's characters are carved into relief meshes; pictures of the same characters in other hands then find them.
    """
    hands = sorted(p.name for p in GLYPHS.iterdir() if (p / "artifact.json").exists())
    asking = [GLYPHS / hand for hand in hands if hand != CARVED_HAND]
    same = ["--quiet"] * quiet + ["--verbose"] * verbose
    several = [*same, *([] if workers is None else ["--workers", str(workers)])]
    truth, sheet = out / "truth.csv", out / "answers.png"
    _step("carve", GLYPHS / CARVED_HAND, out / "meshes", *several)
    _step("render", out / "meshes", out / "depth", *several)
    _step("index", out / "depth", out / "db.faiss", *several)
    _write_truth(asking, truth)
    shown = ["--json"] * json
    _step("query", *asking, "--index", out / "db.faiss", "--truth", truth, "--sheet", sheet, *several, *shown)
    console.say(f"\npictures of queries and answers: {sheet}")


def _step(command: str, *arguments: object) -> None:
    """Run one command line in this process, shown as it would be typed."""
    from sinonom_cli.cli import app

    typed = [command, *map(str, arguments)]
    console.say(f"\n$ sinonom {shlex.join(typed)}")
    quiet, verbose, json = console.settings.quiet, console.settings.verbose, console.settings.json
    app(typed, standalone_mode=False, prog_name="sinonom")
    console.settings.quiet, console.settings.verbose, console.settings.json = quiet, verbose, json


def _write_truth(asking: list[Path], truth: Path) -> None:
    """Write which character each picture of the asking hands shows."""
    from sinonom_cli.artifacts.files import replacing
    from sinonom_cli.artifacts.imageset import read_imageset

    with replacing(truth) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("query", "label", "kind"))
        for path in asking:
            pictures = read_imageset(path).pictures
            if not pictures:
                raise SinonomError(f"{path} is empty", "pip install --force-reinstall sinonom")
            writer.writerows((picture.item, picture.char, path.name) for picture in pictures)
