"""Test the command `sinonom render` and its outputs."""

import builtins
import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymesh import letter_f, likeness, open3d_or_skip, surface, turn
from tinyscan import scans

from sinonom_cli.cli import run
from sinonom_cli.errors import ExitCode
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.render.run import Target, targets
from sinonom_cli.storage.image_set import read_imageset
from sinonom_cli.storage.inputs import Item


def meshes(folder: Path, *names: str) -> Path:
    for k, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_stl(path, surface(letter_f(24), turn(2 * k, -k)))
    return folder


def table(out: Path, name: str = "metadata.csv") -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_mesh_becomes_a_picture_of_its_path_and_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scans, out = meshes(tmp_path / "bản khắc 𡦂", "a.stl", "tờ 1/chữ 字.stl"), tmp_path / "ra đây"
    assert run(["render", str(scans), str(out), "--size", "48", "--workers", "0"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"{out}\n"
    rows = table(out)
    assert [row["file_name"] for row in rows] == ["images/a.png", "images/tờ 1/chữ 字.png"]
    assert [row["source"] for row in rows] == ["a.stl", "tờ 1/chữ 字.stl"]
    assert {row["label"] + row["char"] + row["box"] for row in rows} == {""}
    assert not {"block", "upright_box", "block_picture"} & rows[0].keys()  # only characters of a cut block have them
    assert {row["faces"] for row in rows} == {str(2 * 23 * 23)}
    assert float(rows[1]["tilt"]) == pytest.approx(np.hypot(2, 1), abs=0.5)
    with Image.open(out / rows[1]["file_name"]) as picture:
        assert picture.mode == "L" and picture.size == (48, 48)
    assert len(read_imageset(out).pictures) == 2


def test_one_bad_mesh_goes_to_the_failures_and_the_rest_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans, out = meshes(tmp_path / "scans", "a.stl", "c.stl"), tmp_path / "out"
    (scans / "b.stl").write_bytes((scans / "a.stl").read_bytes()[:-30])
    command = ["render", str(scans), str(out), "--size", "32", "--workers", "0"]
    assert run(command) == ExitCode.SOME_FAILED
    assert [row["source"] for row in table(out)] == ["a.stl", "c.stl"]
    (failure,) = table(out, "failures.csv")
    assert failure["file"] == "b.stl" and "promises 1,058" in failure["reason"]
    assert "failures.csv" in capsys.readouterr().err
    meshes(scans, "b.stl")
    assert run(command) == ExitCode.DONE
    assert len(table(out)) == 3


def test_only_bad_meshes_are_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.stl").write_bytes(b"no mesh")
    assert run(["render", str(tmp_path / "a.stl"), str(tmp_path / "out")]) == ExitCode.BAD_INPUT
    assert "a.stl" in capsys.readouterr().err
    assert run(["render", str(tmp_path / "nothing"), str(tmp_path / "out2")]) == ExitCode.BAD_INPUT


def test_workers_write_the_same_bytes_as_one_process(tmp_path: Path) -> None:
    scans = meshes(tmp_path / "scans", "a.stl", "b.stl", "c.stl")
    for out, workers in (("one", "0"), ("two", "2")):
        assert run(["render", str(scans), str(tmp_path / out), "--size", "32", "--workers", workers]) == 0
    names = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(names) >= 5
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_options_reach_the_pixels_and_the_record(tmp_path: Path) -> None:
    scans = meshes(tmp_path / "scans", "a.stl", "b.stl")
    pictures = {}
    for name, *options in (
        ("plain",),
        ("mirror", "--mirror"),
        ("report", "--tone", "report"),
        ("off", "--level", "off"),
    ):
        assert run(["render", str(scans), str(tmp_path / name), "--size", "32", "--workers", "0", *options]) == 0
        pictures[name] = np.asarray(Image.open(tmp_path / name / "images/b.png"))
    np.testing.assert_array_equal(pictures["mirror"], pictures["plain"][:, ::-1])
    assert (pictures["report"] != pictures["plain"]).any() and (pictures["off"] != pictures["plain"]).any()
    options = json.loads((tmp_path / "mirror" / "artifact.json").read_text(encoding="utf-8"))["options"]
    assert options["mirror"] is True and options["size"] == 32 and options["tone"] == "local"
    assert run(["render", str(scans), str(tmp_path / "plain"), "--size", "64"]) == ExitCode.OUTPUT_IN_THE_WAY


def test_pictures_of_carved_meshes_carry_label_and_char(tmp_path: Path) -> None:
    source = tmp_path / "prints" / "U+5B57"
    source.mkdir(parents=True)
    print_ = 255 - np.kron(letter_f(24) > 0, np.ones((2, 2))).astype(np.uint8) * 255
    Image.fromarray(print_).save(source / "字 1.png")
    assert run(["carve", str(tmp_path / "prints"), str(tmp_path / "carved"), "--resolution", "64"]) == 0
    for given in ("carved", "carved/meshes", "carved/meshes/U+5B57/字 1.stl"):
        out = tmp_path / f"out {given.count('/')}"
        assert run(["render", str(tmp_path / given), str(out), "--size", "48"]) == 0
        (row,) = table(out)
        assert (row["label"], row["char"]) == ("U+5B57", "字")
    assert table(tmp_path / "out 0")[0]["file_name"] == "images/U+5B57/字 1.png"


@pytest.mark.parametrize(
    ("failure", "remedy"),
    [
        (ModuleNotFoundError("No module named 'open3d'", name="open3d"), "sinonom[open3d]"),
        (ImportError("libusb-1.0.so.0: cannot open shared object file"), "libusb-1.0-0"),
        (OSError("libusb-1.0.so.0: cannot open shared object file"), "libusb-1.0-0"),
        (RuntimeError("CUDA\ndriver"), "libusb-1.0-0"),
    ],
)
def test_perspective_without_open3d_says_what_to_install(
    failure: Exception,
    remedy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = builtins.__import__

    def broken(name: str, *rest: object, **more: object) -> object:
        if name == "open3d":
            raise failure
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", broken)
    scans = meshes(tmp_path / "scans", "a.stl")
    code = run(["render", str(scans), str(tmp_path / "out"), "--projection", "perspective"])
    assert code == ExitCode.MISSING_EXTRA
    assert remedy in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_perspective_renders(tmp_path: Path) -> None:
    open3d_or_skip()
    scans = meshes(tmp_path / "scans", "a.stl")
    pictures = []
    for projection in ("orthographic", "perspective"):
        out = tmp_path / projection
        assert run(["render", str(scans), str(out), "--size", "64", "--projection", projection]) == 0
        pictures.append(np.asarray(Image.open(out / "images/a.png")))
    assert likeness(*pictures) > 0.7


def test_pictures_of_meshes_that_differ_by_suffix_alone_do_not_overwrite_each_other() -> None:
    keys = ["a.stl", "a.ply", "a.stl.obj", "b.stl", "sub/a.stl", "no suffix"]
    named = targets([Item(key, Path(key)) for key in keys], {})
    names = [item.data.file_name.removeprefix("images/").removesuffix(".png") for item in named]
    assert names == ["a.stl", "a.ply", "a.stl.obj", "b", "sub/a", "no suffix"]
    assert named[1].data == Target("images/a.ply.png", check=named[1].data.check)


def odd_scans(folder: Path) -> Path:
    """Write a good scan, one that faces down, one with a speck, one that is flat and one with a wrong count."""
    meshes(folder, "good.stl")
    good = surface(letter_f(24), turn(0, 0))
    write_stl(folder / "down.stl", good * np.float32([1, -1, -1]))
    write_stl(folder / "speck.stl", np.concatenate([good, np.float32([[[4, 4, 0], [4.1, 4, 0], [4, 4.1, 0]]])]))
    write_stl(folder / "flat.stl", surface(np.zeros((24, 24)), turn(9, 4)))
    content = (folder / "good.stl").read_bytes()
    (folder / "count.stl").write_bytes(content[:80] + bytes(4) + content[84:])
    return folder


def test_what_was_done_to_a_mesh_is_said_in_a_line_for_each_kind_and_in_a_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans, out = odd_scans(tmp_path / "scans"), tmp_path / "out"
    assert run(["render", str(scans), str(out), "--size", "48", "--workers", "0"]) == ExitCode.SOME_FAILED
    rows = {row["source"]: row for row in table(out)}
    assert rows.keys() == {"good.stl", "down.stl", "speck.stl", "count.stl"}
    assert rows["down.stl"]["turned"].startswith("-Z") and not rows["good.stl"]["turned"]
    assert "1" in rows["speck.stl"]["left_out"] and rows["speck.stl"]["faces"] == rows["good.stl"]["faces"]
    assert "1,058" in rows["count.stl"]["remarks"] and rows["good.stl"]["remarks"] == rows["good.stl"]["left_out"] == ""
    (failure,) = table(out, "failures.csv")
    assert failure["file"] == "flat.stl"
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning:")]
    assert len(warnings) == 3
    for column in ("turned", "left_out", "remarks"):
        assert sum(f"column {column} " in line for line in warnings) == 1


def test_nothing_is_said_of_clean_meshes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scans = meshes(tmp_path / "scans", "a.stl", "b.stl")
    assert run(["render", str(scans), str(tmp_path / "out"), "--size", "48", "--workers", "0"]) == ExitCode.DONE
    assert "warning" not in capsys.readouterr().err
    assert {row["turned"] + row["left_out"] + row["remarks"] for row in table(tmp_path / "out")} == {""}


def test_a_flat_mesh_alone_is_bad_input(tmp_path: Path) -> None:
    write_stl(tmp_path / "flat.stl", surface(np.zeros((24, 24)), turn(9, 4)))
    for number, more in enumerate(([], ["--level", "off"], ["--as-is"])):
        out = str(tmp_path / f"out {number}")
        assert run(["render", str(tmp_path / "flat.stl"), out, "--workers", "0", *more]) == ExitCode.BAD_INPUT


def test_as_is_turns_nothing_and_leaves_nothing_out(tmp_path: Path) -> None:
    scans = odd_scans(tmp_path / "scans")
    (scans / "flat.stl").unlink()
    for name, *more in (("tidy",), ("as is", "--as-is")):
        assert run(["render", str(scans), str(tmp_path / name), "--size", "48", "--workers", "0", *more]) == 0
    rows = {row["source"]: row for row in table(tmp_path / "as is")}
    assert not rows["down.stl"]["turned"] and not rows["speck.stl"]["left_out"]
    assert int(rows["speck.stl"]["faces"]) == int(rows["good.stl"]["faces"]) + 1
    for name, alike in (("good.stl", True), ("down.stl", False), ("speck.stl", False)):
        pictures = [(tmp_path / out / "images" / name.replace("stl", "png")).read_bytes() for out in ("tidy", "as is")]
        assert (pictures[0] == pictures[1]) is alike


def test_a_whole_block_is_remarked_on_and_cut_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scans(tmp_path)
    capsys.readouterr()
    assert run(["render", str(tmp_path / "scans"), str(tmp_path / "out"), "--mirror", "--workers", "0", "-q"]) == 0
    [row] = table(tmp_path / "out")
    assert "sinonom cut" in row["remarks"] and "sinonom cut" in capsys.readouterr().err
