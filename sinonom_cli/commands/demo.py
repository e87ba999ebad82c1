"""The command `sinonom demo` runs the whole chain on the package's own data, each step as a user would type it."""

import csv
import shlex
from contextlib import redirect_stdout
from json import loads
from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli import console, messages, options
from sinonom_cli.assets import GLYPHS
from sinonom_cli.errors import SinonomError

CARVED_HAND = "wenkai"
"""Set of glyphs whose characters are carved; pictures of the other sets are the queries."""


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

    The characters of one typeface family are carved into relief meshes. Pictures of the same characters in other
    typeface families are the queries that find them.
    """
    hands = sorted(p.name for p in GLYPHS.iterdir() if (p / "artifact.json").exists())
    asking = [GLYPHS / hand for hand in hands if hand != CARVED_HAND]
    same = ["--quiet"] * quiet + ["--verbose"] * verbose + ["--json"] * json
    same += [] if workers is None else ["--workers", str(workers)]
    truth, report, sheet = out / "truth.csv", out / "report.html", out / "answers.png"
    _step("carve", GLYPHS / CARVED_HAND, out / "meshes", *same)
    _step("render", out / "meshes", out / "depth", *same)
    _step("index", out / "depth", out / "db.faiss", *same)
    _write_truth(asking, truth)
    _step("query", _one_picture(asking[0]), "--index", out / "db.faiss", *same)
    scored = ("query", *asking, "--index", out / "db.faiss", "--truth", truth)
    scored += ("--report", report, "--sheet", sheet, *same)
    if json:
        _step(*scored)
    else:
        _step_into(out / "answers.jsonl", *scored, "--json")
    messages.say(f"\nqueries and their answers as pictures: {report}, for a browser, and {sheet}")


def _one_picture(hand: Path) -> Path:
    """Return the path of a picture of 字 ("character")."""
    return next((hand / "images" / "U+5B57").glob("*.png"))


def _step_into(file: Path, *arguments: object) -> None:
    """Run one command line, write its stdout to a file, and print the scores from the file's last line."""
    from sinonom_cli.storage.atomic import replacing

    with replacing(file) as temporary, temporary.open("w", encoding="utf-8") as text, redirect_stdout(text):
        _step(*arguments, into=f" > {shlex.quote(str(file))}")
    scores = loads(file.read_text(encoding="utf-8").splitlines()[-1])["metrics"]
    console.data(
        ", ".join(f"{name} {value:.3f}" if name != "queries" else f"{value} queries" for name, value in scores.items())
    )


def _step(*arguments: object, into: str = "") -> None:
    """Run one command line in this process, and show it as a user would type it."""
    from sinonom_cli.cli import call

    typed = [*map(str, arguments)]
    messages.say(f"\n$ sinonom {shlex.join(typed)}{into}")
    call(typed)


def _write_truth(asking: list[Path], truth: Path) -> None:
    """Write the truth table: which character each picture of the sets `asking` shows."""
    from sinonom_cli.storage.atomic import replacing
    from sinonom_cli.storage.image_set import read_imageset

    with replacing(truth) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("query", "label", "kind"))
        for path in asking:
            pictures = read_imageset(path).pictures
            if not pictures:
                raise SinonomError(f"{path} is empty", "pip install --force-reinstall sinonom")
            writer.writerows((picture.item, picture.char, path.name) for picture in pictures)
