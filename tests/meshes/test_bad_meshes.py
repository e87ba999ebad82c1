"""Test the mesh readers: all usual meshes are read; a file that contradicts itself is refused in one line."""

import csv
import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from tinyfiles import ASCII_STL, CORNERS, FAN, OBJ, OFF, ascii_ply, binary_ply, binary_stl

from sinonom_cli.cli import run
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.meshes.read import MESH_SUFFIXES, read_mesh
from sinonom_cli.meshes.stl import read_stl, write_stl

COLOURED_OFF = "COFF 4 1 0\n" + "".join(f"{x} {y} {z} 9 9 9 255\n" for x, y, z in CORNERS) + "4 0 1 2 3\n"

GOOD = {
    "binary.stl": binary_stl(FAN),
    "called solid.stl": binary_stl(FAN, header=b"solid facet normal\n"),
    "ascii.STL": ASCII_STL.encode(),
    "ascii, Windows.stl": ASCII_STL.replace("\n", "\r\n").encode(),
    "little.ply": binary_ply("<", [[0, 1, 2, 3]]),
    "big.ply": binary_ply(">", [[0, 1, 2, 3]]),
    "triangles.ply": binary_ply("<", [[0, 1, 2], [0, 2, 3]]),
    "text.ply": ascii_ply(["4 0 1 2 3"]),
    "quad.obj": (OBJ + "f 1 2 3 4\n").encode(),
    "negative.obj": (OBJ + "f -4 -3 -2 -1\n").encode(),
    "textured.obj": (OBJ + "vt 0 0\nvn 0 0 1\ng a\nusemtl b\nf 1/1/1 2/1/1 3//1 4/1\n").encode(),
    "plain triangles.obj": ("# by hand\n" + OBJ + "f 1 2 3\nf 1 3 4\n").encode(),
    "triangles, Windows.obj": (OBJ + "f 1/1 2/1 3/1\nf 1//1 3//1 4//1 \n").replace("\n", "\r\n").encode(),
    "triangles, old Mac.obj": (OBJ + "f 1 2 3\nf 1 3 4\n").replace("\n", "\r").encode(),
    "triangles.off": (OFF.replace("4 1 0", "4 2 0") + "3 0 1 2\n3 0 2 3\n").encode(),
    "two parts.obj": (OBJ + "o a\nf 1 2 3\no b\nf 1 3 \\\n4\n").encode(),
    "quad.off": (OFF + "4 0 1 2 3\n").encode(),
    "coloured.off": COLOURED_OFF.encode(),
    "chữ 𡦂 字.stl": binary_stl(FAN),
}

