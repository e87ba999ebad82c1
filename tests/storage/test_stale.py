"""Test changed inputs: a change is detected even if size and times are equal; an input with only a new time is
unchanged."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from tinybatch import Paint, content, make, texts
from tinycommands import COMMANDS, meshes, pictures, replaced_in_place, sinonom

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage import fingerprints
from sinonom_cli.storage.fingerprints import changed_items, fingerprint, is_unchanged, mark_of
from sinonom_cli.storage.inputs import Item


def later(path: Path) -> None:
    os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.mark.parametrize("command", COMMANDS)
def test_an_input_of_equal_size_and_time_but_other_content_is_seen(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, changed = COMMANDS[command](tmp_path / "in")
    out = tmp_path / "out"
    assert sinonom(*arguments, out, "-q") == 0
    before = content(out)
    for path in (tmp_path / "in").rglob("*.*"):
        later(path)
    assert sinonom(*arguments, out) == 0
    assert content(out) == before
    replaced_in_place(changed)
    capsys.readouterr()
    assert sinonom(*arguments, out) == ExitCode.OUTPUT_IN_THE_WAY
    assert changed.name in capsys.readouterr().err
    assert content(out) == before
    assert sinonom(*arguments, out, "--overwrite", "-q") in (0, ExitCode.SOME_FAILED)
    assert content(out) != before


def test_a_killed_run_sees_that_an_input_changed_before_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    paint, count = Paint.__call__, 0

    def killed(self: Paint, item: Item) -> list[dict[str, str]]:
        nonlocal count
        count += 1
        if count == 6:
            raise KeyboardInterrupt
        return paint(self, item)

    with monkeypatch.context() as patch:
        patch.setattr(Paint, "__call__", killed)
        with pytest.raises(KeyboardInterrupt):
            make(source, out)
    replaced_in_place(source / "bản khắc 𡦂" / "003.txt")
    with pytest.raises(SinonomError, match="003.txt") as caught:
        make(source, out)
    assert caught.value.code == ExitCode.OUTPUT_IN_THE_WAY
    replaced_in_place(source / "bản khắc 𡦂" / "003.txt")  # this changes it back
    replaced_in_place(source / "bản khắc 𡦂" / "009.txt")  # this one has not been used yet
    assert make(source, out).counts["images"] == 12


def test_a_changed_input_that_failed_before_is_no_change(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in", bad="bad"), tmp_path / "out"
    make(source, out)
    (source / "bad.txt").write_text("now", encoding="utf-8")
    assert make(source, out).counts == {"items": 13, "images": 13, "failed": 0}


def test_a_label_that_changed_beside_a_mesh_is_seen(tmp_path: Path) -> None:
    arguments, _ = pictures(tmp_path / "in" / "U+5B57")
    arguments[1] = str(tmp_path / "in")
    assert sinonom(*arguments, tmp_path / "meshes", "-q") == 0
    render = ("render", tmp_path / "meshes", tmp_path / "out", "--size", "32", "-q")
    assert sinonom(*render) == 0
    table = tmp_path / "meshes" / "metadata.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("U+5B57,字", "U+5583,喃"), encoding="utf-8")
    assert sinonom(*render) == ExitCode.OUTPUT_IN_THE_WAY


def test_an_output_of_a_version_that_knew_sizes_alone_is_taken_up(tmp_path: Path) -> None:
    arguments, changed = meshes(tmp_path / "in")
    out = tmp_path / "out"
    assert sinonom(*arguments, out, "-q") == 0
    want = content(out)
    with (out / "items.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (out / "items.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("item", "bytes", "images"), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    assert sinonom(*arguments, out, "-q") == 0
    assert content(out) == want
    replaced_in_place(changed)
    assert sinonom(*arguments, out, "-q") == ExitCode.OUTPUT_IN_THE_WAY


def test_a_copy_elsewhere_gives_the_same_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "WHOLE", 100)
    monkeypatch.setattr(fingerprints, "BLOCK", 8)
    arguments, changed = meshes(tmp_path / "in")
    assert sinonom(*arguments, tmp_path / "one", "-q") == 0
    shutil.copytree(tmp_path / "in", tmp_path / "copy", copy_function=shutil.copyfile)
    later(tmp_path / "copy" / changed.name)
    assert sinonom("render", tmp_path / "copy", "--size", "32", tmp_path / "two", "-q") == 0
    one, two = (json.loads((tmp_path / name / "artifact.json").read_text("utf-8")) for name in ("one", "two"))
    assert one == two


def test_a_large_file_is_read_whole_only_where_its_time_or_a_sample_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "WHOLE", 1000)
    monkeypatch.setattr(fingerprints, "BLOCK", 10)
    path = tmp_path / "block.stl"
    path.write_bytes(bytes(range(250)) * 20)
    known = fingerprint(path)
    whole: list[Path] = []
    read = fingerprints.sha256_of
    monkeypatch.setattr(fingerprints, "sha256_of", lambda path: (whole.append(path), read(path))[1])
    assert is_unchanged(path, known) and not whole
    later(path)
    assert is_unchanged(path, known) and whole
    for place in (0, 1000, 4999):  # these places are sampled, between two samples, and sampled
        replaced_in_place(path, place)
        later(path)
        assert not is_unchanged(path, known)
        replaced_in_place(path, place)
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_unchanged(path, known)
    path.unlink()
    assert not is_unchanged(path, known)


def test_many_items_of_one_file_are_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(b"a font")
    items = [Item(str(number), path, size=6, about=str(number)) for number in range(500)]
    known = {item.key: (6, mark_of(item)) for item in items}
    looked: list[Path] = []
    compare = fingerprints.is_unchanged
    monkeypatch.setattr(fingerprints, "is_unchanged", lambda *file: (looked.append(file[0]), compare(*file))[1])
    assert changed_items(items, known) == [] and looked == [path]
    path.write_bytes(b"b font")
    assert changed_items(items, known) == [item.key for item in items]
    other = [Item("7", path, size=6, about="x")]
    assert changed_items(other, {"7": (6, mark_of(Item("7", path, size=6)))}) == ["7"]
