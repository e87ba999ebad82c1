"""Run commands from Python: options are arguments, and errors take the place of exit codes."""

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from sinonom_cli import console
from sinonom_cli.errors import UsageError
from sinonom_cli.messages import Report


def command(name: str, *inputs: object, progress: Report | None = None, **options: object) -> str:
    """Run a command as it is typed: `command("index", "depth", "db.faiss", type="flat")`.

    Only one command can run at a time, because its output is taken from the stdout of this process.

    Parameters
    ----------
    name : name of the command, such as "carve", "synth-fonts" or "index".
    inputs : files, folders or globs; the output comes last, or is given as the option `output`.
    progress : called as `progress(done, total, what)` whenever items are finished, such as (3, 100, "meshes"); `total`
        is None where it is unknown. None: progress is shown on stderr.
    options : options of the command, with underscores for hyphens. True sets an option that has no value; False and
        None leave the option out; a list or a tuple repeats it. `quiet=True` turns off the messages on stderr.

    Returns
    -------
    What the command prints on stdout: the path of its output; for `query`, the answers.

    Raises
    ------
    SinonomError
        The subclass that belongs to the exit code.

    Examples
    --------
    >>> command("version").strip() == __import__("sinonom_cli").__version__
    True
    """
    from sinonom_cli.cli import STAGES, call

    if name not in (*STAGES, "version"):
        raise UsageError(f"there is no command {name}", ", ".join(STAGES))
    line = [name, *_options(options), "--", *map(str, inputs)] if inputs else [name, *_options(options)]
    console.reset()
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            call(line, progress)
    except Exception as error:
        if hasattr(error, "format_message"):  # an error of click: the command line is wrong
            raise UsageError(error.format_message(), f"sinonom {name} --help") from None
        raise
    finally:
        console.reset()
    return printed.getvalue()


def train(
    data: object = None, output: str | Path = "model", *, progress: Report | None = None, **options: object
) -> Path:
    """Train a model, as `sinonom train` does.

    Parameters
    ----------
    data : an image set or a list of image sets, each with an optional `:WEIGHT`; None: every image set below ./data.
    output : folder of the model. If a training was killed, the same call continues it.
    progress : callback for progress, see `command`.
    options : options of `sinonom train`, such as `loss="triplet"`, `steps=1000`, `recall_at="1,5"`; see `command`.

    Returns
    -------
    The folder of the model.

    Raises
    ------
    SinonomError
        The subclass that belongs to the exit code; `SomeFailed` if the model is complete but some pictures could not
        be read.
    """
    command("train", data=data, output=output, progress=progress, **options)
    return Path(output)


def _options(options: dict[str, object]) -> Iterator[str]:
    for name, value in options.items():
        typed = f"--{name.replace('_', '-')}"
        values: Any = value if isinstance(value, list | tuple) else [value]
        for one in values:
            if one is True:
                yield typed
            elif one is not None and one is not False:
                yield f"{typed}={one}"
