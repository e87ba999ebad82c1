"""Write a mesh as binary glTF 2.0 (GLB), which browsers and most programs open."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.meshes.accessors import TYPES

_CODES = {dtype: code for code, dtype in TYPES.items()}


def glb(vertices: NDArray[np.float32], faces: NDArray[np.integer]) -> bytes:
    """Return a GLB file with one mesh.

    Parameters
    ----------
    vertices : (V, 3) float32, in the mesh's own units; V >= 1.
    faces : (F, 3) indices of vertices; F >= 1.
    """
    number = "<u2" if len(vertices) < 65_536 else "<u4"
    points = np.ascontiguousarray(vertices, "<f4").tobytes()
    indices = np.ascontiguousarray(faces, number).tobytes()
    views = [
        {"buffer": 0, "byteOffset": 0, "byteLength": len(points), "target": 34962},
        {"buffer": 0, "byteOffset": len(points), "byteLength": len(indices), "target": 34963},
    ]
    accessors: list[dict[str, Any]] = [
        {
            "bufferView": 0,
            "componentType": _CODES["<f4"],
            "count": len(vertices),
            "type": "VEC3",
            "min": [float(value) for value in vertices.min(axis=0)],
            "max": [float(value) for value in vertices.max(axis=0)],
        },
        {"bufferView": 1, "componentType": _CODES[number], "count": int(faces.size), "type": "SCALAR"},
    ]
    binary = _padded(points + indices, b"\0")
    document = {
        "asset": {"version": "2.0", "generator": "sinonom"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": views,
        "accessors": accessors,
    }
    text = _padded(json.dumps(document, separators=(",", ":")).encode("ascii"), b" ")
    chunks = _chunk(b"JSON", text) + _chunk(b"BIN\0", binary)
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def _padded(content: bytes, sign: bytes) -> bytes:
    return content + sign * (-len(content) % 4)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + kind + content
