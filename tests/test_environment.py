"""Each option of each command has its own environment variable."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main

from sinonom_cli import cli, environment
from sinonom_cli.errors import ExitCode
from sinonom_cli.meshes.stl import write_stl

GROUP: Any = typer.main.get_command(cli.make_app())
OPTIONS = [
    (name, option.name)
    for name, command in GROUP.commands.items()
    for option in command.params
    if option.param_type_name == "option" and option.name != "help"
]
TEXTS = {"engine": "ray", "margin": "0.5", "recall_at": "1,2", "breaks": "3", "neighbours": "1", "cracks": "2"}
TEXTS |= {"stretch": "1.5", "swell": "0.01"}
"""Valid values of options that check their values by a callback."""


def variable(command: str, option: str) -> str:
    return f"SINONOM_{command}_{option}".upper().replace("-", "_")


def parameter(command: str, option: str) -> Any:
    return next(p for p in GROUP.commands[command].params if p.name == option)


def right_value(option: Any) -> str:
    """Return a valid value that is not the default."""
    if option.name in TEXTS:
        return TEXTS[option.name]
    if getattr(option.type, "choices", None):
        return str(getattr(option.type.choices[-1], "value", option.type.choices[-1]))
    kind = type(option.type).__name__.lower()
    if "bool" in kind:
        return "yes" if not option.default else "no"
    if "func" in kind:  # the option takes a number or a range of numbers
        return "0.07"
    if "int" in kind or "float" in kind:
        low = getattr(option.type, "min", None) or 0
        high = getattr(option.type, "max", None)
        return str(low + 2 if high is None or high >= low + 2 else high)
    return "văn bản"


def received(command: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the arguments that a command's function would get."""
    got: list[dict[str, Any]] = []
    monkeypatch.setattr(GROUP.commands[command], "callback", lambda **values: got.append(values))
    paths = [p for p in GROUP.commands[command].params if p.param_type_name == "argument" and p.nargs == -1]
    GROUP.main([command, *(["a", "b"] if paths else [])], standalone_mode=False)
    return got[0]


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_each_option_is_set_by_its_own_variable_alone(
    command: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = received(command, monkeypatch)[option]
    value = right_value(parameter(command, option))
    for other in {name for name, its in OPTIONS if its == option} - {command}:
        monkeypatch.setenv(variable(other, option), value)
    monkeypatch.setenv(f"SINONOM_{option}".upper(), value)
    if (command, option) not in environment.ALSO:
        assert received(command, monkeypatch)[option] == usual
    monkeypatch.setenv(variable(command, option), value)
    got = received(command, monkeypatch)[option]
    assert got != usual
    if not isinstance(got, bool):
        got = got[0] if isinstance(got, list | tuple) else getattr(got, "value", got)
        assert str(got) in (value, f"{value}.0")


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_no_variable_belongs_to_two_options_and_none_is_in_the_help(command: str, option: str) -> None:
    same = [pair for pair in OPTIONS if variable(*pair) == variable(command, option)]
    assert same == [(command, option)]
    assert not parameter(command, option).show_envvar


def test_help_names_no_variable(capsys: pytest.CaptureFixture[str]) -> None:
    for command in GROUP.commands:
        assert cli.run([command, "--help"]) == ExitCode.DONE
        assert "SINONOM_" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("render a b", "SINONOM_RENDER_SIZE", "big"),
        ("render a b", "SINONOM_RENDER_SIZE", "7"),
        ("render a b", "SINONOM_RENDER_MIRROR", "maybe"),
        ("render a b", "SINONOM_RENDER_TONE", "blue"),
        ("render a b", "SINONOM_RENDER_ENGINE", "steam"),
        ("version", "SINONOM_VERSION_JSON", "maybe"),
        ("train", "SINONOM_TRAIN_MARGIN", "-x"),
        ("train", "SINONOM_TRAIN_DISTILL", "nan"),
        ("train --loss proxy-anchor", "SINONOM_TRAIN_MINING", "batch-hard"),
        ("index a b.faiss --add", "SINONOM_INDEX_TYPE", "hnsw"),
    ],
)
def test_a_wrong_value_is_usage_and_names_its_variable(
    typed: str,
    name: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    assert cli.run(typed.split()) == ExitCode.USAGE
    said = capsys.readouterr()
    assert name in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("typed", "name", "option"),
    [
        ("query a.png", "SINONOM_QUERY_INDEX", "--index"),
        ("synth-fonts a.ttf out", "SINONOM_SYNTH_FONTS_CHARSET", "--charset"),
    ],
)
def test_a_file_that_is_not_there_names_the_variable_that_named_it(
    typed: str,
    name: str,
    option: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "không có.txt")
    assert cli.run(typed.split()) == ExitCode.BAD_INPUT
    assert name in capsys.readouterr().err
    monkeypatch.delenv(name)
    assert cli.run([*typed.split(), option, "không có.txt"]) == ExitCode.BAD_INPUT
    assert name not in capsys.readouterr().err


