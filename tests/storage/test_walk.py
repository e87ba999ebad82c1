"""Test folders with unreadable entries: everything readable is processed, and the rest is reported by name or in one
line."""

import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from tinycommands import COMMANDS, meshes, pictures, sinonom
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.inputs import find_inputs
from sinonom_cli.storage.own_tables import escaped, read_table, rows_of, unescaped
from sinonom_cli.storage.walk import said, walk

POSIX = pytest.mark.skipif(os.name != "posix", reason="names and files that only POSIX systems have")
ODD = os.fsdecode(b"kh\xffc") if os.name == "posix" else "kh\udcffc"


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, read as any other program would."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def failed(out: Path) -> set[str]:
    path = out / "failures.csv"
    return {row["file"] for row in rows(path)} if path.exists() else set()


def spoil(folder: Path, good: Path) -> set[str]:
    """Put entries that cannot be read beside a good input; return the keys under which they are reported."""
    suffix = good.suffix
    (folder / f"dead{suffix}").symlink_to("/nowhere/y")
    (folder / "deadfolder").symlink_to("/nowhere")
    (folder / "again").symlink_to(".", target_is_directory=True)
    (folder / "sub" / "up").mkdir(parents=True)
    (folder / "sub" / "up" / "top").symlink_to(folder, target_is_directory=True)
    shutil.copyfile(good, folder / "sub" / f"inner{suffix}")
    (folder / f"circle{suffix}").symlink_to(f"circle{suffix}")
    os.mkfifo(folder / f"pipe{suffix}")
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(folder)  # the address of a socket must be short
        bound.bind(f"socket{suffix}")
        os.chdir(here)
    found = {f"{name}{suffix}" for name in ("dead", "circle", "pipe", "socket")}
    return found | {"deadfolder", "again/", "sub/up/top/"}


@POSIX
@pytest.mark.parametrize("command", ["render", "carve", "synth-fonts"])
def test_what_cannot_be_read_fails_by_name_and_the_rest_is_done(command: str, tmp_path: Path) -> None:
    arguments, good = COMMANDS[command](tmp_path / "in")
    bad = spoil(tmp_path / "in", good)
    assert sinonom(*arguments, tmp_path / "out", "-q") == ExitCode.SOME_FAILED
    assert {key.partition("#")[0] for key in failed(tmp_path / "out")} == bad
    made = {row["source"].partition("#")[0] for row in rows(tmp_path / "out" / "metadata.csv")}
    assert made == {good.name.replace("1", str(number)) for number in range(4 if command != "synth-fonts" else 2)} | (
        {f"sub/inner{good.suffix}"} if command != "synth-fonts" else set()  # it draws the same as another file
    )
    assert sinonom(*arguments, tmp_path / "out", "-q") == ExitCode.SOME_FAILED


@POSIX
def test_pictures_that_cannot_be_read_stop_neither_index_nor_query_nor_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    paths = tiny_pictures(tmp_path / "set", [f"{number}.png" for number in range(4)])
    bad = spoil(tmp_path / "set", paths[0])
    assert sinonom("index", "set", "db.faiss", "-q") == ExitCode.SOME_FAILED
    assert {row["file"] for row in rows(Path("db.faiss.failures.csv"))} == {f"set/{name}" for name in bad}
    assert len(list(rows_of(Path("db.faiss.rows.csv")))) == 5
    capsys.readouterr()
    assert sinonom("query", "set", "--index", "db.faiss", "--json", "-q") == ExitCode.SOME_FAILED
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert sinonom("sets", "set", "--all-sizes", "-q") == ExitCode.SOME_FAILED
    assert sinonom("query", "set/pipe.png", "--index", "db.faiss", "-q") == ExitCode.BAD_INPUT


