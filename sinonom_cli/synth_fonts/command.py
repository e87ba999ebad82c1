"""`sinonom synth-fonts`: fonts -> labelled character images."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinonom_cli import console, options
from sinonom_cli.errors import usage_error

if TYPE_CHECKING:
    from sinonom_cli.artifacts.artifact import Artifact
    from sinonom_cli.synth_fonts.charset import Charset


def synth_fonts(
    fonts: Annotated[
        list[str], typer.Argument(metavar="FONTS... OUT", help="Font files (ttf, otf, ttc, otc) or folders of them.")
    ],
    output: options.Output = None,
    charset: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Characters to draw: first column of each line, or text.", show_default="Han"
        ),
    ] = None,
    chars: Annotated[str, typer.Option(metavar="STRING", help="Characters to draw, besides those of --charset.")] = "",
    size: Annotated[int, typer.Option(min=16, max=1024, help="Side of the square pictures, in pixels.")] = 64,
    strokes: Annotated[
        str,
        typer.Option(
            metavar="X,X,...",
            help="Stroke weights, one picture each: how far the ink's edge moves outwards, in parts of the side.",
        ),
    ] = "-0.008,0,0.012",
    degrade: Annotated[
        str,
        typer.Option(
            metavar="X,X,...",
            help="How badly printed, 0 to 1, one picture each of every stroke weight; 0,0.6,0.6: one clean, two worn.",
        ),
    ] = "0",
    seed: options.Seed = 0,
    workers: options.Workers = None,
    engine: options.Engine = "processes",
    limit: options.Limit = None,
    overwrite: options.Overwrite = False,
    fail_fast: options.FailFast = False,
    max_failures: options.MaxFailures = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Draw labelled character images from fonts.

    In several stroke weights, clean or as if badly printed.

    Without --charset or --chars, every Han character that a face has is drawn. What a font's tables promise and its
    glyphs do not keep (blank or "missing" glyphs) is not drawn. Private Use characters of Nôm texts are drawn as the
    Unicode characters that they have become, or not at all.
    """
    stroke_weights = _numbers("--strokes", strokes, -0.1, 0.1)
    amounts = _numbers("--degrade", degrade, 0, 1)
    inputs, out = options.split_output(fonts, output, "font")
    from sinonom_cli.artifacts.batch import BatchOptions, close
    from sinonom_cli.artifacts.inputs import find_inputs
    from sinonom_cli.synth_fonts.faces import SUFFIXES
    from sinonom_cli.synth_fonts.make import levels_of, make

    wanted = _charset(charset, chars)
    found = find_inputs(inputs, SUFFIXES, "fonts", limit)
    artifact = make(
        found,
        out,
        charset=wanted,
        side=size,
        levels=levels_of(stroke_weights, amounts),
        seed=seed,
        options={
            "size": size,
            "strokes": stroke_weights,
            "degrade": amounts,
            "seed": seed,
            "charset": _identity(wanted),
        },
        batch=BatchOptions(workers, fail_fast, max_failures, overwrite, engine),
    )
    _report(artifact, wanted)
    close(artifact)


def _numbers(option: str, text: str, low: float, high: float) -> list[float]:
    try:
        numbers = [float(part) + 0.0 for part in text.split(",")]  # no minus zero in file names
    except ValueError:
        raise usage_error(f"{option} {text}: not numbers with commas between", f"{option} 0,0.01") from None
    if not all(low <= number <= high for number in numbers):
        raise usage_error(f"{option} {text}: from {low:g} to {high:g}")
    return numbers


def _charset(path: Path | None, chars: str) -> "Charset | None":
    """Return the characters asked for, and say what becomes of Private Use ones; None if none are asked for."""
    from sinonom_cli.synth_fonts.charset import charset_of, read_charset

    if path is None and not chars:
        return None
    listed = read_charset(path) if path else []
    wanted = charset_of([*listed, *(char for char in chars if not char.isspace())])
    if wanted.repaired:
        console.say(f"{wanted.repaired} Private Use characters are drawn as the Unicode characters that they are now")
    if wanted.private:
        console.say(f"{len(wanted.private)} Private Use characters have no Unicode code point and are not drawn")
    if not wanted.chars:
        raise usage_error("no character is left to draw", "sinonom synth-fonts --chars 字 FONTS... OUT")
    return wanted


def _identity(charset: "Charset | None") -> str:
    """What the record says of the charset: how many characters, and a checksum that changes with them."""
    if charset is None:
        return "han"
    digest = hashlib.sha256("".join(charset.chars).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{len(charset.chars)} characters, sha256 {digest}"


def _report(artifact: "Artifact", charset: "Charset | None") -> None:
    """Say how much of what was asked for the faces drew."""
    faces = artifact.record.get("faces", {})
    for key, counts in faces.items():
        console.detail(
            f"{key}: {counts['drawn']} of {counts['asked']} characters drawn, {counts['not_in_cmap']} not in its cmap, "
            f"{counts['without_glyph']} in its cmap without a glyph"
        )
    lies = sum(counts["without_glyph"] for counts in faces.values())
    drawing = sum(1 for counts in faces.values() if counts["drawn"])
    console.say(
        f"{artifact.counts.get('images', 0):,} pictures from {drawing} of {len(faces)} faces; "
        f"{lies:,} characters that cmaps name had no glyph"
    )
