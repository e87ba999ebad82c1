"""Read the triangles of a glTF 2.0 scene (GLB and .gltf), quantized ones included, by the Khronos specification.

Everything without a shape is ignored: materials, textures, cameras, animations, points, lines. If an extension changes
shapes and is not supported here, the error names it.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.accessors import MESHOPT, Arrays
from sinonom_cli.meshes.polygons import bad_mesh, triangles_of
from sinonom_cli.meshes.strips import fan_triangles, strip_triangles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRIANGLES, STRIP, FAN = 4, 5, 6
DRACO = "KHR_draco_mesh_compression"
SHAPELESS = re.compile(
    r"KHR_(mesh_quantization|materials_|texture_|lights_|xmp|animation_)|EXT_(texture_|lights_)|MSFT_"
)
"""Extensions that a file may require and that do not change how its triangles are read."""
READ = (DRACO, *MESHOPT)
"""Extensions that are needed only where data are compressed; a file may hold the same data uncompressed as well."""


_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+:"


def read_gltf(path: Path, remarks: list[str] | None = None) -> "NDArray[np.float32]":
    """Read the triangles of the scene in a GLB or .gltf file, placed by the scene's nodes.

    Returns
    -------
    (F, 3, 3) float32; a mesh far from the origin is moved to the origin.

    Raises
    ------
    SinonomError
        If the file is not glTF 2.0, is cut short, lacks a file that it names, or needs an unsupported extension.
    """
    import numpy as np

    from sinonom_cli.parallel.products import product

    try:
        document, chunk = _parts(path, path.read_bytes())
        for name in document.get("extensionsRequired", []):
            if name not in READ and not SHAPELESS.match(name):
                raise ValueError(f"it needs the extension {name}, which is not read here")
        arrays = Arrays(document, list(_buffers(path, document, chunk)))
        points: list[Any] = [np.zeros((0, 3), np.float32)]
        faces: list[Any] = [np.zeros((0, 3), np.int64)]
        start = 0
        for primitive, place in _placed(document):
            corners, named = _triangles(arrays, primitive)
            if place is not None:
                corners = product(corners, place[:3, :3].T) + place[:3, 3]
                (a, b, c), (d, e, f), (g, h, i) = place[:3, :3].tolist()
                if a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0:
                    # If the determinant is negative, the node mirrors its mesh; by the specification, faces keep their
                    # outside.
                    named = named[:, ::-1]
            points.append(corners)
            faces.append(named + start)
            start += len(corners)
        return triangles_of(path, np.concatenate(points), np.concatenate(faces), remarks)
    except KeyError as error:
        raise bad_mesh(path, f"cannot be read as glTF: it lacks {error}") from None
    except (IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise bad_mesh(path, f"cannot be read as glTF: {error}") from None


def files_beside(path: Path) -> tuple[Path, ...]:
    """Return the other files that hold data of a glTF file; empty if the file cannot be read."""
    try:
        document, _ = _parts(path, path.read_bytes())
        addresses = [buffer.get("uri") for buffer in document.get("buffers", [])]
        return tuple(path.parent / unquote(name) for name in addresses if name and not re.match(_SCHEME, name))
    except (OSError, SinonomError, KeyError, TypeError, ValueError, AttributeError):
        return ()


def _parts(path: Path, content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the JSON of a GLB or .gltf file, and the bytes of a GLB's own buffer."""
    chunk, text = b"", content
    if content[:4] == b"glTF":
        version, length = int.from_bytes(content[4:8], "little"), int.from_bytes(content[8:12], "little")
        if version != 2:
            raise ValueError(f"only version 2 is read, and this is version {version}")
        if length > len(content):
            raise ValueError(f"cut short: {len(content):,} of {length:,} bytes")
        chunks = list(_chunks(content))
        if not chunks or chunks[0][0] != b"JSON":
            raise ValueError("its first chunk is not JSON")
        text = chunks[0][1]
        chunk = next((body for name, body in chunks[1:] if name == b"BIN\0"), b"")
    elif not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise bad_mesh(path, "not a glTF file")
    try:
        document = json.loads(text.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("its JSON is nested too deep") from None
    written = str(document.get("asset", {}).get("version", "2.0"))
    if written.split(".", maxsplit=1)[0] != "2":
        raise ValueError(f"only version 2 is read, and this is version {written}")
    return document, chunk


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "little")
        if at + 8 + length > len(content):
            raise ValueError(f"cut short: a chunk promises {length:,} bytes, {len(content) - at - 8:,} are there")
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += 8 + length


