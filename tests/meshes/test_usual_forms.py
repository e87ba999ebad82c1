"""Test the one-pass readers of text: whatever they read, the readers of any form read the same way.

The readers of any form go by regular expressions and lines. Damaged files show that the one-pass readers leave to them
whatever they would read differently.
"""

import random
import struct
from pathlib import Path

import numpy as np
import pytest
from tinyfiles import ASCII_STL, CORNERS, FAN, OBJ, OFF, binary_ply

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes import obj, obj_text, off, off_text, stl, stl_text
from sinonom_cli.meshes.mesh_text import usual_text
from sinonom_cli.meshes.read import Notes, read_mesh

Outcome = tuple[bytes, list[str]] | None
COLOURED = "COFF\n4 2 0\n" + "".join(f"{x} {y} {z} 9 9 9 255\n" for x, y, z in CORNERS) + "3 0 1 2 255 0 0\n4 0 1 2 3\n"
SEEDS = {
    "a.stl": [ASCII_STL, ASCII_STL.replace("solid square", "solid a b"), ASCII_STL + ASCII_STL.upper()],
    "a.obj": [
        OBJ + "f 1 2 3\nf 1 3 4\n",
        "# a\n" + OBJ + "vt 0 1\nf -4/1 -3/1 2//1 4 # b\\\nusemtl c.d\nf 1 2 \\\n3\n",
    ],
    "a.off": [OFF + "4 0 1 2 3\n", COLOURED, "4OFF 4 2\n" + COLOURED[COLOURED.index("0.0") :].replace(" 255\n", "\n")],
}
PLY = (
    "ply\nformat ascii 1.0\nelement vertex {}\nproperty double x\nproperty double y\nproperty double z\n"
    "element face {}\nproperty list uchar int vertex_indices\nend_header"
)
LETTERS = "0123456789.-+eE /\\#\n\r\t\vvf,naxsolidcte"


def outcomes(path: Path, contents: list[bytes]) -> list[Outcome]:
    """Return for each content of a file the bytes of its triangles and the remarks; None if it is refused."""
    read = {"a.stl": stl.read_stl, "a.obj": obj.read_obj, "a.off": off.read_off}[path.name]
    found: list[Outcome] = []
    for content in contents:
        remarks: list[str] = []
        path.write_bytes(content)
        try:
            with np.errstate(all="ignore"):
                found.append((read(path, remarks).tobytes(), remarks))
        except SinonomError:
            found.append(None)
    return found


def without_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the one-pass readers refuse everything."""
    monkeypatch.setattr(stl_text, "plain_facets", lambda *_: None)
    nothing = np.zeros(0, np.int64)
    monkeypatch.setattr(obj_text, "plain_lines", lambda *_: (np.zeros((0, 3)), nothing, nothing, False, False))
    monkeypatch.setattr(off_text, "plain_lines", lambda *_: (np.zeros((0, 3)), nothing, nothing, False))


def damaged(text: str, rng: random.Random) -> bytes:
    """Return a text with one to three changes: letters put in, taken out or replaced, or lines moved or cut off."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text))
        end = at + rng.randrange(1, 4)
        lines = text.split("\n")
        rng.shuffle(lines)
        text = (
            rng.choices(
                (
                    text[:at] + rng.choice(LETTERS) + text[at:],
                    text[:at] + text[end:],
                    text[:at] + rng.choice(LETTERS) + text[at + 1 :],
                    text.replace("\n", rng.choice(("\r\n", "\r", " \n", "\n\n", "\n  "))),
                    text[:at],
                    "\n".join(lines),
                    text.replace(rng.choice(text), rng.choice(LETTERS)),
                ),
                (8, 8, 8, 2, 1, 1, 1),
            )[0]
            or "x"
        )
    return text.encode()


