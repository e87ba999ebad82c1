"""Make a page for each command of `sinonom`, from the command itself: its text, usage, arguments and options.

python docs/command_pages.py [OUT]        (OUT: a folder, else docs/commands)
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from sinonom_cli.cli import make_app
from sinonom_cli.environment import variable


def commands() -> dict[str, Any]:
    """Return all commands of `sinonom`, in the order of the pipeline, as click commands."""
    group: Any = typer.main.get_command(make_app())
    found: dict[str, Any] = dict(group.commands)
    return {**{name: found[name] for name in found if name != "version"}, "version": found["version"]}


def pages() -> dict[str, str]:
    """Return the text of each command's page in Markdown, by the name of the command."""
    return {name: "\n".join(_page(name, command)) + "\n" for name, command in commands().items()}


def write_pages(out: Path) -> None:
    """Write the pages into a folder; a page that would not change is left as it is."""
    out.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = out / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _page(name: str, command: Any) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"# sinonom {name}\n"
    # The formatter of click breaks the lines of a paragraph as it likes, except of those after \b.
    yield (command.help or "").replace("\b\n", "").strip()
    usage = re.sub("[{}]", "", " ".join(command.collect_usage_pieces(context)))
    yield f"\n```text\nsinonom {name} {usage}\n```"
    for panel, parameters in command.panels(context).items():
        yield f"\n## {panel}\n"
        for parameter in parameters:
            yield from _parameter(name, parameter, context)


def _parameter(command: str, parameter: Any, context: Any) -> Iterator[str]:
    names, help_ = parameter.get_help_record(context)
    yield f"`{re.sub('<(int|float) range>', 'N', re.sub('[{}]', '', names))}`"
    yield f": {_text(help_)}"
    if parameter.param_type_name == "option" and parameter.name != "help":
        yield f"  `{variable(command, parameter.name)}`"
    yield ""


def _text(help_: str) -> str:
    """Escape what Markdown would read as marks, outside of code."""
    parts = re.split(r"(`[^`]*`)", help_)
    return "".join(part if k % 2 else re.sub(r"([\\*_<>\[\]])", r"\\\1", part) for k, part in enumerate(parts))


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "commands")
