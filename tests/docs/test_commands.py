"""Every command in the documentation exists with its options and values, and the reference describes every one."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tinydocs import DOCS, command_lines, name_of, pages

import sinonom_cli
from sinonom_cli.cli import STAGES

sys.path.insert(0, str(DOCS))
import command_pages

COMMANDS = command_pages.commands()


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_page_names_only_commands_options_and_values_that_exist(page: Path) -> None:
    for name, *words in command_lines(page):
        assert name in COMMANDS, f"there is no command {name}"
        given = [word for word in words if word != "--help"]
        if len(given) == 1 and given[0].startswith("--"):  # the text names an option, without its value
            assert given[0] in {typed for option in COMMANDS[name].params for typed in option.opts}
            continue
        context: Any = COMMANDS[name].make_context(name, given, resilient_parsing=not given)
        context.close()


def test_a_command_that_does_not_exist_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Type `sinonom cut a b --mirorr` or\n\n    sinonom cut a b --mirror sideways  # no\n", encoding="utf-8"
    )
    assert command_lines(page) == [["cut", "a", "b", "--mirror", "sideways"], ["cut", "a", "b", "--mirorr"]]
    for name, *words in command_lines(page):
        with pytest.raises(Exception, match=r"mirorr|sideways"):
            COMMANDS[name].make_context(name, words)


def test_the_reference_has_every_command_and_each_of_its_options() -> None:
    made = command_pages.pages()
    assert set(made) == {*STAGES, "version"}
    for name, command in COMMANDS.items():
        for option in command.params:
            if option.param_type_name == "option":
                assert all(f" {typed}" in made[name].replace("`", " ") for typed in option.opts), (name, option.opts)
                assert option.help in made[name].replace("\\", ""), (name, option.opts)


def test_the_page_of_all_commands_lists_each_of_them() -> None:
    listed = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert [line[9:] for line in listed.splitlines() if line.startswith("commands/")] == list(command_pages.pages())


def test_the_reference_of_python_has_every_public_name() -> None:
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    shown = {line.rpartition(".")[2] for line in text.splitlines() if line.startswith(".. auto")}
    assert shown >= set(sinonom_cli.__all__)
