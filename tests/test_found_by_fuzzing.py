"""Files that once caused an unexpected error in `benchmarks/fuzz.py` are refused without a warning."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from test_open_files import run
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli.errors import ExitCode

TRIANGLE = "0 0 0\n1 0 0\n0 1 0\n"
MESHES = {
    "a.ply": "ply\nformat ascii 1.0\nproperty float x\nelement vertex 3\nend_header\n" + TRIANGLE,
    "b.ply": "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    f"element face {10**30}\nproperty list uchar int vertex_indices\nend_header\n{TRIANGLE}3 0 1 2\n4 0 1 2 0\n",
    "a.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99999999999999999999\n",
    "b.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1 2 3 99999999999999999999\n",
    "a.off": "OFF\n3 1 0\n" + TRIANGLE + "3 0 1 99999999999999999999\n",
}


def assert_refused(capsys: pytest.CaptureFixture[str], out: Path, *typed: object) -> None:
    """Assert that the command ends with exit code 4, without warnings or names of exceptions in its messages."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(*typed, out, "--workers", 0) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err + "".join(path.read_text(encoding="utf-8") for path in out.glob("failures.csv"))
    assert not re.search(r"\b\w+(Error|Warning)\b|Traceback", said)


@pytest.mark.parametrize("name", MESHES)
def test_a_mesh_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_text(MESHES[name], encoding="utf-8")
    assert_refused(capsys, tmp_path / "out", "render", tmp_path / name)


@pytest.mark.parametrize(
    ("node", "view"),
    [
        ({"matrix": [1e300] * 16}, {}),
        ({"scale": [1e308, 1e308, 1]}, {}),
        ({"translation": [1e400, 0, 0]}, {}),
        ({}, {"byteStride": 10**30}),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_a_gltf_with_numbers_beyond_measure_is_refused(
    node: dict[str, object],
    view: dict[str, object],
    count: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import base64
    import struct

    points = struct.pack("<9f", 0, 0, 0, 9, 0, 0, 0, 9, 0)
    document = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": 36, "uri": "data:;base64," + base64.b64encode(points).decode()}],
        "bufferViews": [{"buffer": 0, "byteLength": 36, **view}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": count, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0, **node}],
        "scenes": [{"nodes": [0]}],
    }
    (tmp_path / "a.gltf").write_text(json.dumps(document), encoding="utf-8")
    assert_refused(capsys, tmp_path / "out", "render", tmp_path / "a.gltf")


@pytest.mark.parametrize("box", ["0,0,1e308,1e308", "-1e308,0,1e308,5", "5,5,5,9", "nan,0,9,9", "0,0,inf,9"])
def test_a_box_without_an_area_that_can_be_reckoned_is_refused(
    box: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_pictures(tmp_path / "pages", ["p.png"])
    (tmp_path / "boxes.csv").write_text(f"picture,x0,y0,x1,y1,text\np.png,{box},字\n", encoding="utf-8")
    assert_refused(
        capsys, tmp_path / "out", "crop-nomnaocr", tmp_path / "pages", "--boxes", tmp_path / "boxes.csv", "--output"
    )


@pytest.mark.parametrize("wide", ["1e19", "1e25", "1e38"])
def test_a_mesh_as_wide_as_numbers_go_is_drawn_or_refused_without_a_warning(wide: str, tmp_path: Path) -> None:
    corners = f"0 0 0\n{wide} 0 0\n0 {wide} 0\n{wide} {wide} {wide}\n"
    (tmp_path / "a.off").write_text(f"OFF\n4 2 0\n{corners}3 0 1 2\n3 1 3 2\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run("render", tmp_path / "a.off", tmp_path / "out", "--workers", 0)
    for path in (tmp_path / "out").glob("failures.csv"):
        assert "Warning" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "header",
    [b"{'descr': '<f4', 'fortran_order': False, 'shape': (12, 8", b"{'descr': '<f4', 'shape': (3L, 8L), }", b"{["],
)
def test_an_array_whose_header_is_no_python_is_refused(
    header: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_model(tmp_path / "model")
    header = header.ljust(117) + b"\n"
    (tmp_path / "v.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(96))
    assert_refused(capsys, tmp_path / "out", "index", tmp_path / "v.npy", "--model", tmp_path / "model", "--output")


def test_vectors_that_are_longer_than_numbers_go_are_indexed_without_a_warning(tmp_path: Path) -> None:
    tiny_model(tmp_path / "model")
    np.save(tmp_path / "v.npy", np.full((3, 8), 1e30, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        typed = ("index", tmp_path / "v.npy", tmp_path / "i.faiss", "--model", tmp_path / "model", "--workers", 0)
        assert run(*typed) == ExitCode.DONE
