"""Test the glTF reader: everything that the specification allows is read as it says; unsupported features are named."""

import base64
import sys
from pathlib import Path

import numpy as np
import pytest
from tinyfiles import CORNERS, FAN, assert_same_triangles
from tinygltf import Scene
from tinymesh import open3d_or_skip

from sinonom_cli.cli import run
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.meshes.read import read_mesh

POINTS = np.array(CORNERS, "<f4")
FACES = np.array([0, 1, 2, 0, 2, 3], "<u2")


def plain() -> Scene:
    scene = Scene()
    return scene.primitive(scene.array(POINTS), scene.array(FACES))


def quantized(kind: str, normalized: bool) -> Scene:
    """Return a scene of whole numbers that the node's scale turns back; numbers of `kind` "i2" and "i1" are signed."""
    scene, most = Scene(), np.iinfo(np.dtype(kind)).max
    whole = np.array(CORNERS) * 100
    corners = scene.array(whole.round().astype("<" + kind), normalized=normalized)
    scale = (most if normalized else 1) / 100
    scene.json["nodes"][0]["scale"] = [scale, scale, scale]
    scene.json["extensionsRequired"] = scene.json["extensionsUsed"] = ["KHR_mesh_quantization"]
    return scene.primitive(corners, scene.array(FACES))


def strided() -> Scene:
    """Return a scene whose positions and normals alternate, starting a few bytes into the buffer."""
    scene = Scene()
    rows = np.hstack([np.zeros((4, 3), "<f4"), POINTS])
    view = scene.view(rows.tobytes(), byteStride=24)
    scene.json["accessors"] += [
        {"bufferView": view, "byteOffset": 12, "componentType": 5126, "count": 4, "type": "VEC3"}
    ]
    return scene.primitive(0, scene.array(FACES))


def sparse(base: bool) -> Scene:
    """Return a scene of four corners, two of which are sparse; the others are in a view, or (0, 0, 0)."""
    scene = Scene()
    corners = POINTS.copy()
    corners[[1, 3]] = 7
    if not base:
        corners = POINTS.copy()
    index = scene.array(corners)
    entry = scene.json["accessors"][index]
    apart = [1, 3] if base else [1, 2, 3]
    if not base:
        del entry["bufferView"]
    indices = {"bufferView": scene.view(np.array(apart, "u1").tobytes()), "componentType": 5121}
    values = {"bufferView": scene.view(POINTS[apart].tobytes())}
    entry["sparse"] = {"count": len(apart), "indices": indices, "values": values}
    return scene.primitive(index, scene.array(FACES))


def two_primitives() -> Scene:
    scene = Scene()
    corners = scene.array(POINTS)
    scene.primitive(corners, scene.array(FACES[:3])).primitive(corners, scene.array(FACES[3:].astype("<u4")))
    scene.primitive(corners, mode=0).primitive(corners, scene.array(FACES), mode=1)  # these are points and lines
    return scene