NAN = np.where(np.arange(18).reshape(2, 3, 3) == 4, np.nan, FAN).astype(np.float32)
BAD = {  # Each entry is a file's content and what the message must name: the wrong number, or the format.
    "empty.stl": (b"", ""),
    "empty.obj": (b"", ""),
    "empty.gltf": (b"", ""),
    "short.stl": (b"solid", "5"),
    "half.stl": (binary_stl(FAN)[:-25], "2"),
    "cut between triangles.stl": (binary_stl(np.repeat(FAN, 9, axis=0), count=40), "40"),
    "half, called solid.stl": (binary_stl(FAN, header=b"solid x\n")[:-1], "2"),
    "nothing but a promise.stl": (binary_stl(FAN[:0], count=7), "7"),
    "no faces.stl": (binary_stl(FAN[:0]), ""),
    "NaN.stl": (binary_stl(NAN), "1 of 2"),
    "infinite.stl": (binary_stl(np.where(np.isnan(NAN), np.inf, NAN)), "1 of 2"),
    "half ascii.stl": (ASCII_STL[: len(ASCII_STL) // 2].encode(), "1"),
    "ascii, two corners.stl": (ASCII_STL.replace("  vertex 0.0 0.0 0.000000e+00\n", "", 1).encode(), "5"),
    "ascii, no number.stl": (ASCII_STL.replace("1.0", "one", 1).encode(), ""),
    "ascii NaN.stl": (ASCII_STL.replace("1.0", "nan", 1).encode(), "NaN"),
    "ascii, no faces.stl": (b"solid nothing\nendsolid nothing\n", ""),
    "half.ply": (binary_ply("<", [[0, 1, 2, 3]])[:-3], "face"),
    "promises more.ply": (binary_ply("<", [[0, 1, 2, 3]], faces=5), "5"),
    "promises less.ply": (binary_ply("<", [[0, 1, 2], [0, 2, 3]], faces=1), "13"),
    "promises billions.ply": (binary_ply("<", [[0, 1, 2, 3]], vertices=4_000_000_000), "4,000,000,000"),
    "text promises more.ply": (ascii_ply(["4 0 1 2 3"], faces=2), "2"),
    "text promises less.ply": (ascii_ply(["4 0 1 2 3", "3 0 1 2"], faces=1), ""),
    "names too much.ply": (binary_ply("<", [[0, 1, 2, 4]]), "4"),
    "names less than none.ply": (binary_ply(">", [[0, 1, 2, -1]]), "-1"),
    "no faces.ply": (binary_ply("<", []), ""),
    "NaN.ply": (binary_ply("<", [[0, 1, 2, 3]], (*CORNERS[:3], (0, np.nan, 0))), "NaN"),
    "no header end.ply": (binary_ply("<", [[0, 1, 2]])[:100], "PLY"),
    "unknown type.ply": (binary_ply("<", [[0, 1, 2]]).replace(b"float x", b"quad x"), "quad"),
    "unknown order.ply": (binary_ply("<", [[0, 1, 2]]).replace(b"little", b"middle"), "binary_middle_endian"),
    "less than none.ply": (ascii_ply(["3 0 1 2"], faces=-1), ""),
    "text.ply": (b"hello", "PLY"),
    "names too much.obj": ((OBJ + "f 1 2 5\n").encode(), "4"),
    "names vertex 0.obj": ((OBJ + "f 0 1 2\n").encode(), "-1"),
    "names before the first.obj": ((OBJ + "f -5 -1 -2\n").encode(), "-1"),
    "a fraction.ply": (ascii_ply(["3 0 1 2.5"]), ""),
    "a fraction.obj": ((OBJ + "f 1 2 3.5\n").encode(), "OBJ"),
    "a fraction.off": ((OFF + "3 0 1 2.5\n").encode(), ""),
    "no number.off": ((OFF.replace("0.5", "half") + "3 0 1 2\n").encode(), "OFF"),
    "triangle names too much.off": ((OFF + "3 0 1 9\n").encode(), "9"),
    "triangle names too much.obj": ((OBJ + "f 1 2 3\nf 2 3 77\n").encode(), "76"),
    "two corners.obj": ((OBJ + "f 1 2\n").encode(), "2"),
    "no number.obj": ((OBJ + "f 1 b 2\n").encode(), "OBJ"),
    "two coordinates.obj": ((OBJ + "v 1 2\nf 1 2 3\n").encode(), "OBJ"),
    "NaN.obj": ((OBJ.replace("0.5", "nan") + "f 1 2 3 4\n").encode(), "NaN"),
    "no faces.obj": (OBJ.encode(), ""),
    "half.off": (OFF.encode(), "4"),
    "more.off": ((OFF + "3 0 1 2\n3 0 1 2\n").encode(), "6"),
    "cut face.off": ((OFF + "4 0 1 2\n").encode(), ""),
    "names too much.off": ((OFF + "3 0 1 4\n").encode(), "4"),
    "binary.off": (b"OFF BINARY\n" + bytes(60), "OFF"),
    "text.off": (b"hello", "OFF"),
    "picture.png": (b"\x89PNG", "png|stl"),
    "packed.stl": (gzip.compress(binary_stl(FAN)), "compressed"),
    "packed.ply": (b"PK\x03\x04" + bytes(60), "archive"),
    "pointer.obj": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
    "page.glb": (b"<!DOCTYPE html><html>404</html>", "web page"),
    "photo.off": (b"\xff\xd8\xff\xe0" + bytes(60), "picture"),
    "renamed.stl": (binary_ply("<", [[0, 1, 2, 3]]), ".ply"),
    "renamed.obj": (ASCII_STL.encode(), ".stl"),
    "text.stl": ((OBJ + "f 1 2 3 4\n").encode(), "text"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_mesh_of_any_form_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(GOOD[name])
    np.testing.assert_array_equal(read_mesh(tmp_path / name), FAN)


@pytest.mark.parametrize("order", "<>")
def test_polygons_of_several_sizes_in_one_file_all_arrive(order: str, tmp_path: Path) -> None:
    path = tmp_path / "mixed.ply"
    path.write_bytes(binary_ply(order, [[0, 1, 2], [0, 1, 2, 3], [3, 2, 1]]))
    got = {triangle.tobytes() for triangle in read_mesh(path)}
    want = [(0, 1, 2), (0, 1, 2), (0, 2, 3), (3, 2, 1)]
    assert got == {np.array([CORNERS[i] for i in face], np.float32).tobytes() for face in want}
    assert len(read_mesh(path)) == 4


@pytest.mark.parametrize("name", BAD)
def test_a_bad_mesh_is_one_clear_line(name: str, tmp_path: Path) -> None:
    content, reason = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SinonomError) as caught:
        read_mesh(tmp_path / name)
    assert caught.value.code == ExitCode.BAD_INPUT
    assert "\n" not in caught.value.message and caught.value.message.startswith(name)
    assert re.search(reason, f"{caught.value.message.removeprefix(name)} {caught.value.hint}")


def test_every_format_has_a_bad_and_a_good_example_here() -> None:
    for examples in (GOOD, BAD):
        assert {Path(name).suffix.lower() for name in examples} >= MESH_SUFFIXES - {".glb", ".gltf"}


def test_stl_comes_back_as_it_was_written(tmp_path: Path) -> None:
    triangles = np.random.default_rng(0).normal(size=(50, 3, 3)).astype(np.float32)
    triangles[7] = triangles[7, 0]  # a face without area has no normal
    write_stl(tmp_path / "a.stl", triangles)
    np.testing.assert_array_equal(read_stl(tmp_path / "a.stl"), triangles)
    content = (tmp_path / "a.stl").read_bytes()
    assert not content.startswith(b"solid")
    normal = np.frombuffer(content, "<f4", 3, 84)
    want = np.cross(triangles[0, 1] - triangles[0, 0], triangles[0, 2] - triangles[0, 0])
    np.testing.assert_allclose(normal, want / np.linalg.norm(want), atol=1e-5)


def far_away(kind: str, points: np.ndarray) -> bytes:
    """Return the two triangles of four points as a file of `kind`, with all the digits of a double."""
    rows = [f"{x:.17g} {y:.17g} {z:.17g}" for x, y, z in points.tolist()]
    if kind == "ascii.stl":
        corners = "".join(
            f"facet normal 0 0 1\nvertex {rows[0]}\nvertex {rows[k]}\nvertex {rows[k + 1]}\nendfacet\n" for k in (1, 2)
        )
        return f"solid a\n{corners}endsolid a\n".encode()
    if kind == "text.obj":
        return ("".join(f"v {row}\n" for row in rows) + "f 1 2 3 4\n").encode()
    if kind == "text.off":
        return ("OFF\n4 1 0\n" + "\n".join(rows) + "\n4 0 1 2 3\n").encode()
    head = "ply\nformat binary_little_endian 1.0\nelement vertex 4\n" + "".join(f"property double {a}\n" for a in "xyz")
    head += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    return head.encode() + points.astype("<f8").tobytes() + struct.pack("<B4i", 4, 0, 1, 2, 3)


@pytest.mark.parametrize("kind", ["ascii.stl", "double.ply", "text.obj", "text.off"])
def test_detail_far_from_the_origin_is_not_rounded_away(kind: str, tmp_path: Path) -> None:
    offset = np.array([512_345.5, -2_345_678.25, 91.125])  # surveyors' coordinates in metres; the plate is 25 mm wide
    points = offset + 0.025 * np.array(CORNERS)
    (tmp_path / kind).write_bytes(far_away(kind, points))
    got = read_mesh(tmp_path / kind)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got - got[0, 0], 0.025 * (FAN - FAN[0, 0]), atol=2e-9)
    (tmp_path / kind).write_bytes(far_away(kind, np.array(CORNERS)))  # near the origin, numbers stay unchanged
    np.testing.assert_array_equal(read_mesh(tmp_path / kind), FAN)


def test_every_bad_mesh_is_a_row_of_the_failures_and_the_good_ones_are_done(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    bad = [name for name in BAD if Path(name).suffix in MESH_SUFFIXES]
    for name in bad:
        (scans / name).write_bytes(BAD[name][0])
    (scans / "good.stl").write_bytes(GOOD["binary.stl"])
    command = ["render", str(scans), str(tmp_path / "out"), "--size", "16", "--workers", "0"]
    assert run(command) == ExitCode.SOME_FAILED
    with (tmp_path / "out" / "failures.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["file"]: row["reason"] for row in csv.DictReader(file)}
    assert rows.keys() == set(bad)
    for name in bad:
        assert rows[name].startswith(name), (name, rows[name])
    assert [path.name for path in (tmp_path / "out" / "images").iterdir()] == ["good.png"]
