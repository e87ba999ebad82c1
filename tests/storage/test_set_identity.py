"""Test quick identities: they show in milliseconds that a set has changed, and are equal for a copy."""

import json
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image
from tinycommands import replaced_in_place

from sinonom_cli.storage.set_identity import LISTED, READ, WHOLE, quick_identity


def a_set(folder: Path, count: int = 40, ours: bool = True) -> Path:
    """Create an image set of `count` small pictures, or (not `ours`) a plain folder of them."""
    lines = ["file_name,label,char,source,box"]
    for number in range(count):
        name = f"images/U+5B57/{number:05}.png" if ours else f"{number % 3}/{number:05}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number % 256).save(folder / name)
        lines.append(f'"{name}",U+5B57,字,x.stl,')
    if ours:
        (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "artifact.json").write_text(json.dumps({"tool": "sinonom", "kind": "imageset"}), encoding="utf-8")
    return folder


def changed(path: Path) -> None:
    replaced_in_place(path, path.stat().st_size // 2)


@pytest.mark.parametrize("ours", [True, False], ids=["set", "plain folder"])
def test_a_picture_replaced_in_place_is_seen_and_a_copy_is_no_change(tmp_path: Path, ours: bool) -> None:
    folder = a_set(tmp_path / "set", ours=ours)
    before = quick_identity(folder)
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    assert quick_identity(tmp_path / "copy") == before
    for number in (0, 17, 39):
        changed(next(folder.rglob(f"{number:05}.png")))
        after = quick_identity(folder)
        assert after != before
        before = after


@pytest.mark.parametrize("ours", [True, False], ids=["set", "plain folder"])
def test_a_picture_that_is_gone_is_seen(tmp_path: Path, ours: bool) -> None:
    folder = a_set(tmp_path / "set", ours=ours)
    before = quick_identity(folder)
    next(folder.rglob("00020.png")).unlink()
    assert quick_identity(folder) != before


@pytest.mark.parametrize("name", ["metadata.csv", "artifact.json"])
def test_a_change_of_record_or_table_is_seen(tmp_path: Path, name: str) -> None:
    folder = a_set(tmp_path / "set")
    before = quick_identity(folder)
    changed(folder / name)
    assert quick_identity(folder) != before


def test_two_plain_folders_of_equal_names_and_sizes_differ(tmp_path: Path) -> None:
    one, other = (a_set(tmp_path / name, ours=False) for name in ("one", "other"))
    assert quick_identity(one) == quick_identity(other)
    changed(other / "0" / "00000.png")
    assert quick_identity(one) != quick_identity(other)


def test_a_large_set_made_again_is_seen_and_costs_milliseconds(tmp_path: Path) -> None:
    folder = a_set(tmp_path / "set", READ + 100)
    rows = (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()
    times = -(-WHOLE // len("\n".join(rows[1:])))
    (folder / "metadata.csv").write_text("\n".join([rows[0], *rows[1:] * times]) + "\n", encoding="utf-8")
    before = quick_identity(folder)
    started = time.process_time()
    assert quick_identity(folder) == before
    assert time.process_time() - started < 0.5  # it takes some 15 ms
    for path in folder.rglob("*.png"):
        changed(path)
    assert quick_identity(folder) != before


def test_a_plain_folder_is_listed_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = a_set(tmp_path / "set", 30, ours=False)
    monkeypatch.setattr("sinonom_cli.storage.set_identity.LISTED", 10)
    before = quick_identity(folder)
    changed(folder / "0" / "00000.png")
    assert quick_identity(folder) != before
    assert LISTED > READ
