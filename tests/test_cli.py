"""The command line keeps its promises: exit codes, only data on stdout, environment variables."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from sinonom_cli import __version__, cli
from sinonom_cli.errors import ExitCode, SinonomError, need

COMMANDS = [
    "render",
    "carve",
    "synth-fonts",
    "fonts",
    "crop-nomnaocr",
    "train-localizer",
    "train-detector",
    "sets",
    "train",
    "index",
    "query",
    "demo",
]


@pytest.mark.parametrize("command", list(cli.STAGES))
def test_help_names_each_option_once_and_no_variable(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([command, "--help"]) == 0
    shown = capsys.readouterr().out
    app = typer.main.get_command(cli.make_app([command])).commands[command]
    for parameter in app.params:
        if parameter.param_type_name == "option":
            name = max(parameter.opts, key=len)
            assert len(re.findall(rf"^  (?:-\w, )?{name}(?=[ \n])", shown, re.MULTILINE)) == 1, name
    assert "SINONOM_" not in shown


def test_the_many_options_of_train_stand_in_panels(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["train", "--help"]) == 0
    panels = re.split(r"^(\w+):$", capsys.readouterr().out, flags=re.MULTILINE)[1:]
    texts = dict(zip(panels[::2], panels[1::2], strict=True))
    assert list(texts)[-1] == "Options" and len(texts) == 8
    for panel, option in (("Data", "--val"), ("Model", "--backbone"), ("Loss", "--margin"), ("Teacher", "--distill")):
        assert f"  {option} " in texts[panel]
    assert all(text.count("\n  -") <= 10 for text in texts.values())


def test_version_is_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["version"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"{__version__}\n"
    assert cli.run(["version", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {"version": __version__}


def test_every_command_is_there_and_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == ExitCode.DONE
    text = capsys.readouterr().out
    assert "..." not in text.partition("Commands:")[2], "a summary is too long for its line"
    for command in COMMANDS:
        assert f"  {command} " in text
        assert cli.run([command, "--help"]) == ExitCode.DONE
        assert "Usage: sinonom " + command in capsys.readouterr().out


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "demo"])
def test_the_options_that_mean_the_same_are_everywhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.run([command, "--help"])
    text = capsys.readouterr().out
    for option in ("--json", "-q, --quiet", "-v, --verbose"):
        assert option in text
    if command not in ("fonts", "sets", "query"):  # these write no artifact
        assert "--overwrite" in text


@pytest.mark.parametrize(
    "typed",
    ["", "sing", "render --no-such-option", "render only-one-path", "carve a b --seed x", "carve a b --seed -1"],
)
def test_a_command_typed_wrongly_is_usage(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(typed.split()) == ExitCode.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err


@pytest.mark.parametrize("command", ["render", "carve", "synth-fonts", "crop-nomnaocr"])
def test_an_input_that_is_not_there_is_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([command, str(tmp_path / "không có"), str(tmp_path / "out")]) == ExitCode.BAD_INPUT
    said = capsys.readouterr()
    assert said.out == ""
    assert "không có" in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_says_its_pip_line() -> None:
    with pytest.raises(SinonomError) as caught:
        need("no_such_package.part", "train")
    assert caught.value.code == ExitCode.MISSING_EXTRA
    assert caught.value.hint == 'pip install "sinonom[train]"'


@pytest.mark.parametrize(
    "error", ["ImportError('libGL.so.1: not there')", "OSError('libcudart.so: not there')", "ModuleNotFoundError('x')"]
)
def test_a_package_that_cannot_be_loaded_is_a_missing_extra(
    error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"import sys\nsys.path.insert(0, 'typing of its own')\nraise {error}\n"
    (tmp_path / "broken_package.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    search_path = list(sys.path)
    with pytest.raises(SinonomError) as caught:
        need("broken_package", "train")
    assert caught.value.code == ExitCode.MISSING_EXTRA
    assert "broken_package" in caught.value.message
    assert sys.path == search_path


def test_a_bug_is_told_from_bad_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by design")

    monkeypatch.setattr(cli, "call", broken)
    assert cli.run(["version"]) == ExitCode.BUG
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(13, "Permission denied", "khắc.stl"), ExitCode.BAD_INPUT),
        (OSError(36, "File name too long", b"kh\xff.stl"), ExitCode.BAD_INPUT),
        (OSError(28, "No space left on device", "khắc.png"), ExitCode.OUTPUT_IN_THE_WAY),
        (OSError(28, "No space left on device"), ExitCode.OUTPUT_IN_THE_WAY),
        (OSError("no file at all"), ExitCode.BUG),
    ],
)
def test_what_the_system_says_of_a_file_is_no_bug(
    error: OSError, code: ExitCode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli, "call", broken)
    assert cli.run(["version"]) == code
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "Traceback" not in said


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sinonom_cli", "render", "-", str(tmp_path / "out")]
    # A program that a shell starts in the background ignores interrupts, and so do its children. The signal is reset by
    # a program between, as a preexec_fn is not safe beside the threads of other tests.
    reset = f"import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv({command[0]!r}, {command!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", reset], stdin=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdin and process.stderr
    # A pipe holds 64 KiB, so this is written when the command has begun to read the list, and it waits for the rest.
    process.stdin.write("a.stl\n" * 40_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == ExitCode.INTERRUPTED
    said = process.stderr.read()
    assert "error: interrupted" in said
    assert "Traceback" not in said


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "sinonom_cli", "version"]
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert ran.returncode == ExitCode.DONE
    assert ran.stderr == b""


def test_python_m_is_the_same_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "sinonom_cli", "version"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert ran.stdout.decode().strip() == __version__


@pytest.mark.skipif(sys.platform != "linux", reason="counts the threads in Linux' /proc")
def test_a_command_starts_no_threads_that_wait_by_spinning() -> None:
    multiply = (
        "import os, sys; from sinonom_cli import cli\n"
        "def run():\n"
        "    import numpy as np; np.ones((500, 500)) @ np.ones((500, 500))\n"
        "    print(len(os.listdir('/proc/self/task'))); return 0\n"
        "cli.run = run; cli.main()"
    )
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    ran = subprocess.run([sys.executable, "-c", multiply], capture_output=True, check=True, env=environment)
    assert int(ran.stdout) == 1


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["version"], ["version", "--json"], ["--help"], ["render", "--help"]])
def test_a_full_disk_under_stdout_is_one_line(arguments: list[str]) -> None:
    with FULL.open("w", encoding="utf-8") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "sinonom_cli", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert ran.returncode == ExitCode.OUTPUT_IN_THE_WAY
    assert ran.stderr.startswith("error: ")
    assert "Errno" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_messages_that_cannot_be_written_change_no_exit_code() -> None:
    with FULL.open("w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "sinonom_cli"]
        assert subprocess.run([*command, "render", "--no-such"], stderr=full, check=False).returncode == ExitCode.USAGE
        ran = subprocess.run([*command, "version"], stdout=subprocess.PIPE, stderr=full, check=False)
    assert ran.returncode == ExitCode.DONE
    assert ran.stdout.decode().strip() == __version__
