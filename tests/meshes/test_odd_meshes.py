"""Test the mesh readers on unusual files: what other programs write and read is read here, if its meaning is clear."""

import struct
from pathlib import Path

import numpy as np
import pytest
from tinyfiles import ASCII_STL, CORNERS, FAN, OBJ, OFF, ascii_ply, assert_same_triangles, binary_ply, binary_stl, ply

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.read import Notes, read_mesh

END = ASCII_STL.index("endsolid")
TWO = "f 1 2 3\nf 1 3 4\n"
TWO_OFF = OFF.replace("4 1 0", "4 2 0") + "3 0 1 2\n3 0 2 3\n"
NUMBERS = "\n".join(f"{x} {y} {z}" for x, y, z in CORNERS)
DOUBLED = np.repeat(FAN, 50, axis=0)


def texts(base: str, more: dict[str, str] | None = None) -> dict[str, bytes]:
    """Return the same text in every encoding, with every line end and every way to write a number."""
    return {
        "UTF-8 with a mark": b"\xef\xbb\xbf" + base.encode(),
        "UTF-16": base.encode("utf-16"),
        "UTF-16, big end first": b"\xfe\xff" + base.encode("utf-16-be"),
        "UTF-16 without a mark": base.encode("utf-16-le"),
        "old Mac": base.replace("\n", "\r").encode(),
        "Windows": base.replace("\n", "\r\n").encode(),
        "tabs": base.replace(" ", "\t").encode(),
        "decimal commas": base.replace(".", ",").encode(),
        "Fortran": base.replace("0.5 ", "5.0D-01 ").replace("1.0", "0.1d1").encode(),
        **{name: text.encode() for name, text in (more or {}).items()},
    }


STL = {
    "capitals": ASCII_STL.upper(),
    "no end": ASCII_STL[:END],
    "end solid": ASCII_STL.replace("endsolid", "end solid"),
    "two solids": ASCII_STL[:END].replace("endfacet\n", "endfacet\nendsolid a\nsolid b\n", 1),
    "a name of keywords": ASCII_STL.replace("square", "facet normal vertex 1 2 3 endfacet"),
    "no name": ASCII_STL.replace(" square", ""),
    "no normal": ASCII_STL.replace("facet normal 0 0 1", "facet normal -1.#IND -1.#IND 1.#QNAN"),
    "commas between": ASCII_STL.replace("vertex 1.0 0.0 ", "vertex 1.0, 0.0, "),
    "in one line": ASCII_STL.replace("\n", " ") + "\n",
    "comments above": "# made by a program\n; twice\n\n" + ASCII_STL,
    "an old mark of the end": ASCII_STL + "\x1a",
}
OBJ_FILES = {
    "a comment that ends in a backslash": OBJ + "# C:\\scans\\\n" + TWO,
    "a comment among the vertices": OBJ.replace("v 1.0 1.0", "# C:\\\nv 1.0 1.0") + TWO,
    "a comment behind a face": OBJ + "f 1 2 3 # C:\\\nf 1 3 4#\n",
    "a face goes on": OBJ + "f 1 \\\n 2 3\nf 1 3 \\ \n4\n",
    "colours": OBJ.replace("\n", " 0.5 0.25 1\n") + TWO,
    "weights": OBJ.replace("\n", " 1.0\n") + TWO,
    "paths that end in a backslash": "mtllib D:\\scans\\\n" + OBJ + "g D:\\\n" + TWO.replace("\n", "\nusemtl a\\\n", 1),
    "points and lines": OBJ + "p 1\nl 1 2 3\n" + TWO,
    "an edge among the faces": OBJ + TWO + "f 1 2\nf 3\n",
    "indented": OBJ.replace("v ", "  v ") + TWO.replace("f ", "\tf  "),
    "counted backwards": OBJ + "f -4 -3 -2\nf -4/-1 -2//-1 -1\n",
    "groups and smoothing": "mtllib a.mtl\no a\n" + OBJ + "g b c\ns off\n" + TWO,
    "vertices behind the faces": TWO + OBJ,
}
OFF_FILES = {
    "counts behind the word, as in ModelNet": TWO_OFF.replace("OFF\n# a comment\n", "OFF"),
    "counts on the first line": TWO_OFF.replace("OFF\n# a comment\n", "OFF "),
    "no number of edges": TWO_OFF.replace("4 2 0", "4 2"),
    "comments everywhere": TWO_OFF.replace("\n", " # word 1 2 3\n\n#\n"),
    "colours of vertices": "COFF\n4 2 0\n" + NUMBERS.replace("\n", " 0.1 0.2 0.3 1\n") + " 0 0 0 1\n3 0 1 2\n3 0 2 3\n",
    "normals": "NOFF\n4 2 0\n" + NUMBERS.replace("\n", " 0 0 1\n") + " 0 0 1\n3 0 1 2\n3 0 2 3\n",
    "texture": "STOFF\n4 2 0\n" + NUMBERS.replace("\n", " 0 1\n") + " 0 1\n3 0 1 2\n3 0 2 3\n",
    "homogeneous": "4OFF\n4 2 0\n0 0 0 2\n2 0 0 2\n4 4 1 4\n0 1 0.5 1\n3 0 1 2\n3 0 2 3\n",
    "colours of faces": TWO_OFF.replace("3 0 1 2", "3 0 1 2 255 0 0").replace("3 0 2 3", "3 0 2 3 0.1 0.2 0.3 1.0"),
    "an edge among the faces": TWO_OFF.replace("4 2 0", "4 3 0") + "2 0 1\n",
}
TEXT_PLY = ascii_ply(["3 0 1 2", "3 0 2 3"]).decode()
PLY_FILES = {
    "comments in the body": TEXT_PLY.replace("end_header\n", "end_header\ncomment a 1\n") + "\n# end 2",
    "comments before the format": TEXT_PLY.replace("ply\n", "ply\ncomment 1\nobj_info 2\n"),
    "index": TEXT_PLY.replace("vertex_indices", "vertex_index"),
    "indices": TEXT_PLY.replace("vertex_indices", "indices"),
    "capitals": TEXT_PLY.replace("float x", "float X").replace("float y", "float Y").replace("float z", "float Z"),
    "colours that are no numbers": TEXT_PLY.replace(" 9 9 9\n", " -1.#IND nan(ind) 1.#INF\n").replace(
        "uchar ", "float ", 3
    ),
}
TEXTS = {
    **{f"{name}.stl": content for name, content in texts(ASCII_STL, STL).items()},
    **{f"{name}.obj": content for name, content in texts(OBJ + TWO, OBJ_FILES).items()},
    **{f"{name}.off": content for name, content in texts(TWO_OFF, OFF_FILES).items()},
    **{f"{name}.ply": content for name, content in texts(TEXT_PLY, PLY_FILES).items() if name != "decimal commas"},
}


