"""Mesh files of four corners and two triangles, built without the code under test."""

import struct
from typing import Any

import numpy as np

CORNERS = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.25), (0.0, 1.0, 0.5))
FAN = np.array([[CORNERS[0], CORNERS[k], CORNERS[k + 1]] for k in (1, 2)], np.float32)

ASCII_STL = "solid square\n" + "".join(
    "facet normal 0 0 1\n outer loop\n"
    + "".join(f"  vertex {x} {y} {z:e}\n" for x, y, z in triangle)
    + " endloop\nendfacet\n"
    for triangle in FAN
)
ASCII_STL = (ASCII_STL + "endsolid square\n").replace("facet", "FACET", 1)


def binary_stl(triangles: np.ndarray[Any, Any], count: int | None = None, header: bytes = b"") -> bytes:
    body = b"".join(struct.pack("<12fH", 0, 0, 1, *triangle.ravel(), 7) for triangle in triangles)
    return header.ljust(80, b" ") + struct.pack("<I", len(triangles) if count is None else count) + body


def ply(form: str, vertices: int, faces: int, body: bytes) -> bytes:
    return (
        f"ply\nformat {form} 1.0\ncomment made by hand\nelement vertex {vertices}\nproperty float x\nproperty float y\n"
        f"property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nelement face {faces}\n"
        "property list uchar int vertex_indices\nend_header\n"
    ).encode() + body


def binary_ply(order: str, polygons: list[list[int]], corners: Any = CORNERS, **lies: int) -> bytes:
    body = b"".join(struct.pack(f"{order}3f3B", *corner, 9, 9, 9) for corner in corners)
    body += b"".join(struct.pack(f"{order}B{len(face)}i", len(face), *face) for face in polygons)
    name = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    return ply(name, lies.get("vertices", len(corners)), lies.get("faces", len(polygons)), body)


def ascii_ply(polygons: list[str], **lies: int) -> bytes:
    lines = [f"{x} {y} {z} 9 9 9" for x, y, z in CORNERS] + polygons
    return ply("ascii", lies.get("vertices", 4), lies.get("faces", len(polygons)), "\n".join(lines).encode())


OBJ = "".join(f"v {x} {y} {z}\n" for x, y, z in CORNERS)
OFF = "OFF\n# a comment\n4 1 0\n" + "".join(f"{x} {y} {z}\n" for x, y, z in CORNERS)


def assert_same_triangles(got: Any, want: Any, places: int = 5) -> None:
    """Assert that two lists have the same triangles with an area, in any order and from any first corner."""

    def turned(triangles: Any) -> list[Any]:
        rounded = (np.round(triangles, places) + 0.0).tolist()
        whole = [t for t in rounded if len({*map(tuple, t)}) == 3]
        return sorted(min(t[k:] + t[:k] for k in range(3)) for t in whole)

    assert turned(got) == turned(want)