def bounded(*typed: object) -> int:
    """Run a command as a user without access to locked files; for root, drop the capabilities that give access."""
    command = [sys.executable, "-m", "sinonom_cli", *map(str, typed)]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False, env=environment).returncode


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or (os.geteuid() == 0 and not shutil.which("setpriv")), reason="root may read everything"
)
def test_a_locked_folder_and_a_locked_file_fail_and_the_rest_is_done(tmp_path: Path) -> None:
    arguments, good = meshes(tmp_path / "in")
    (tmp_path / "in" / "locked" / "lost+found").mkdir(parents=True)
    (tmp_path / "in" / "locked" / "lost+found").chmod(0)
    good.chmod(0)
    try:
        assert bounded(*arguments, tmp_path / "out", "-q") == ExitCode.SOME_FAILED
        assert failed(tmp_path / "out") == {"locked/lost+found/", good.name}
        assert bounded("render", tmp_path / "in" / "locked", tmp_path / "two", "-q") == ExitCode.BAD_INPUT
    finally:
        (tmp_path / "in" / "locked" / "lost+found").chmod(0o700)
        good.chmod(0o600)


def test_links_to_folders_elsewhere_are_followed(tmp_path: Path) -> None:
    meshes(tmp_path / "elsewhere" / "deep")
    (tmp_path / "in").mkdir()
    for name in ("one", "two"):
        (tmp_path / "in" / name).symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found = walk(str(tmp_path / "in"), {".stl"}).entries
    assert [entry.key for entry in found] == [f"{name}/deep/{k}.stl" for name in ("one", "two") for k in range(4)]


def test_a_missing_path_on_stdin_fails_alone_and_one_that_was_typed_stops_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meshes(tmp_path / "in")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{tmp_path}/in/0.stl\n{tmp_path}/in/missing.stl\n"))
    assert sinonom("render", "-", tmp_path / "out", "--size", 32, "-q") == ExitCode.SOME_FAILED
    assert failed(tmp_path / "out") == {"missing.stl"}
    assert sinonom("render", tmp_path / "in" / "0.stl", tmp_path / "nope.stl", tmp_path / "two", "-q") == 4
    assert not (tmp_path / "two").exists()


def test_a_name_that_no_disk_takes_is_bad_input(tmp_path: Path) -> None:
    long = "x" * 5000
    for arguments in (
        ("render", tmp_path / long, tmp_path / "out"),
        ("carve", tmp_path / long, tmp_path / "out"),
        ("query", tmp_path / long),
        ("sets", tmp_path / long),
    ):
        assert sinonom(*arguments, "-q") == ExitCode.BAD_INPUT, arguments
    meshes(tmp_path / "in")
    for out in (tmp_path / long, tmp_path / ("y" * 300) / "out"):
        assert sinonom("render", tmp_path / "in", out, "-q") == ExitCode.OUTPUT_IN_THE_WAY


# The next tests are about files that are passed over.


def test_what_is_passed_over_is_one_line_with_the_count_and_the_endings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, _ = meshes(tmp_path / "in")
    for name in (*(f"{k}.heic" for k in range(9)), "a.pdf", "sub/B.PDF", "c.pdf", "noending"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).touch()
    for name in (".hidden.pdf", "notes.txt", "All.csv", "page.xml", "README", "Thumbs.db", ".DS_Store", ".git/x.pdf"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).touch()
    assert sinonom(*arguments, tmp_path / "out") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if ".heic 9" in line]
    assert len(told) == 1 and told[0].startswith("13 ") and ".pdf 3" in told[0]
    record = json.loads((tmp_path / "out" / "artifact.json").read_text(encoding="utf-8"))
    assert record["passed_over"] == {"": 1, ".heic": 9, ".pdf": 3}
    assert sinonom("render", tmp_path / "in" / "sub", tmp_path / "two") == ExitCode.BAD_INPUT
    assert ".pdf 1" in capsys.readouterr().err


def test_pictures_that_cut_drew_beside_its_meshes_are_no_forgotten_inputs_and_those_of_users_are(
    tmp_path: Path,
) -> None:
    names = ("artifact.json", "meshes/b/001.stl", "blocks/b.png", "blocks/b.json", "photos/b.png", "blocks/mine.stl")
    for folder in ("cut", "mine"):
        for name in names if folder == "cut" else names[1:]:
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).touch()
    cut, mine = (walk(str(tmp_path / folder), {".stl"}) for folder in ("cut", "mine"))
    assert cut.passed_over == {".png": 1} and mine.passed_over == {".png": 2}
    assert [entry.key for entry in cut.entries] == ["blocks/mine.stl", "meshes/b/001.stl"]


