"""Test that the inputs a user types become items with unique, portable keys."""

import io
from pathlib import Path

import pytest

from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.inputs import find_inputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.stl", "a.STL", "sub/c.stl", "note.txt", ".hidden.stl"):
        path = tmp_path / "khắc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path / "khắc"


def keys(*inputs: object, **more: int) -> list[str]:
    return [item.key for item in find_inputs([str(i) for i in inputs], {".stl"}, "meshes", **more)]


def test_a_folder_is_searched_through_in_a_fixed_order(folder: Path) -> None:
    assert keys(folder) == ["a.STL", "b.stl", "sub/c.stl"]
    assert keys(folder, limit=2) == ["a.STL", "b.stl"]


def test_files_globs_and_stdin_name_the_same_things(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keys(folder / "b.stl", folder / "note.txt") == ["b.stl", "note.txt"]
    assert keys(f"{folder}/*.stl") == ["b.stl"]
    assert keys(f"{folder}/**/*.stl") == ["b.stl", "c.stl"]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{folder}/b.stl\n\n{folder}/sub/c.stl\r\n"))
    assert keys("-") == ["b.stl", "c.stl"]


def test_the_same_file_named_twice_is_one_item(folder: Path) -> None:
    assert keys(folder, f"{folder}/*.stl") == ["a.STL", "b.stl", "sub/c.stl"]


def test_inputs_that_hold_the_same_name_keep_apart(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.stl").write_text("another", encoding="utf-8")
    assert keys(folder, other) == ["a.STL", "khắc/b.stl", "sub/c.stl", "other/b.stl"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    for given, message in (("no", "does not exist"), ("*.no", "nothing matches"), (tmp_path, "no meshes in")):
        with pytest.raises(SinonomError, match=message):
            keys(tmp_path / str(given))