def _buffers(path: Path, document: dict[str, Any], chunk: bytes) -> Iterator[bytes]:
    """Return the bytes of each buffer: a GLB's own chunk, data inside the JSON, or a file beside it."""
    import base64

    for number, buffer in enumerate(document.get("buffers", [])):
        address = buffer.get("uri")
        if address is None:
            yield chunk if number == 0 else b""
        elif address.startswith("data:"):
            kind, _, data = address[5:].partition(",")
            yield base64.b64decode(unquote(data)) if kind.endswith(";base64") else unquote_to_bytes(data)
        elif re.match(_SCHEME, address):
            raise ValueError(f"its data are at {address.partition(':')[0]}:, and only files beside it are read")
        else:
            beside = path.parent / unquote(address)
            if not beside.is_file():  # reading a device would never end
                raise SinonomError(f"{path.name}: its data are in {beside.name}, which does not exist")
            try:
                yield beside.read_bytes()
            except OSError as error:
                raise SinonomError(f"{path.name}: its data in {beside.name} cannot be read: {error.strerror}") from None


def _placed(document: dict[str, Any]) -> "Iterator[tuple[dict[str, Any], NDArray[np.float64] | None]]":
    """Return each primitive of the scene with the 4 x 4 matrix that places it; None: the identity."""
    nodes, meshes = document.get("nodes", []), document.get("meshes", [])
    scenes = document.get("scenes", [])
    if scenes:
        roots = scenes[document.get("scene", 0)].get("nodes", [])
    else:
        below = {child for node in nodes for child in node.get("children", [])}
        roots = [number for number in range(len(nodes)) if number not in below]
    if not nodes:
        yield from ((primitive, None) for mesh in meshes for primitive in mesh["primitives"])
    pending: list[tuple[int, Any, int]] = [(root, None, 0) for root in reversed(roots)]
    while pending:
        number, above, depth = pending.pop()
        if depth > len(nodes):
            raise ValueError("its nodes contain each other in a circle")
        node = nodes[number]
        place = _product(above, _matrix(node))
        if "EXT_mesh_gpu_instancing" in node.get("extensions", {}):
            raise ValueError("it needs the extension EXT_mesh_gpu_instancing, which is not read here")
        if "mesh" in node:
            yield from ((primitive, place) for primitive in meshes[node["mesh"]]["primitives"])
        pending += [(child, place, depth + 1) for child in reversed(node.get("children", []))]


def _matrix(node: dict[str, Any]) -> "NDArray[np.float64] | None":
    """Return a node's own 4 x 4 matrix; None: the identity."""
    import numpy as np

    if "matrix" in node:
        return np.array(node["matrix"], float).reshape(4, 4).T
    if not {"translation", "rotation", "scale"} & node.keys():
        return None
    place = np.eye(4)
    quaternion = np.array(node.get("rotation", (0, 0, 0, 1)), float)
    length = math.hypot(*quaternion)
    if not 0 < length < np.inf:
        raise ValueError("a node is rotated by a quaternion whose length is 0 or infinite")
    x, y, z, w = quaternion / length
    place[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    place[:3, :3] *= np.array(node.get("scale", (1, 1, 1)), float)
    place[:3, 3] = node.get("translation", (0, 0, 0))
    return place


def _product(above: Any, own: Any) -> Any:
    from sinonom_cli.parallel.products import product

    return own if above is None else above if own is None else product(above, own)


def _triangles(arrays: Arrays, primitive: dict[str, Any]) -> "tuple[NDArray[Any], NDArray[np.int64]]":
    """Return the vertices of a primitive, (V, 3), and its triangles, (F, 3); empty for points and lines."""
    import numpy as np

    mode = primitive.get("mode", TRIANGLES)
    if mode not in (TRIANGLES, STRIP, FAN):
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    packed = primitive.get("extensions", {}).get(DRACO)
    if packed and "bufferView" not in arrays.accessors[primitive["attributes"]["POSITION"]]:
        return _draco(arrays.bytes_of(packed["bufferView"]))
    points = arrays.read(primitive["attributes"]["POSITION"])
    if points.shape[1] != 3:
        raise ValueError(f"a position has {points.shape[1]} numbers instead of 3")
    if "indices" in primitive:
        named = arrays.read(primitive["indices"])[:, 0].astype(np.int64)
    else:
        named = np.arange(len(points))
    if len(named) and named.max() >= len(points):
        raise ValueError(f"a face names vertex {named.max()}, of {len(points):,} counted from 0")
    if mode == TRIANGLES:
        return points, named[: len(named) // 3 * 3].reshape(-1, 3)
    return points, strip_triangles(named) if mode == STRIP else fan_triangles(named)


def _draco(content: bytes) -> "tuple[NDArray[Any], NDArray[np.int64]]":
    """Return the vertices and triangles in Draco's compressed bytes."""
    import numpy as np

    try:
        import DracoPy
    except ImportError:
        raise ValueError(f"it is compressed by {DRACO}, for which DracoPy is needed: pip install DracoPy") from None
    try:
        mesh = DracoPy.decode(content)
        return np.asarray(mesh.points), np.asarray(mesh.faces).reshape(-1, 3).astype(np.int64)
    except Exception as error:
        raise ValueError(f"data compressed by {DRACO} cannot be decoded: {error}") from None