@pytest.mark.parametrize("command", ["cut", "render"])
def test_a_folder_of_height_maps_alone_is_answered_with_the_option_that_reads_them(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "maps").mkdir()
    Image.new("I;16", (8, 8)).save(tmp_path / "maps" / "block.png")
    assert sinonom(command, tmp_path / "maps", tmp_path / "out") == ExitCode.BAD_INPUT
    assert "--pixel" in capsys.readouterr().err
    (tmp_path / "maps" / "block.png").rename(tmp_path / "maps" / "block.pdf")
    assert sinonom(command, tmp_path / "maps", tmp_path / "out") == ExitCode.BAD_INPUT
    assert "--pixel" not in capsys.readouterr().err


def test_every_command_that_looks_into_folders_says_what_it_passes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    for name, make in COMMANDS.items():
        make(tmp_path / name)
        (tmp_path / name / "page.avif").touch()
    tiny_pictures(tmp_path / "set", [f"{number}.png" for number in range(4)])
    (tmp_path / "set" / "page.avif").touch()
    for command in (
        ("render", "render", "o1"),
        ("carve", "carve", "o2", "--resolution", 16),
        ("synth-fonts", "synth-fonts", "o3", "--chars", "字"),
        ("fonts", "synth-fonts"),
        ("sets", "set"),
        ("index", "set", "db.faiss"),
        ("query", "set", "--index", "db.faiss"),
    ):
        assert sinonom(*command) == 0
        assert capsys.readouterr().err.count(".avif 1") == 1, command
    for record in ("o1/artifact.json", "o2/artifact.json", "o3/artifact.json", "db.faiss.json"):
        assert json.loads(Path(record).read_text(encoding="utf-8"))["passed_over"][".avif"] == 1


def test_many_endings_are_counted_together() -> None:
    assert said(Counter()) == ""
    text = said(Counter({f".{letter}": number for number, letter in enumerate("abcdefgh", 1)}))
    assert text.startswith("36 ") and ".h 8" in text and text.endswith("3") and ".a 1" not in text


# The next tests are about names.


NAMES = (
    "a\nb",
    'q"uo,te',
    "-dash",
    "#hash",
    "tab\there",
    "CON",
    "end ",
    "a.b.",
    "cr\rlf",
    "\\u0041",
    "\\udcff",
    "UP",
    "up",
)


@POSIX
@pytest.mark.parametrize("command", ["render", "carve"])
def test_odd_names_become_names_that_every_disk_takes_and_are_told_as_they_are(command: str, tmp_path: Path) -> None:
    arguments, good = COMMANDS[command](tmp_path / "in")
    folder = tmp_path / "in" / "odd"
    folder.mkdir()
    wanted = {f"odd/{name}{good.suffix}" for name in (*NAMES, ODD)}
    for key in wanted:
        shutil.copyfile(good, tmp_path / "in" / key)
    out = tmp_path / "out"
    assert sinonom(*arguments, out, "-q") == 0
    made = rows(out / "metadata.csv")
    assert {unescaped(row["source"]) for row in made} == wanted | {f"{k}{good.suffix}" for k in range(4)}
    names = [row["file_name"] for row in made]
    assert len({name.casefold() for name in names}) == len(names)
    assert all((out / name).is_file() and name.isprintable() for name in names)
    assert {row["item"] for row in read_table(out / "items.csv")[1]} >= wanted
    assert sinonom(*arguments, out, "-q") == 0
    shutil.copyfile(good, folder / f"bad{ODD}{good.suffix}")
    (folder / f"bad{ODD}{good.suffix}").write_bytes(b"bad")
    assert sinonom(*arguments, out, "-q") == ExitCode.SOME_FAILED
    assert {row["file"] for row in rows_of(out / "failures.csv")} == {f"odd/bad{ODD}{good.suffix}"}
    for path in out.glob("*.csv"):
        path.read_bytes().decode("utf-8")


