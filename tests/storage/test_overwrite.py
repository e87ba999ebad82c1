"""Test `--overwrite`: it removes the files that the output names, no file of the user, and nothing if the command
cannot work."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tinybatch import Paint, content, make, texts
from tinycommands import COMMANDS, meshes, pictures, sinonom
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage import atomic
from sinonom_cli.storage import record as artifact
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.record import begin

THEIRS = (
    "notes.txt",
    "images/photos/block.jpg",
    "images/mine.png",
    "depth/mine.tif",
    "meshes/my-scan.stl",
    "resume/diary.txt",
)


def put_theirs(out: Path) -> dict[str, bytes]:
    """Put files of a user beside ours, and return them."""
    for name in THEIRS:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(f"theirs: {name}", encoding="utf-8")
    return {name: (out / name).read_bytes() for name in THEIRS}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_user_put_into_any_output_stays(command: str, tmp_path: Path) -> None:
    arguments, _ = COMMANDS[command](tmp_path / "in")
    out, more = tmp_path / "out", {"render": ("--depth16",)}.get(command, ())
    assert sinonom(*arguments, out, *more, "-q") == 0
    ours = content(out)
    theirs = put_theirs(out)
    (out / "empty").mkdir()
    assert sinonom(*arguments, out, *more, "--limit", 1, "--overwrite", "-q") == 0
    after = content(out)
    assert theirs.items() <= after.items() and (out / "empty").is_dir()
    assert sinonom(*arguments, tmp_path / "fresh", *more, "--limit", 1, "-q") == 0
    assert {name: after[name] for name in after.keys() - theirs.keys()} == content(tmp_path / "fresh")
    assert after.keys() - theirs.keys() < ours.keys() | theirs.keys()


def test_folders_that_are_empty_then_go(tmp_path: Path) -> None:
    pictures(tmp_path / "in" / "U+5B57")
    pictures(tmp_path / "in" / "U+5583" / "deep")
    assert sinonom("carve", tmp_path / "in", tmp_path / "out", "--resolution", 16, "-q") == 0
    shutil.rmtree(tmp_path / "in" / "U+5583")
    assert sinonom("carve", tmp_path / "in", tmp_path / "out", "--resolution", 16, "--overwrite", "-q") == 0
    assert [p.name for p in (tmp_path / "out" / "meshes").iterdir()] == ["U+5B57"]


def test_a_killed_run_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    paint = Paint.__call__

    def killed(self: Paint, item: Item) -> list[dict[str, str]]:
        rows = paint(self, item)
        if item.key.endswith("005.txt"):  # this item is written, but not in the journal
            raise KeyboardInterrupt
        return rows

    def outputs(self: Paint, item: Item) -> list[str]:
        return [f"images/{Path(item.key).with_suffix('.png').as_posix()}"]

    with monkeypatch.context() as patch:
        patch.setattr(Paint, "__call__", killed)
        patch.setattr(Paint, "outputs", outputs, raising=False)
        with pytest.raises(KeyboardInterrupt):
            make(source, out)
    assert len(list(out.rglob("*.png"))) == 6
    theirs = put_theirs(out)
    shutil.rmtree(source / "bản khắc 𡦂")
    (source / "new.txt").write_text("new", encoding="utf-8")
    make(source, out, seed=1, overwrite=True)
    make(source, tmp_path / "fresh", seed=1)
    assert content(out) == content(tmp_path / "fresh") | theirs


def test_a_kill_while_files_are_removed_leaves_nothing_that_calls_itself_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    unlink, count = os.unlink, 0

    def killed(path: str, **how: int) -> None:
        nonlocal count
        count += str(path).startswith(str(out))
        if count == 4:
            raise KeyboardInterrupt
        unlink(path, **how)

    with monkeypatch.context() as patch:
        patch.setattr("sinonom_cli.storage.removal.os.unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            make(source, out, seed=1, overwrite=True)
    make(source, out)  # run the old command again, without --overwrite
    make(source, tmp_path / "fresh")
    assert content(out) == content(tmp_path / "fresh")


def test_a_damaged_journal_keeps_nothing_from_being_replaced(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    (out / "journal.jsonl").write_bytes(b'[1]\n"x"\n{"begun": null}\n{"rows": [3]}\n{"begun": [5]}\n\xff\xfe\n{"rows"')
    make(source, out, seed=1, overwrite=True)
    make(source, tmp_path / "fresh", seed=1)
    assert content(out) == content(tmp_path / "fresh")


@pytest.mark.parametrize("name", ["../keep.png", "images/../../keep.png", "images/link/keep.png", "{absolute}"])
def test_a_table_that_leads_out_of_the_output_removes_nothing(name: str, tmp_path: Path) -> None:
    source, out, keep = texts(tmp_path / "in"), tmp_path / "out", tmp_path / "elsewhere" / "keep.png"
    make(source, out)
    for path in (keep, tmp_path / "keep.png"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("a user's", encoding="utf-8")
    (out / "images" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with (out / "metadata.csv").open("a", encoding="utf-8") as file:
        file.write(f"{name.format(absolute=keep)},U+5B57,字,x,\n")
    make(source, out, seed=1, overwrite=True)
    assert keep.exists() and (tmp_path / "keep.png").exists() and (out / "images" / "link").is_symlink()


def test_a_link_in_the_place_of_a_picture_goes_and_its_target_stays(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    picture, target = next(out.rglob("003.png")), tmp_path / "target.png"
    picture.rename(target)
    picture.symlink_to(target)
    before = target.read_bytes()
    make(source, out, seed=1, overwrite=True)
    assert target.read_bytes() == before and not picture.is_symlink()


def test_a_table_names_only_what_such_outputs_hold(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    (out / "images" / "scan.tif").write_text("a user's", encoding="utf-8")
    (out / "my.png").write_text("a user's", encoding="utf-8")
    with (out / "metadata.csv").open("a", encoding="utf-8") as file:
        file.write("images/scan.tif,U+5B57,字,x,\nmy.png,U+5B57,字,x,\n")
    make(source, out, seed=1, overwrite=True)
    assert (out / "images" / "scan.tif").exists() and (out / "my.png").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_users_file_is_not_written_over_either(overwrite: bool, tmp_path: Path) -> None:
    arguments, _ = meshes(tmp_path / "in")
    out = tmp_path / "out"
    assert sinonom(*arguments, out, "-q") == 0
    before = content(out)
    (out / "images" / "9.png").write_text("a user's", encoding="utf-8")
    shutil.copyfile(tmp_path / "in" / "1.stl", tmp_path / "in" / "9.stl")
    assert sinonom(*arguments, out, "-q", *["--overwrite"] * overwrite) == ExitCode.OUTPUT_IN_THE_WAY
    assert (out / "images" / "9.png").read_text(encoding="utf-8") == "a user's"
    assert before.keys() - content(out).keys() == set()


def test_what_a_failed_item_had_written_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    paint = Paint.__call__

    def fails(self: Paint, item: Item) -> list[dict[str, str]]:
        rows = paint(self, item)
        if item.key.endswith("005.txt"):
            raise SinonomError("bad after all")
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Paint, "__call__", fails)
        patch.setattr(Paint, "outputs", lambda _, item: [f"images/{item.key.removesuffix('.txt')}.png"], raising=False)
        assert make(source, out).counts["failed"] == 1
        assert len(list(out.rglob("*.png"))) == 11
    assert make(source, out).counts["failed"] == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_wrong_leaves_the_old_output(command: str, tmp_path: Path) -> None:
    arguments, _ = COMMANDS[command](tmp_path / "in")
    out = tmp_path / "out"
    assert sinonom(*arguments, out, "-q") == 0
    before = content(out)
    (tmp_path / "nothing").mkdir()
    for given, options in (
        (tmp_path / "nothing", ()),
        (tmp_path / "missing", ()),
        (arguments[1], ("--size" if command != "carve" else "--resolution", "1")),
        (arguments[1], ("--workers", "many")),
    ):
        assert sinonom(arguments[0], given, *arguments[2:], out, *options, "--overwrite", "-q") in (2, 4)
        assert content(out) == before


@pytest.mark.parametrize("command", ["render", "carve", "crop-nomnaocr"])
def test_where_nothing_can_be_made_the_old_output_stays(command: str, tmp_path: Path) -> None:
    arguments, changed = COMMANDS[command](tmp_path / "in")
    out = tmp_path / "out"
    assert sinonom(*arguments, out, "-q") == 0
    before = content(out)
    kept = {path: path.read_bytes() for path in changed.parent.iterdir()}
    for path in kept:
        path.write_bytes(b"")
    assert sinonom(*arguments, out, "--overwrite", "-q") == ExitCode.BAD_INPUT
    assert content(out) == before
    changed.write_bytes(kept[changed])
    assert sinonom(*arguments, out, "--overwrite", "-q") == ExitCode.SOME_FAILED
    assert content(out) != before


# The next tests are about outputs that hold their own inputs.


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_output_that_holds_its_inputs_is_refused(overwrite: bool, tmp_path: Path) -> None:
    arguments, _ = meshes(tmp_path / "scans")
    project = tmp_path / "project"
    assert sinonom(*arguments, project, "-q") == 0
    (project / "meshes").mkdir()
    for path in (tmp_path / "scans").iterdir():
        shutil.copyfile(path, project / "meshes" / path.name)
    (tmp_path / "link").symlink_to(project / "meshes", target_is_directory=True)
    (tmp_path / "one.stl").symlink_to(project / "meshes" / "1.stl")
    before = content(project)
    for given in ("project/meshes", "project/../project/meshes/1.stl", "link", "one.stl", "project/meshes/*.stl"):
        more = ["--overwrite"] * overwrite
        assert sinonom("render", tmp_path / given, project, "-q", *more) == ExitCode.OUTPUT_IN_THE_WAY, given
        assert content(project) == before


def test_an_output_that_is_its_input_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meshes(tmp_path / "scans")
    before = content(tmp_path)
    monkeypatch.chdir(tmp_path / "scans")
    (tmp_path / "link").symlink_to(tmp_path / "scans", target_is_directory=True)
    for arguments in ((".", "."), ("../scans", "."), (".", "../link"), ("1.stl", "1.stl"), ("1.stl", ".")):
        assert sinonom("render", *arguments, "--overwrite", "-q") == ExitCode.OUTPUT_IN_THE_WAY
    (tmp_path / "link").unlink()
    assert content(tmp_path) == before


def test_options_name_inputs_too(tmp_path: Path) -> None:
    arguments, _ = COMMANDS["crop-nomnaocr"](tmp_path / "in")
    out = tmp_path / "out"
    assert sinonom(*arguments, out, "-q") == 0
    (out / "leave-out.txt").write_text("book/page0_1.png\n", encoding="utf-8")
    before = content(out)
    command = (*arguments, out, "--exclude", out / "leave-out.txt", "--overwrite", "-q")
    assert sinonom(*command) == ExitCode.OUTPUT_IN_THE_WAY
    assert content(out) == before


def test_an_output_inside_its_input_folder_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "pics")
    assert sinonom("carve", "pics", "scans", "--resolution", 16, "-q") == 0
    shutil.copytree("scans/meshes", "plain")
    for given, out in (("plain", "plain/out"), (".", "out")):
        for _ in range(2):
            assert sinonom("render", given, out, "--size", 32, "-q") == 0
        first = content(tmp_path / out)
        assert sinonom("render", given, out, "--size", 32, "--overwrite", "-q") == 0
        assert content(tmp_path / out) == first


# The next tests are about indexes.


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a model and a set of pictures."""
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", [f"{number}.png" for number in range(6)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


