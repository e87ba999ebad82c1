"""Read PLY files, ASCII and binary, with polygons of any size and with any other properties.

Lists make a record's length depend on its content. Nearly always, all faces have the same number of corners, and the
element is one numpy array of records. Otherwise the element is read record by record.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.meshes.mesh_text import numbers_in, plain_text
from sinonom_cli.meshes.polygons import bad_mesh, triangles_of
from sinonom_cli.meshes.strips import strip_triangles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2"},
    **{"int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8"},
}
_ELEMENTS = {"vertices": "vertex", "faces": "face", "polygon": "face", "tristrip": "tristrips"}
_ELEMENTS |= {name: name for name in ("vertex", "face", "tristrips")}
_LISTS = ("vertex_indices", "vertex_index", "vertex_indexes", "vertexindices", "indices", "index")
"""Names that programs give the list of a face's vertices, the usual names first."""
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "="}


@dataclass
class _Element:
    """An element of the file. A property is (name, type, type of its count or "" if it is not a list)."""

    name: str
    count: int
    properties: list[tuple[str, str, str]] = field(default_factory=list)


def read_ply(path: Path, remarks: list[str] | None = None) -> "NDArray[np.float32]":
    """Read the faces of a PLY file, and its triangle strips.

    Returns
    -------
    (F, 3, 3) float32; polygons are split into triangles.

    Raises
    ------
    SinonomError
        If the file is not PLY, or holds more or less than its header promises, or a face names a vertex that does not
        exist.
    """
    import numpy as np

    content = path.read_bytes()
    try:
        elements, ascii_, body = _header(path, content)
        if ascii_:  # treated like a binary file in which every value is a double
            body = _ascii_numbers(body).tobytes()
        found, at = {}, 0
        for element in elements:
            found[element.name], at = _read(path, element, body, at)
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        reason = f"the type {error} is not known" if isinstance(error, KeyError) else error
        raise bad_mesh(path, f"cannot be read as PLY: {reason}") from None
    vertices = found.get("vertex", {})
    if not {"x", "y", "z"} <= vertices.keys():
        raise bad_mesh(path, "its vertices have no x, y and z")
    faces = _corners(found.get("face", {}))
    if len(body) - at >= _least_face(elements) and body[at:].strip(b"\0 \t\r\n"):
        raise bad_mesh(path, f"holds {len(body) - at:,} bytes more than its header promises")
    strips = [strip_triangles(strip) for strip in _corners(found.get("tristrips", {}))]
    if strips:
        faces = [*faces, *np.concatenate(strips)]
    return triangles_of(path, np.stack([vertices[axis] for axis in "xyz"], axis=1), faces, remarks)


def _corners(element: dict[str, Any]) -> Any:
    """Return the vertex lists of an element's faces or strips, under any of the property's names."""
    for name in _LISTS:
        if name in element:
            return element[name]
    return []


def _least_face(elements: list[_Element]) -> int:
    """Return the size of a triangle in bytes; if at least that many bytes remain, they count as further faces."""
    for element in elements:
        if element.name == "face":
            sizes = [int(t[-1]) * (3 if c else 1) + int(c[-1:] or 0) for _, t, c in element.properties]
            return max(1, sum(sizes))
    return 1


def _ascii_numbers(body: bytes) -> "NDArray[np.float64]":
    """Return the numbers of an ASCII body, which may contain comment lines."""
    import re

    try:
        return numbers_in(body)
    except ValueError:
        plain = re.sub(rb"^[ \t]*(?:comment|obj_info|#)[^\n]*", b"", body, flags=re.MULTILINE)
        if plain == body:
            raise
        return numbers_in(plain)


