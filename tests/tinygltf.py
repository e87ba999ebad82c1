"""Build glTF documents for tests, array by array, by the specification."""

import json
import struct
from typing import Any

import numpy as np

KINDS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}


class Scene:
    """A glTF document with one node, one mesh and no primitive yet."""

    def __init__(self) -> None:
        self.blob = b""
        self.json: dict[str, Any] = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": []}
        self.json |= {"scenes": [{"nodes": [0]}], "scene": 0, "nodes": [{"mesh": 0}], "meshes": [{"primitives": []}]}

    def view(self, content: bytes, **more: Any) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        place = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(content)}
        self.json["bufferViews"].append(place | more)
        self.blob += content
        return len(self.json["bufferViews"]) - 1

    def array(self, values: np.ndarray[Any, Any], **more: Any) -> int:
        view = self.view(values.tobytes())
        kind = {1: "SCALAR", 3: "VEC3"}[1 if values.ndim == 1 else values.shape[1]]
        entry = {"bufferView": view, "componentType": KINDS[values.dtype.str[1:]], "count": len(values), "type": kind}
        self.json["accessors"].append(entry | more)
        return len(self.json["accessors"]) - 1

    def primitive(self, points: int, faces: int | None = None, mesh: int = 0, **more: Any) -> "Scene":
        made = {"attributes": {"POSITION": points}, **({} if faces is None else {"indices": faces}), **more}
        self.json["meshes"][mesh]["primitives"].append(made)
        return self

    def glb(self) -> bytes:
        self.json["buffers"] = [{"byteLength": len(self.blob)}]
        text = json.dumps(self.json).encode()
        text += b" " * (-len(text) % 4)
        blob = self.blob + b"\0" * (-len(self.blob) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(blob), b"BIN\0") + blob
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

    def gltf(self, uri: str) -> bytes:
        self.json["buffers"] = [{"byteLength": len(self.blob), "uri": uri}]
        return json.dumps(self.json).encode()