SIDE_FILES = (".rows.csv", ".rows.starts", ".vectors", ".marks", ".failures.csv")


def test_an_index_removes_what_its_record_names(house: Path) -> None:
    assert sinonom("index", "set", "db.faiss", "--type", "IVF2,SQ8", "-q") == 0
    assert (house / "db.faiss.vectors").exists()
    (house / "db.faiss.partial").mkdir()
    (house / "db.faiss.partial" / "diary.txt").write_text("a user's", encoding="utf-8")
    (house / "db.faiss.notes").write_text("a user's", encoding="utf-8")
    assert sinonom("index", "set", "db.faiss", "--overwrite", "-q") == 0
    assert not (house / "db.faiss.vectors").exists()
    assert (house / "db.faiss.partial" / "diary.txt").exists() and (house / "db.faiss.notes").exists()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("suffix", SIDE_FILES)
def test_an_index_writes_over_nothing_that_its_record_does_not_name(house: Path, suffix: str, overwrite: bool) -> None:
    if overwrite:
        assert sinonom("index", "set", "db.faiss", "--limit", 5, "-q") == 0
        (house / f"db.faiss{suffix}").unlink(missing_ok=True)
        record = json.loads((house / "db.faiss.json").read_text(encoding="utf-8"))
        record.pop("rows")
        (house / "db.faiss.json").write_text(json.dumps(record), encoding="utf-8")
    (house / f"db.faiss{suffix}").write_text("a user's", encoding="utf-8")
    command = ("index", "set", "db.faiss", *["--overwrite"] * overwrite, "-q")
    assert sinonom(*command) == ExitCode.OUTPUT_IN_THE_WAY
    assert (house / f"db.faiss{suffix}").read_text(encoding="utf-8") == "a user's"
    assert (house / "db.faiss").exists() == overwrite


