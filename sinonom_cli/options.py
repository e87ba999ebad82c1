"""Define the options that all commands share, and split the paths of a command line into inputs and output."""

from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli import environment
from sinonom_cli.console import settings
from sinonom_cli.errors import UsageError


def _engine(text: str) -> str:
    if text in ("processes", "ray") or (text.startswith("ray:") and len(text) > 4):
        return text
    raise UsageError(f"--engine {text} is neither processes nor ray nor ray:ADDRESS", "--engine ray:HOST:6379")


def _set_quiet(value: bool) -> bool:
    settings.quiet = value
    return value


def _set_verbose(value: bool) -> bool:
    settings.verbose = value
    return value


Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUT", help="Path of the output; without it, the last argument."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an output that sinonom made; other files are kept.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="The same seed gives the same bytes.")]
Device = Annotated[str, typer.Option("--device", metavar="auto|cpu|cuda[:N]|mps", help="Device for the computation.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        show_default="one for each core; none for a small job",
        help="Number of worker processes; 0: work in this process.",
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="processes|ray[:ADDRESS]",
        callback=_engine,
        help="ray: work in a Ray cluster, or start one.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, show_default="all", help="Take only the first N inputs.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first bad input.")]
MaxFailures = Annotated[
    int | None,
    typer.Option("--max-failures", min=0, show_default="no limit", help="Stop after more than N bad inputs."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", callback=_set_quiet, help="No progress or messages.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", callback=_set_verbose, help="More messages; tracebacks.")]


def split_output(paths: list[str], output: Path | None, inputs: str = "INPUT") -> tuple[list[str], Path]:
    """Split the typed paths into the inputs and the output, which is the last path or the value of `--output`.

    An output from the environment is used only if a single path was typed; that path is then the input.

    Raises
    ------
    SinonomError
        With exit code 2, if there is no input or no output.
    """
    if len(paths) > 1:
        output = typed(output)
    if output is None and paths:
        *paths, last = paths
        output = Path(last)
    if output is None or not paths:
        raise UsageError(f"give at least one {inputs} and the output", "sinonom COMMAND --help")
    return paths, output


def typed(output: Path | None) -> Path | None:
    """Return the value of `--output` from the command line; None if it was not typed there."""
    return None if environment.sets("output") else output