@POSIX
def test_names_that_are_no_utf8_pass_through_index_and_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / ODD, [f"{ODD}.png", "a\nb.png", "\\udcff.png", "x,y.png"])
    assert sinonom("index", ODD, "db.faiss", "-q") == 0
    assert sinonom("index", ODD, "db.faiss", "-q") == 0
    Path("db.faiss.rows.csv").read_bytes().decode("utf-8")
    json.loads(Path("db.faiss.json").read_bytes().decode("utf-8"))
    command = [sys.executable, "-m", "sinonom_cli", "query", ODD, "--index", "db.faiss", "-q", "--workers", "0"]
    ran = subprocess.run([*command, "--json"], capture_output=True, check=True)
    answers = [json.loads(line) for line in ran.stdout.decode("utf-8").splitlines()]
    asked = [answer["query"] for answer in answers]
    assert asked == [f"{ODD}/{answer['results'][0]['item']}" for answer in answers]
    assert f"{ODD}/{ODD}.png" in asked
    assert subprocess.run(command, capture_output=True, check=True).stdout.count(b"kh\xffc") >= 1
    assert sinonom("index", "db.faiss", "--remove", f"{ODD}.png", "-q") == 0


@pytest.mark.parametrize(
    "text", ["a", "\\u0041", "\\udcff", "\\u005cudcff", "\\\\udcff", "kh\udcffc", "\ud83d", "\\u005c"]
)
def test_what_is_escaped_comes_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    escaped(text).encode()


def test_inputs_of_one_name_never_lead_out_of_an_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meshes(tmp_path / "a" / "b", 1)
    meshes(tmp_path / "a" / "c", 1)
    monkeypatch.chdir(tmp_path / "a" / "b")
    keys = [item.key for item in find_inputs([".", "../c", ".."], {".stl"}, "meshes")]
    assert not any(".." in key for key in keys) and len(set(keys)) == len(keys)


def test_a_sheet_in_the_folder_that_it_shows_is_no_input_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", [f"{number}.png" for number in range(42)])
    tiny_pictures(tmp_path / "set", ["sheet-a.png", "sheet2.png"], seed=1)
    assert sinonom("index", "set", "db.faiss", "-q") == 0
    for _ in range(2):
        capsys.readouterr()
        assert sinonom("query", "set", "--index", "db.faiss", "--sheet", "set/sheet.png", "--json", "-q") == 0
        assert len(capsys.readouterr().out.splitlines()) == 44
    for _ in range(2):
        capsys.readouterr()
        assert sinonom("sets", "set", "--sheet", "set/sheet.png", "--json", "-q") == 0
        assert json.loads(capsys.readouterr().out)["images"] == 44
    assert Path("set/sheet-2.png").exists()


def test_nothing_to_take_is_bad_input(tmp_path: Path) -> None:
    pictures(tmp_path / "in")
    with pytest.raises(SinonomError) as caught:
        find_inputs([str(tmp_path / "in")], {".stl"}, "meshes")
    assert caught.value.code == ExitCode.BAD_INPUT


@pytest.mark.parametrize(
    "command",
    [
        ("index", "{long}", "db.faiss"),
        ("query", "in", "--index", "{long}"),
        ("query", "in", "--truth", "{long}"),
        ("crop-nomnaocr", "{long}", "out"),
        ("crop-nomnaocr", "in", "out", "--boxes", "{long}"),
        ("crop-nomnaocr", "in", "out", "--localizer", "{long}"),
        ("train-localizer", "{long}", "out"),
        ("synth-fonts", "{long}", "out"),
        ("synth-fonts", "in", "out", "--charset", "{long}"),
        ("train", "--data", "{long}", "--output", "out"),
    ],
)
def test_no_name_however_long_is_a_bug_of_ours(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_pictures(tmp_path / "in", ["0.png"])
    arguments = [part.format(long="x" * 5000) for part in command]
    assert sinonom(*arguments, "-q") in (ExitCode.MISSING_EXTRA, ExitCode.BAD_INPUT)