def strips(order: str, numbers: list[int], kind: str = "i", name: str = "int") -> bytes:
    head = f"element tristrips 1\nproperty list int {name} vertex_indices\n"
    content = binary_ply(order, []).replace(b"element face 0\nproperty list uchar int vertex_indices\n", head.encode())
    return content + struct.pack(f"{order}i{len(numbers)}{kind}", len(numbers), *numbers)


def listed(count_type: str, index_type: str, codes: str) -> bytes:
    content = binary_ply("<", [], faces=2).replace(b"list uchar int", f"list {count_type} {index_type}".encode())
    return content + b"".join(struct.pack(f"<{codes[0]}3{codes[1]}", 3, *face) for face in ((0, 1, 2), (0, 2, 3)))


def around() -> bytes:
    """Return a file with unrelated elements around those of the mesh, and further lists beside a face's vertices."""
    head = (
        "ply\nformat binary_little_endian 1.0\nelement camera 1\nproperty float f\nproperty list uchar short s\n"
        "element empty 4000000000\nelement vertex 4\nproperty double nx\nproperty double x\nproperty double y\n"
        "property double z\nelement edge 1\nproperty int vertex1\nproperty int vertex2\nelement face 2\n"
        "property list uchar float texcoord\nproperty list ushort uint vertex_indices\nproperty uchar flags\n"
        "element material 1\nproperty uchar red\nend_header\n"
    )
    body = struct.pack("<fB2h", 1, 2, 3, 4)
    body += b"".join(struct.pack("<4d", np.nan, *corner) for corner in CORNERS) + struct.pack("<2i", 0, 1)
    body += struct.pack("<B6fH3IB", 6, *range(6), 3, 0, 1, 2, 9) + struct.pack("<BH3IB", 0, 3, 0, 2, 3, 9)
    return head.encode() + body + b"\7"


def big_endian(triangles: np.ndarray) -> bytes:
    content = binary_stl(triangles)
    records = np.frombuffer(content[84:], [("numbers", "<f4", 12), ("spare", "<u2")])
    return content[:80] + struct.pack(">I", len(triangles)) + records.astype(records.dtype.newbyteorder()).tobytes()