def _header(path: Path, content: bytes) -> tuple[list[_Element], bool, bytes]:
    """Return the elements with their types, whether the body is text, and the body."""
    import re

    if not content.startswith(b"ply"):
        content = plain_text(content)
    start = re.match(rb"ply[ \t]*(\r\n|\n|\r)", content)
    end = re.search(rb"(?:^|[\r\n])end_header[ \t]*(?:" + re.escape(start[1]) + rb"|\r?\n)", content) if start else None
    if not start or not end:
        raise bad_mesh(path, "not a PLY file, or its header is cut off")
    elements: list[_Element] = []
    order = ""
    for line in content[: end.start()].decode("ascii", "replace").splitlines()[1:]:
        match line.split():
            case ["format", form, *_]:
                order = _ORDERS[form]
            case ["element", name, count]:
                elements.append(_Element(_ELEMENTS.get(name.lower(), name), int(count)))
            case ["property", *_] if not elements:
                raise ValueError("a property stands before the first element")
            case ["property", "list", count_type, item_type, name]:
                types = ("f8", "f8") if order == "=" else (order + _TYPES[item_type], order + _TYPES[count_type])
                elements[-1].properties.append((_property(name), *types))
            case ["property", type_, name]:
                elements[-1].properties.append((_property(name), "f8" if order == "=" else order + _TYPES[type_], ""))
            case ["comment" | "obj_info", *_] | []:
                pass
            case _:
                raise ValueError(f"unknown header line {line!r}")
    if not order:
        raise ValueError("no format line")
    if any(element.count < 0 for element in elements):
        raise ValueError("an element's count is below 0")
    body = content[end.end() :]
    return elements, order == "=", plain_text(body) if order == "=" else body


def _property(name: str) -> str:
    """Return the spelling of a property's name that is used for look-ups."""
    return name.lower() if name.lower() in ("x", "y", "z", *_LISTS) else name


def _read(path: Path, element: _Element, body: bytes, at: int) -> tuple[dict[str, Any], int]:
    """Read the element that begins at byte `at`; return its properties by name and the byte where it ends."""
    import numpy as np

    if not element.count or not element.properties:
        return {}, at
    sizes = _first_sizes(path, element, body, at)
    fields: list[Any] = []
    for (name, type_, count_type), size in zip(element.properties, sizes, strict=True):
        fields += [(f"{name} count", count_type), (name, type_, (size,))] if count_type else [(name, type_)]
    record = np.dtype(fields)
    end = at + record.itemsize * element.count
    if end <= len(body):
        records = np.frombuffer(body, record, element.count, at)
        lists = [(name, size) for (name, _, c), size in zip(element.properties, sizes, strict=True) if c]
        if all((records[f"{name} count"] == size).all() for name, size in lists):
            return {name: records[name] for name, _, _ in element.properties}, end
    elif not any(count_type for _, _, count_type in element.properties):
        raise _cut_short(path, element)
    return _walk(path, element, body, at)


def _first_sizes(path: Path, element: _Element, body: bytes, at: int) -> list[int]:
    """Return the number of values that each property of the element's first record has."""
    sizes = []
    for _, type_, count_type in element.properties:
        size = 1
        if count_type:
            size, at = int(_values(path, element, body, at, count_type, 1)[0]), at + int(count_type[-1])
            if size < 0:
                raise ValueError(f"a list has {size} values")
        at += size * int(type_[-1])
        sizes.append(size)
    return sizes


def _walk(path: Path, element: _Element, body: bytes, at: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {name: [] for name, _, _ in element.properties}
    for _ in range(element.count):
        for name, type_, count_type in element.properties:
            size = 1
            if count_type:
                size, at = int(_values(path, element, body, at, count_type, 1)[0]), at + int(count_type[-1])
            values = _values(path, element, body, at, type_, size)
            found[name].append(values if count_type else values[0])
            at += size * int(type_[-1])
    return found, at


def _values(path: Path, element: _Element, body: bytes, at: int, type_: str, count: int) -> Any:
    import numpy as np

    if count < 0 or at + count * int(type_[-1]) > len(body):
        raise _cut_short(path, element)
    return np.frombuffer(body, type_, count, at)


def _cut_short(path: Path, element: _Element) -> Exception:
    return bad_mesh(path, f"is cut short, or its header is wrong: it promises {element.count:,} of {element.name!r}")
