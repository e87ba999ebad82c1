"""Define the `sinonom` command, which registers the stages and turns errors into exit codes."""

import gc
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from sinonom_cli import console, environment, messages
from sinonom_cli.errors import ExitCode, SinonomError


class Command(TyperCommand):
    """Command whose options can also be set by environment variables, `SINONOM_<COMMAND>_<OPTION>`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        environment.name_variables(self)

    def panels(self, ctx: Any) -> dict[str, list[Any]]:
        """Return the arguments and options that help shows, by their panels, in the order of the panels."""
        found: dict[str, list[Any]] = {}
        for parameter in self.get_params(ctx):
            if parameter.get_help_record(ctx) is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                found.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(parameter)
        return {name: found[name] for name in sorted(found, key=lambda name: (name != "Arguments", name == "Options"))}

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the help of the arguments and of the options, grouped by their panels."""
        for panel, parameters in self.panels(ctx).items():
            with formatter.section(panel):
                formatter.write_dl([parameter.get_help_record(ctx) for parameter in parameters])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line; an error in a value from the environment names its variable."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            environment.blame(error, ctx)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; handle interrupts and broken pipes, at which click would end the process by itself."""
        environment.begin(ctx)
        environment.warn_of_unread(self, ["version", *STAGES])
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _interrupted() from None
        except BrokenPipeError:
            # The program that reads stdout has ended (`sinonom query ... | head`), which is not an error.
            console.abandon(sys.stdout)
            return None
        except Exception as error:
            environment.blame(error, ctx)
            raise


class Group(TyperGroup):
    """Group that lists its commands in the order of the pipeline."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


STAGES = {
    "render": "sinonom_cli.commands.render",
    "cut": "sinonom_cli.commands.cut",
    "read": "sinonom_cli.commands.read",
    "carve": "sinonom_cli.commands.carve",
    "synth-fonts": "sinonom_cli.commands.fonts",
    "fonts": "sinonom_cli.commands.fonts",
    "crop-nomnaocr": "sinonom_cli.commands.crop",
    "train-localizer": "sinonom_cli.commands.crop",
    "train-detector": "sinonom_cli.commands.detector",
    "sets": "sinonom_cli.commands.sets",
    "train": "sinonom_cli.commands.train",
    "index": "sinonom_cli.commands.index",
    "query": "sinonom_cli.commands.query",
    "serve": "sinonom_cli.commands.serve",
    "demo": "sinonom_cli.commands.demo",
}
"""Module of each command, in the order of the pipeline; the function has the name of the command."""


def make_app(names: Iterable[str] = STAGES) -> typer.Typer:
    """Return the command-line app with the given commands.

    Parameters
    ----------
    names : keys of `STAGES`. To import and describe all commands takes a tenth of the time of a single query.
    """
    app = typer.Typer(
        cls=Group,
        name="sinonom",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(about)
    app.command(cls=Command)(version)
    for name in names:
        stage = getattr(import_module(STAGES[name]), name.replace("-", "_"))
        app.command(name=name, cls=Command)(stage)
    return app


COLLECTED_AT = 10_000
"""Number of new objects after which Python looks for reference cycles in a command; its default is 700. The imports of
a query make 50,000 objects that all stay, and looking through them again and again took a tenth of its time."""


def about() -> None:
    """Find the scanned woodblocks that show a Hán-Nôm character, from a picture of it."""


def version(
    json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
) -> None:
    """Print the version."""
    from sinonom_cli import __version__

    if json:
        console.data_json({"version": __version__})
    else:
        console.data(__version__)


def call(arguments: list[str], report: messages.Report | None = None) -> Any:
    """Run one command line and return its result; errors are raised as SinonomError or as click's exceptions.

    Parameters
    ----------
    arguments : words after `sinonom`.
    report : callback for progress, which replaces the bar on stderr.
    """
    app = make_app(arguments[:1] if arguments and arguments[0] in STAGES else STAGES)
    with console.attached(), messages.reporting(report):
        return app(arguments, standalone_mode=False, prog_name="sinonom")


def run(arguments: list[str] | None = None) -> int:
    """Run one command line, print its error if there is one, and return its exit code.

    Parameters
    ----------
    arguments : words after `sinonom`; None: `sys.argv[1:]`.
    """
    console.reset()
    try:
        result = call(sys.argv[1:] if arguments is None else arguments)
        return int(result) if isinstance(result, int) else int(ExitCode.DONE)
    except SinonomError as error:
        return _failed(error)
    except KeyboardInterrupt:
        return _failed(_interrupted())
    except OSError as error:
        return _failed_on_disk(error)
    except Exception as error:
        return _unexpected(error)


def _interrupted() -> SinonomError:
    return SinonomError("interrupted", "run the same command again: it goes on where it stopped", ExitCode.INTERRUPTED)


def _failed(error: SinonomError) -> int:
    _trace()
    console.error(error.message, error.hint)
    return int(error.code)


def _failed_on_disk(error: OSError) -> int:
    """Report an error of the file system; one that names no file is a bug, unless a disk is full."""
    if error.errno in console.FULL:
        return _failed(console.full_disk(error))
    if error.filename is None:
        return _unexpected(error)
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    return _failed(SinonomError(f"cannot use {name}: {error.strerror}"))


def _unexpected(error: Exception) -> int:
    """Report an error of another class: a usage error from click, or a bug."""
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # click's own errors
        if type(error).__name__ == "NoArgsIsHelpError":
            console.tell(error.format_message())
            return int(ExitCode.USAGE)
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "sinonom"
        console.error(error.format_message(), f"{command} --help")
        return int(ExitCode.USAGE)
    _trace()
    console.error(
        f"this is a bug in sinonom: {type(error).__name__}: {error}",
        "run the same command with -v, and send what it prints to the issue tracker",
    )
    return int(ExitCode.BUG)


def _trace() -> None:
    if console.settings.verbose:
        import traceback

        traceback.print_exc()


def main() -> None:
    """Entry point of the console script."""
    utf_8 = os.name != "posix" or sys.getfilesystemencoding() == "utf-8"
    if not utf_8 and sys.executable and os.environ.get("PYTHONUTF8") != "1":
        # In an ASCII locale without Python's UTF-8 mode, no file with a Nôm character in its name could be opened.
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "sinonom_cli", *sys.argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        # Paths and characters are Unicode, which the default encoding of Windows consoles and pipes may not cover.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape" if os.name == "posix" else "replace")
    if hasattr(sys.stdin, "reconfigure"):
        # Lists of paths have the encoding of the file system; bytes that cannot be decoded are kept.
        sys.stdin.reconfigure(encoding=sys.getfilesystemencoding(), errors=sys.getfilesystemencodeerrors())
    # A second thread of numpy's OpenBLAS waits by spinning: it shortens no query, and doubles its processor time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    console.hush_pillow()
    gc.set_threshold(COLLECTED_AT)
    code = run()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        console.abandon(sys.stdout)
        if code == ExitCode.DONE and not console.is_broken_pipe(error):
            code = _failed(console.full_disk(error))
    # Python looks for reference cycles several times while it ends; the process frees all memory anyway. Exit handlers
    # and destructors still run. Without this, a single query takes a sixth longer.
    gc.freeze()
    sys.exit(code)