def nested_nodes() -> Scene:
    """Return a scene in which each triangle is a mesh, placed by nested nodes: moved, rotated, scaled, by a matrix."""
    scene = Scene()
    scene.json["meshes"].append({"primitives": []})
    place = np.array([[0, 0, 2, 0.5], [2, 0, 0, -1], [0, 2, 0, 0.25], [0, 0, 0, 1]])
    back = (np.linalg.inv(place) @ np.c_[POINTS, np.ones(4)].T).T[:, :3].astype("<f4")
    scene.primitive(scene.array(back), scene.array(FACES[:3]))
    half = np.sqrt(0.5)  # rotation by 90 degrees about z, then a shift: (x, y) becomes (1 - y, x), and twice as large
    turned = np.stack([POINTS[:, 1], 1 - POINTS[:, 0], POINTS[:, 2]], axis=1).astype("<f4") / 2
    scene.primitive(scene.array(turned), scene.array(FACES[3:]), mesh=1)
    scene.json["cameras"] = [{"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1}}]
    scene.json["nodes"] = [
        {"children": [1, 3], "name": "camera", "camera": 0},
        {"children": [2], "matrix": place.T.ravel().tolist()},
        {"mesh": 0},
        {"mesh": 1, "translation": [1, 0, 0], "rotation": [0, 0, half, half], "scale": [2, 2, 2]},
    ]
    return scene


def without_scenes() -> Scene:
    scene = plain()
    del scene.json["scenes"], scene.json["scene"]
    return scene


def without_indices() -> Scene:
    scene = Scene()
    return scene.primitive(scene.array(POINTS[FACES]))


def strip(mode: int, numbers: list[int]) -> Scene:
    scene = Scene()
    return scene.primitive(scene.array(POINTS), scene.array(np.array(numbers, "<u2")), mode=mode)


def fallback() -> Scene:
    """Return a scene of compressed data, with the same data uncompressed for readers that cannot decode them."""
    scene = plain()
    scene.json["extensionsUsed"] = ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_materials_unlit"]
    scene.json["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": {"buffer": 0, "byteLength": 1}}
    packed = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
    scene.json["meshes"][0]["primitives"][0]["extensions"] = packed
    return scene


SCENES = {
    "plain": plain,
    "whole numbers": lambda: quantized("u2", False),
    "whole numbers with a sign": lambda: quantized("i2", False),
    "fractions of 65535": lambda: quantized("u2", True),
    "fractions of 127": lambda: quantized("i1", True),
    "strided": strided,
    "sparse": lambda: sparse(True),
    "sparse on nothing": lambda: sparse(False),
    "two primitives": two_primitives,
    "nested nodes": nested_nodes,
    "without scenes": without_scenes,
    "without indices": without_indices,
    "strip": lambda: strip(5, [1, 2, 0, 3]),
    "fan": lambda: strip(6, [0, 1, 2, 3]),
    "fallback": fallback,
}


@pytest.mark.parametrize("name", SCENES)
def test_what_the_specification_allows_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(SCENES[name]().glb())
    assert_same_triangles(read_mesh(tmp_path / "a.glb"), FAN)


def test_data_in_the_json_or_in_a_file_beside_it_are_read(tmp_path: Path) -> None:
    scene = plain()
    (tmp_path / "chữ 字.bin").write_bytes(scene.blob)
    inside = "data:application/octet-stream;base64," + base64.b64encode(scene.blob).decode()
    for name, uri in (("a.gltf", "ch%E1%BB%AF%20%E5%AD%97.bin"), ("b.gltf", inside), ("c.gltf", "chữ 字.bin")):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + scene.gltf(uri))
        assert_same_triangles(read_mesh(tmp_path / name), FAN)


def test_a_mirrored_node_keeps_its_faces_outside(tmp_path: Path) -> None:
    scene = plain()
    scene.json["nodes"][0]["scale"] = [-1, 1, 1]
    (tmp_path / "a.glb").write_bytes(scene.glb())
    got = read_mesh(tmp_path / "a.glb")
    normals = np.cross(got[:, 1] - got[:, 0], got[:, 2] - got[:, 0])
    assert (normals[:, 2] > 0).all() and got[:, :, 0].min() == -1


def test_open3d_reads_the_same(tmp_path: Path) -> None:
    open3d = open3d_or_skip()
    for name in ("plain", "strided", "two primitives", "nested nodes"):
        (tmp_path / "a.glb").write_bytes(SCENES[name]().glb())
        theirs = open3d.io.read_triangle_mesh(str(tmp_path / "a.glb"))
        assert_same_triangles(np.asarray(theirs.vertices)[np.asarray(theirs.triangles)], FAN)


def damaged(change: str) -> bytes:
    scene = plain()
    views, accessors, nodes = scene.json["bufferViews"], scene.json["accessors"], scene.json["nodes"]
    match change:
        case "version":
            scene.json["asset"]["version"] = "1.0"
        case "a view beyond the end":
            views[0]["byteLength"] = 10**12
        case "more values than bytes":
            accessors[0]["count"] = 10**12
        case "billions of nothing":
            del accessors[0]["bufferView"]
            accessors[0]["count"] = 10**12
        case "a vertex that is not there":
            accessors[0]["count"] = 3
        case "a circle":
            nodes[0]["children"] = [0]
        case "no view of that number":
            accessors[0]["bufferView"] = -1
        case "a type that is none":
            accessors[0]["componentType"] = 5124
        case "flat positions":
            accessors[0]["type"] = "SCALAR"
        case "points alone":
            scene.json["meshes"][0]["primitives"][0]["mode"] = 0
        case "a list for a number":
            nodes[0]["scale"] = [[1], 2, 3]
        case "no turn at all":
            nodes[0]["rotation"] = [0, 0, 0, 0]
    return scene.glb()


CHANGES = (
    *("version", "a view beyond the end", "more values than bytes", "billions of nothing", "a circle"),
    *("a vertex that is not there", "no view of that number", "a type that is none", "flat positions"),
    *("points alone", "a list for a number", "no turn at all"),
)


@pytest.mark.parametrize("change", CHANGES)
def test_what_the_specification_forbids_is_one_clear_line(change: str, tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(damaged(change))
    with pytest.raises(SinonomError) as caught:
        read_mesh(tmp_path / "a.glb")
    assert caught.value.code == ExitCode.BAD_INPUT
    assert caught.value.message.startswith("a.glb") and "\n" not in caught.value.message


def test_half_a_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    content = plain().glb()
    for length in range(1, len(content), 7):
        (tmp_path / "a.glb").write_bytes(content[:length])
        with pytest.raises(SinonomError):
            read_mesh(tmp_path / "a.glb")


def test_a_missing_file_is_named_and_so_is_data_on_the_network(tmp_path: Path) -> None:
    for uri, named in (
        ("lost%20one.bin", "lost one.bin"),
        ("https://example.org/a.bin", "https:"),
        (".", tmp_path.name),
    ):
        (tmp_path / "a.gltf").write_bytes(plain().gltf(uri))
        with pytest.raises(SinonomError, match=named):
            read_mesh(tmp_path / "a.gltf")


def compressed(extension: str) -> Scene:
    """Return a scene whose positions exist only compressed by `extension`."""
    scene = plain()
    scene.json["extensionsRequired"] = scene.json["extensionsUsed"] = [extension]
    if extension == "KHR_draco_mesh_compression":
        for accessor in scene.json["accessors"]:
            del accessor["bufferView"]
        packed = {extension: {"bufferView": 0, "attributes": {"POSITION": 0}}}
        scene.json["meshes"][0]["primitives"][0]["extensions"] = packed
    elif extension == "EXT_mesh_gpu_instancing":
        scene.json["nodes"][0]["extensions"] = {extension: {"attributes": {}}}
    else:
        scene.json["bufferViews"][0] |= {"buffer": 1, "extensions": {extension: {"buffer": 0, "byteLength": 4}}}
    return scene


EXTENSIONS = (
    *("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression"),
    *("EXT_mesh_gpu_instancing", "ACME_shapes"),
)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_extension_that_is_not_read_is_named(
    extension: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "DracoPy", None)  # this makes the import fail
    (tmp_path / "a.glb").write_bytes(compressed(extension).glb())
    assert run(["render", str(tmp_path / "a.glb"), str(tmp_path / "out"), "--workers", "0"]) == ExitCode.BAD_INPUT
    assert extension in capsys.readouterr().err


def test_what_draco_has_compressed_is_read_where_its_package_is_there(tmp_path: Path) -> None:
    draco = pytest.importorskip("DracoPy")
    scene = compressed("KHR_draco_mesh_compression")
    content = draco.encode(POINTS.astype(float), FACES.reshape(-1, 3).astype(np.uint32), quantization_bits=16)
    packed = scene.json["meshes"][0]["primitives"][0]["extensions"]["KHR_draco_mesh_compression"]
    packed["bufferView"] = scene.view(content)
    (tmp_path / "a.glb").write_bytes(scene.glb())
    assert_same_triangles(read_mesh(tmp_path / "a.glb"), FAN, 3)
    (tmp_path / "b.glb").write_bytes(compressed("KHR_draco_mesh_compression").glb())  # the data are not Draco's
    with pytest.raises(SinonomError, match="KHR_draco_mesh_compression"):
        read_mesh(tmp_path / "b.glb")