def test_a_wrong_value_that_was_typed_blames_no_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SINONOM_RENDER_TONE", "report")
    assert cli.run(["render", "a", "b", "--size", "big"]) == ExitCode.USAGE
    assert "SINONOM_" not in capsys.readouterr().err


def test_what_is_typed_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SINONOM_VERSION_JSON", "1")
    assert cli.run(["version"]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("{")
    monkeypatch.setenv("SINONOM_VERSION_JSON", "0")
    assert cli.run(["version"]) == ExitCode.DONE
    assert not capsys.readouterr().out.startswith("{")
    monkeypatch.setenv("SINONOM_VERSION_JSON", "maybe")
    assert cli.run(["version", "--json"]) == ExitCode.DONE


def plate(path: Path) -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0.1], [0, 1, 0]], np.float32)
    write_stl(path, corners.reshape(2, 3, 3))


def test_an_output_of_the_environment_takes_no_typed_output_for_an_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").mkdir()
    plate(Path("a/1.stl"))
    for name in ("SINONOM_OUTPUT", "SINONOM_RENDER_OUTPUT"):
        monkeypatch.setenv(name, "elsewhere")
    assert cli.run(["render", "a", "out", "--size", "32", "--workers", "0"]) == ExitCode.DONE
    assert Path("out/artifact.json").exists()
    assert not Path("elsewhere").exists()
    assert cli.run(["render", "a", "--size", "32", "--workers", "0"]) == ExitCode.DONE
    assert Path("elsewhere/artifact.json").exists()
    assert [path.name for path in Path("a").iterdir()] == ["1.stl"]


def test_removing_from_an_index_writes_to_no_output_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINONOM_INDEX_OUTPUT", "other.faiss")
    assert cli.run(["index", "db.faiss", "--remove", "x"]) == ExitCode.BAD_INPUT  # there is no such index


@pytest.mark.parametrize(
    ("name", "better"),
    [("SINONOM_SIZE", "SINONOM_RENDER_SIZE"), ("SINONOM_OUTPUT", "SINONOM_RENDER_OUTPUT"), ("SINONOM_RENDER_SZIE", "")],
)
def test_a_variable_that_is_not_read_is_told(
    name: str, better: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "32")
    cli.run(["render", "nothing", "out"])
    warnings = [line for line in capsys.readouterr().err.splitlines() if name in line.split()]
    assert len(warnings) == 1
    assert better in warnings[0]


@pytest.mark.parametrize(
    "name", ["SINONOM_DATA", "SINONOM_CACHE", "SINONOM_TRAIN_LOCALIZER_SIZE", "SINONOM_TRAIN_SIZE"]
)
def test_a_variable_of_something_else_is_passed_over(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "64")
    assert cli.run(["train"]) in (ExitCode.BAD_INPUT, ExitCode.MISSING_EXTRA)
    assert name not in capsys.readouterr().err


def test_a_list_is_separated_as_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINONOM_INDEX_REMOVE", os.pathsep.join(["a b.jpg", "c.jpg"]))
    assert list(received("index", monkeypatch)["remove"]) == ["a b.jpg", "c.jpg"]