@pytest.mark.parametrize("name", SEEDS)
def test_a_damaged_text_is_read_or_refused_as_by_the_reader_of_any_form(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(0)
    contents = [damaged(text, rng) for text in SEEDS[name] for _ in range(1200)]
    got = outcomes(tmp_path / name, contents)
    without_fast_path(monkeypatch)
    for content, one, other in zip(contents, got, outcomes(tmp_path / name, contents), strict=True):
        assert one == other, content
    assert 0.1 * len(got) < sum(found is None for found in got) < 0.9 * len(got)


@pytest.mark.parametrize("name", SEEDS)
def test_usual_texts_are_read_in_one_pass(name: str) -> None:
    for text in (SEEDS[name][0], SEEDS[name][0].replace("\n", "\r\n"), SEEDS[name][0].replace(" ", "\t ")):
        content = usual_text(np.frombuffer(text.encode(), np.uint8))
        if name == "a.stl":
            np.testing.assert_array_equal(stl_text.plain_facets(content), FAN)
        elif name == "a.obj":
            points, corners, sizes, *plain = obj_text.plain_lines(content)
            np.testing.assert_array_equal(points[corners].reshape(-1, 3, 3), FAN)
            assert sizes.tolist() == [3, 3] and all(plain)
        else:
            points, corners, sizes, plain = off_text.plain_lines(content, 3, 3)
            np.testing.assert_array_equal(points, CORNERS)
            assert corners.tolist() == [0, 1, 2, 3] and sizes.tolist() == [4] and plain


def many_polygons(count: int) -> tuple[np.ndarray, list[list[int]]]:
    """Return corners of a grid and random triangles, quads and larger polygons over it, of two corners some."""
    rng = random.Random(4)
    corners = np.random.default_rng(4).normal(size=(count, 3)).astype(np.float32)
    return corners, [rng.sample(range(count), rng.choice((2, 3, 3, 3, 4, 5))) for _ in range(count)]


@pytest.mark.parametrize("name", ["little.ply", "big.ply", "text.ply", "a.obj", "a.off"])
def test_polygons_of_all_sizes_come_in_order_of_their_sizes(name: str, tmp_path: Path) -> None:
    corners, polygons = many_polygons(500)
    rows = [" ".join(map(repr, corner)) for corner in corners.astype(float).tolist()]
    listed = [" ".join(map(str, polygon)) for polygon in polygons]
    counted = [f"{len(polygon)} {text}" for polygon, text in zip(polygons, listed, strict=True)]
    from_one = [" ".join(str(corner + 1) for corner in polygon) for polygon in polygons]
    contents = {
        "little.ply": binary_ply("<", polygons, corners),
        "big.ply": binary_ply(">", polygons, corners),
        "text.ply": "\n".join([PLY.format(len(rows), len(polygons)), *rows, *counted]).encode(),
        "a.obj": "\n".join([*(f"v {row}" for row in rows), *(f"f {text}" for text in from_one)]).encode(),
        "a.off": "\n".join(["OFF", f"{len(rows)} {len(polygons)} 0", *rows, *counted]).encode(),
    }
    (tmp_path / name).write_bytes(contents[name])
    notes = Notes()
    got = read_mesh(tmp_path / name, notes)
    sizes = [len(polygon) for polygon in polygons]
    triangles = [polygon for polygon in polygons if len(polygon) == 3]
    np.testing.assert_array_equal(got[: len(triangles)], corners[triangles])
    assert len(got) == sum(max(0, size - 2) for size in sizes)
    assert f"{sizes.count(2)} faces" in notes.remarks[0]
    for at, polygon in enumerate(p for p in polygons if len(p) == 4):
        two = got[len(triangles) + 2 * at : len(triangles) + 2 * at + 2].reshape(-1, 3)
        assert {tuple(corner) for corner in two.tolist()} == {tuple(corner) for corner in corners[polygon].tolist()}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("index", ["uchar B", "short h", "uint I", "float f", "double d"])
@pytest.mark.parametrize(
    "count", ["char b", "uchar B", "short h", "ushort H", "int i", "uint I", "float f", "double d"]
)
def test_lists_of_any_type_may_differ_in_length(order: str, count: str, index: str, tmp_path: Path) -> None:
    (count_name, c), (index_name, i) = count.split(), index.split()
    head = (
        f"ply\nformat binary_{'little' if order == '<' else 'big'}_endian 1.0\nelement vertex 4\nproperty float x\n"
        f"property float y\nproperty float z\nelement face 3\nproperty list {count_name} uchar tags\n"
        f"property double weight\nproperty list {count_name} {index_name} vertex_indices\nend_header\n"
    )
    body = b"".join(struct.pack(f"{order}3f", *corner) for corner in CORNERS)
    for tags, polygon in (([], [0, 1, 2]), ([9] * 100, [2, 1, 0, 3]), ([7], [0, 2, 3])):
        body += struct.pack(
            f"{order}{c}{len(tags)}Bd{c}{len(polygon)}{i}", len(tags), *tags, 1e9, len(polygon), *polygon
        )
    (tmp_path / "a.ply").write_bytes(head.encode() + body)
    np.testing.assert_array_equal(read_mesh(tmp_path / "a.ply")[:2], FAN)
    assert len(read_mesh(tmp_path / "a.ply")) == 4
    for end in range(len(head) + 1, len(head) + len(body), 7):
        (tmp_path / "a.ply").write_bytes((head.encode() + body)[:end])
        with pytest.raises(SinonomError):
            read_mesh(tmp_path / "a.ply")
