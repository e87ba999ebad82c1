"""The `sinonom` command: registers the stages, turns errors into exit codes."""

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
    """A command whose every option can also be set by `SINONOM_<COMMAND>_<OPTION>`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        environment.name_variables(self)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, and the options by the panels that they name."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            lines = parameter.get_help_record(ctx)
            if lines is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                panels.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(lines)
        for panel in sorted(panels, key=lambda panel: (panel != "Arguments", panel == "Options")):
            with formatter.section(panel):
                formatter.write_dl(panels[panel])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line; an error in a value of the environment names its variable."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            environment.blame(error, ctx)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; keep from click, which would end the process its own way, what is ours to explain."""
        environment.begin(ctx)
        environment.warn_of_unread(self, ["version", *STAGES])
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _interrupted() from None
        except BrokenPipeError:
            # The reader of our stdout has gone (`sinonom query ... | head`): nothing is wrong.
            console.abandon(sys.stdout)
            return None
        except Exception as error:
            environment.blame(error, ctx)
            raise


class Group(TyperGroup):
    """Lists commands in the order of the pipeline, not of the alphabet."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


STAGES = {
    "render": "sinonom_cli.commands.render",
    "carve": "sinonom_cli.commands.carve",
    "synth-fonts": "sinonom_cli.commands.fonts",
    "fonts": "sinonom_cli.commands.fonts",
    "crop-nomnaocr": "sinonom_cli.commands.crop",
    "train-localizer": "sinonom_cli.commands.crop",
    "sets": "sinonom_cli.commands.sets",
    "train": "sinonom_cli.commands.train",
    "index": "sinonom_cli.commands.index",
    "query": "sinonom_cli.commands.query",
    "demo": "sinonom_cli.commands.demo",
}
"""Where each command is, in the order of the pipeline; the function bears its name."""


def make_app(names: Iterable[str] = STAGES) -> typer.Typer:
    """Return the command line with the commands named.

    Parameters
    ----------
    names : keys of `STAGES`. Importing and describing the others would cost a single query a tenth of its time.
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


def about() -> None:
    """From a picture of a Hán-Nôm character to the scanned woodblocks that show it."""


def version(
    json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
) -> None:
    """Print the version."""
    from sinonom_cli import __version__

    console.settings.json = json
    if json:
        console.data_json({"version": __version__})
    else:
        console.data(__version__)


def call(arguments: list[str], report: messages.Report | None = None) -> Any:
    """Run one command line and let its errors through, SinonomError or click's.

    Parameters
    ----------
    arguments : words after `sinonom`.
    report : callback for progress, in place of a bar on stderr.
    """
    app = make_app(arguments[:1] if arguments and arguments[0] in STAGES else STAGES)
    with console.attached(), messages.reporting(report):
        return app(arguments, standalone_mode=False, prog_name="sinonom")


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code; nothing but a bug gets past.

    Parameters
    ----------
    arguments : what was typed after `sinonom`; None: `sys.argv[1:]`.
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
    return SinonomError("interrupted", "the same command again: it goes on where it stopped", ExitCode.INTERRUPTED)


def _failed(error: SinonomError) -> int:
    _trace()
    console.error(error.message, error.hint)
    return int(error.code)


def _failed_on_disk(error: OSError) -> int:
    """Report what the system said of a file; an error that names none is a bug, unless a disk is full."""
    if error.errno in console.FULL:
        return _failed(console.full_disk(error))
    if error.filename is None:
        return _unexpected(error)
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    return _failed(SinonomError(f"cannot use {name}: {error.strerror}"))


def _unexpected(error: Exception) -> int:
    """Report an error that is not ours: a usage error of the command line, or a bug."""
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
        "the same command with -v, and send what it prints to the issue tracker",
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
        # In a locale of ASCII, without Python's UTF-8 mode, no name with a Nôm character in it could be opened.
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "sinonom_cli", *sys.argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        # Paths and characters are Unicode; Windows consoles and pipes may default to something less.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape" if os.name == "posix" else "replace")
    if hasattr(sys.stdin, "reconfigure"):
        # Lists of paths come in as the system has them; what is no text there stays what it is.
        sys.stdin.reconfigure(encoding=sys.getfilesystemencoding(), errors=sys.getfilesystemencodeerrors())
    console.hush_pillow()
    code = run()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        console.abandon(sys.stdout)
        if code == ExitCode.DONE and not console.is_broken_pipe(error):
            code = _failed(console.full_disk(error))
    sys.exit(code)
