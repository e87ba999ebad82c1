"""Files that `benchmarks/fuzz.py` found to be taken for bugs of ours: each is refused, without a warning."""

import json
import re
import warnings
from pathlib import Path

import pytest
from test_open_files import run
from tinymodel import tiny_pictures

from sinonom_cli.errors import ExitCode

TRIANGLE = "0 0 0\n1 0 0\n0 1 0\n"
MESHES = {
    "a.ply": "ply\nformat ascii 1.0\nproperty float x\nelement vertex 3\nend_header\n" + TRIANGLE,
    "a.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99999999999999999999\n",
    "b.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1 2 3 99999999999999999999\n",
    "a.off": "OFF\n3 1 0\n" + TRIANGLE + "3 0 1 99999999999999999999\n",
}


def assert_refused(capsys: pytest.CaptureFixture[str], out: Path, *typed: object) -> None:
    """The command ends with exit code 4; the reason is no exception's name, and nothing is warned of."""
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
    "node", [{"matrix": [1e300] * 16}, {"scale": [1e308, 1e308, 1]}, {"translation": [1e400, 0, 0]}]
)
def test_a_gltf_whose_node_goes_beyond_numbers_is_refused(
    node: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import base64
    import struct

    points = struct.pack("<9f", 0, 0, 0, 9, 0, 0, 0, 9, 0)
    document = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": 36, "uri": "data:;base64," + base64.b64encode(points).decode()}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
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
