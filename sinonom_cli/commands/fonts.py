"""The command `sinonom synth-fonts` draws labelled images from fonts; `sinonom fonts` says what fonts really draw."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinonom_cli import messages, options
from sinonom_cli.commands.batch_options import batch_command
from sinonom_cli.errors import UsageError

if TYPE_CHECKING:
    from sinonom_cli.fonts.charset import Charset
    from sinonom_cli.parallel.batch import BatchOptions

CharsetOption = Annotated[
    str | None,
    typer.Option(
        metavar="nomnaocr|FILE",
        help="Characters of NomNaOCR, or of a file: text, or a table whose first column holds the characters.",
        show_default="Han",
    ),
]
CharsOption = Annotated[
    str, typer.Option(metavar="STRING", help="Characters to add to those of --charset and --block.")
]
BlockOption = Annotated[
    list[str] | None,
    typer.Option("--block", metavar="BLOCK", help="Characters of a Unicode block, such as cjk-ext-b; repeatable."),
]


@batch_command
def synth_fonts(
    fonts: Annotated[
        list[str], typer.Argument(metavar="FONTS... OUT", help="Font files (ttf, otf, ttc, otc) or folders of them.")
    ],
    output: options.Output = None,
    charset: CharsetOption = None,
    chars: CharsOption = "",
    block: BlockOption = None,
    size: Annotated[int, typer.Option(min=16, max=1024, help="Side of the square pictures, in pixels.")] = 64,
    strokes: Annotated[
        str,
        typer.Option(
            metavar="X,X,...",
            help="Stroke weights, one picture each: shift of the ink's edge outwards, as a share of the side.",
        ),
    ] = "-0.008,0,0.012",
    degrade: Annotated[
        str,
        typer.Option(
            metavar="X,X,...",
            help="Strengths of bad printing, 0 to 1, each for every stroke weight; 0,0.6,0.6: one clean, two worn.",
        ),
    ] = "0",
    balance: Annotated[
        bool,
        typer.Option(
            "--balance", help="Draw more degraded pictures of rare characters, until all have the same number."
        ),
    ] = False,
    keep_duplicates: Annotated[
        bool,
        typer.Option("--keep-duplicates", help="Draw a glyph for every face, even if several faces draw it alike."),
    ] = False,
    seed: options.Seed = 0,
    *,
    batch: "BatchOptions",
    limit: int | None,
    json: bool,
    verbose: bool,
) -> None:
    """Draw labelled character images from fonts.

    Each character has several stroke weights and is clean or looks badly printed.

    Without --charset, --chars or --block, every Han character of a face is drawn. Blank glyphs, "missing" glyphs
    (.notdef) and glyphs that another face draws alike are left out. Private Use characters of Nôm texts are drawn as
    the Unicode characters that have replaced them; those without a replacement are left out.
    """
    stroke_weights = _numbers("--strokes", strokes, -0.1, 0.1)
    amounts = _numbers("--degrade", degrade, 0, 1)
    inputs, out = options.split_output(fonts, output, "font")
    from sinonom_cli.fonts.faces import SUFFIXES
    from sinonom_cli.fonts.run import make, say_what_was_drawn
    from sinonom_cli.fonts.variants import levels_of
    from sinonom_cli.parallel.batch import close
    from sinonom_cli.storage.inputs import find_inputs

    wanted = _charset(charset, chars, block, verbose)
    artifact = make(
        find_inputs(inputs, SUFFIXES, "fonts", limit, skip=(out,)),
        out,
        charset=wanted,
        side=size,
        levels=levels_of(stroke_weights, amounts),
        seed=seed,
        keep_duplicates=keep_duplicates,
        balance=balance,
        options={
            "size": size,
            "strokes": stroke_weights,
            "degrade": amounts,
            "balance": 0,
            "keep_duplicates": keep_duplicates,
            "seed": seed,
            "charset": wanted.identity if wanted else "han",
        },
        batch=batch,
    )
    say_what_was_drawn(artifact)
    close(artifact, as_json=json)


def fonts(
    fonts: Annotated[
        list[str], typer.Argument(metavar="FONTS...", help="Font files (ttf, otf, ttc, otc) or folders of them.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT.csv", help="Write the table here as well.")
    ] = None,
    charset: CharsetOption = None,
    chars: CharsOption = "",
    block: BlockOption = None,
    workers: options.Workers = None,
    limit: options.Limit = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """List which characters fonts really draw.

    Each face has a line: its names, typeface family (column `hand`) and licence; then numbers of characters: those that
    are drawn; those whose glyph is blank or drawn as missing (.notdef), although the cmap names them; those not in the
    cmap; those that another face draws alike. The output is a table on a terminal, tab-separated lines elsewhere, and
    one JSON object per line with --json.
    """
    from sinonom_cli.fonts.coverage_table import say_coverage
    from sinonom_cli.fonts.faces import SUFFIXES
    from sinonom_cli.storage.inputs import find_inputs

    wanted = _charset(charset, chars, block, verbose)
    say_coverage(find_inputs(fonts, SUFFIXES, "fonts", limit), wanted, output, workers, as_json=json)


def _numbers(option: str, text: str, low: float, high: float) -> list[float]:
    try:
        numbers = [float(part) + 0.0 for part in text.split(",")]  # no minus zero in file names
    except ValueError:
        raise UsageError(f"{option} {text} is not a list of numbers with commas", f"{option} 0,0.01") from None
    if not all(low <= number <= high for number in numbers):
        raise UsageError(f"{option} {text} has a number outside {low:g} to {high:g}")
    return numbers


def _charset(charset: str | None, chars: str, blocks: list[str] | None, verbose: bool) -> "Charset | None":
    """Return the characters that the options name, or None if they name none; report the Private Use characters."""
    from sinonom_cli.characters import label_of
    from sinonom_cli.fonts.charset import charset_asked

    wanted = charset_asked(charset, chars, blocks or [])
    if wanted and wanted.repaired:
        messages.say(
            f"{len(wanted.repaired)} Private Use characters are drawn as the Unicode characters that have replaced them"
        )
        messages.detail(" ".join(f"{label_of(char)}={label_of(now)}" for char, now in wanted.repaired.items()))
    if wanted and wanted.private:
        shown = " ".join(map(label_of, wanted.private if verbose else wanted.private[:5]))
        rest = "" if verbose or len(wanted.private) <= 5 else " ... (-v: all)"
        messages.say(
            f"{len(wanted.private)} Private Use characters have no Unicode code point and are not drawn: {shown}{rest}"
        )
    return wanted