BINARY = {
    "count 0.stl": binary_stl(DOUBLED, count=0),
    "count at its greatest.stl": binary_stl(DOUBLED, count=2**32 - 1),
    "count one too high.stl": binary_stl(DOUBLED, count=101),
    "count too low.stl": binary_stl(DOUBLED, count=3),
    "two bytes more.stl": binary_stl(DOUBLED) + b"\0\0",
    "big-endian.stl": big_endian(DOUBLED),
    "big-endian count.stl": big_endian(DOUBLED)[:84] + binary_stl(DOUBLED)[84:],
    "two bytes more, count 0.stl": binary_stl(DOUBLED, count=0) + b"\0\0",
    "a text more.stl": binary_stl(DOUBLED) + b"made by hand, " * 30,
    "strip.ply": strips("<", [1, 2, 0, 3]),
    "strip, big end first.ply": strips(">", [1, 2, 0, 3]),
    "two strips.ply": strips("<", [0, 1, 2, -1, 2, 3, 0]),
    "a strip lengthened.ply": strips("<", [0, 1, 2, 2, 2, 3, 0]),
    "uint.ply": listed("uchar", "uint", "BI"),
    "short.ply": listed("int", "short", "ih"),
    "uchar.ply": listed("ushort", "uint8", "HB"),
    "double.ply": listed("uint8", "double", "Bd"),
    "around.ply": around(),
    "a mark.ply": b"\xef\xbb\xbf" + binary_ply("<", [[0, 1, 2], [0, 2, 3]]),
    "old Mac.ply": binary_ply("<", [[0, 1, 2], [0, 2, 3]]).split(b"end_header\n")[0].replace(b"\n", b"\r")
    + b"end_header\r"
    + binary_ply("<", [[0, 1, 2], [0, 2, 3]]).split(b"end_header\n")[1],
    "a few bytes more.ply": binary_ply("<", [[0, 1, 2], [0, 2, 3]]) + b"\1\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_read_however_a_program_or_a_country_writes_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(TEXTS[name])
    assert_same_triangles(read_mesh(tmp_path / name), FAN)


@pytest.mark.parametrize("name", BINARY)
def test_binary_files_are_read_where_what_is_odd_does_not_matter(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BINARY[name])
    assert_same_triangles(read_mesh(tmp_path / name), DOUBLED if name.endswith(".stl") else FAN)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("count 0.stl", "100"), ("count one too high.stl", "101"), ("count too low.stl", "3"),
        ("two bytes more.stl", ""), ("a text more.stl", ""), ("big-endian.stl", "big-endian"),
    ],
)  # fmt: skip
def test_a_wrong_count_is_remarked_on(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BINARY[name])
    notes = Notes()
    read_mesh(tmp_path / name, notes)
    assert bool(notes.remarks) == bool(said) and said in " ".join(notes.remarks)


def test_faces_of_two_corners_are_remarked_on(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(OBJ + TWO + "f 1 2\nf 3\n")
    notes = Notes()
    read_mesh(tmp_path / "a.obj", notes)
    assert len(notes.remarks) == 1 and "2" in notes.remarks[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_few_faces_without_a_place_are_left_out_and_said(bad: float, tmp_path: Path) -> None:
    triangles = DOUBLED.copy()
    triangles[[7, 20], [0, 2], [2, 1]] = bad
    (tmp_path / "a.stl").write_bytes(binary_stl(triangles))
    notes = Notes()
    np.testing.assert_array_equal(read_mesh(tmp_path / "a.stl", notes), np.delete(DOUBLED, [7, 20], axis=0))
    assert len(notes.left_out) == 1 and "2" in notes.left_out[0]
    triangles[:20, 0, 0] = bad
    (tmp_path / "a.stl").write_bytes(binary_stl(triangles))
    with pytest.raises(SinonomError):
        read_mesh(tmp_path / "a.stl")


@pytest.mark.parametrize("unused", [(0.0, 0.0, 0.0), (1e12, 0.0, 0.0), (np.nan, np.inf, 0.0)])
def test_a_vertex_that_no_face_names_costs_no_digits(unused: tuple[float, float, float], tmp_path: Path) -> None:
    offset = np.array([512_345.5, -2_345_678.25, 91.125])
    corners = np.vstack([offset + 0.025 * np.array(CORNERS), unused])
    head = ply("binary_little_endian", 5, 1, b"").replace(b"property uchar red\nproperty uchar green\n", b"")
    head = head.replace(b"property uchar blue\n", b"").replace(b"float", b"double")
    (tmp_path / "a.ply").write_bytes(head + corners.astype("<f8").tobytes() + struct.pack("<B4i", 4, 0, 1, 2, 3))
    got = read_mesh(tmp_path / "a.ply")
    np.testing.assert_allclose(got - got[0, 0], 0.025 * (FAN - FAN[0, 0]), atol=2e-9)


@pytest.mark.parametrize("name", ["a.stl", "a.ply", "a.obj", "a.off", "a.glb"])
def test_a_promise_of_billions_takes_no_memory(name: str, tmp_path: Path) -> None:
    import tracemalloc

    huge = 2_000_000_000
    content = {
        "a.stl": binary_stl(FAN, count=huge + 1)[:-1],
        "a.ply": binary_ply("<", [[0, 1, 2, 3]], faces=huge),
        "a.obj": (OBJ + f"f 1 2 {huge}\n").encode(),
        "a.off": OFF.replace("4 1 0", f"{huge} {huge} 0").encode() + b"4 0 1 2 3\n",
        "a.glb": b"glTF" + struct.pack("<3I4s", 2, huge, huge, b"JSON") + b"{}",
    }[name]
    (tmp_path / name).write_bytes(content)
    tracemalloc.start()
    with pytest.raises(SinonomError):
        read_mesh(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