def test_an_index_takes_no_pictures_name(house: Path) -> None:
    before = content(house / "set")
    for out in ("set/1.png", "set"):
        for more in ((), ("--overwrite",)):
            assert sinonom("index", "set", out, *more, "-q") in (2, 5)
    assert content(house / "set") == before


@pytest.mark.parametrize("arguments", [("nowhere",), ("set", "--type", "nonsense"), ("set", "--dimensions", 99)])
def test_an_index_command_that_is_wrong_leaves_the_old_index(house: Path, arguments: tuple[object, ...]) -> None:
    assert sinonom("index", "set", "db.faiss", "-q") == 0
    before = content(house)
    assert sinonom("index", arguments[0], "db.faiss", *arguments[1:], "--overwrite", "-q") in (2, 4)
    assert content(house) == before


def test_begin_that_only_looks_changes_nothing(tmp_path: Path) -> None:
    assert begin(tmp_path / "out", "model", {"a": 1}, {}, only_look=True).state == "new"
    assert not (tmp_path / "out").exists()
    begin(tmp_path / "out", "model", {"a": 1}, {})
    before = content(tmp_path)
    assert begin(tmp_path / "out", "model", {"a": 2}, {}, True, only_look=True).state == "new"
    assert content(tmp_path) == before
    assert artifact.REMOVING != "complete" and atomic.TEMPORARY.startswith(".")
