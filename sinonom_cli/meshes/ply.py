"""Read PLY files, ASCII and binary, with polygons of any size and with any other properties."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.meshes.mesh_text import bytes_of, numbers_in, plain_text
from sinonom_cli.meshes.ply_elements import Element, read_element
from sinonom_cli.meshes.polygons import Ragged, bad_mesh, triangles_of
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

    axes, faces = parts_of(path, bytes_of(path))
    return triangles_of(path, np.stack(axes, axis=1), faces, remarks)


def parts_of(path: Path, content: "NDArray[np.uint8]") -> "tuple[list[NDArray[Any]], NDArray[Any] | Ragged]":
    """Return the vertices and faces in the bytes of a PLY file.

    Returns
    -------
    axes : x, y and z of the vertices, each (V,), as the file has them.
    faces : vertex indices, (P, N) or `Ragged`, as the file has them; the triangles of its strips follow.

    Raises
    ------
    SinonomError
        If the file is not PLY, or holds more or less than its header promises.
    """
    try:
        elements, ascii_, body = _header(path, content)
        if ascii_:  # treated like a binary file in which every value is a double
            import numpy as np

            body = _ascii_numbers(body).view(np.uint8)
        found, at = {}, 0
        for element in elements:
            found[element.name], at = read_element(path, element, body, at)
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        reason = f"the type {error} is not known" if isinstance(error, KeyError) else error
        raise bad_mesh(path, f"cannot be read as PLY: {reason}") from None
    axes = [found.get("vertex", {}).get(axis) for axis in "xyz"]
    if not all(getattr(values, "ndim", 0) == 1 for values in axes):
        raise bad_mesh(path, "its vertices have no x, y and z")
    if len(body) - at >= _least_face(elements) and body[at:].tobytes().strip(b"\0 \t\r\n"):
        raise bad_mesh(path, f"holds {len(body) - at:,} bytes more than its header promises")
    faces, strips = _corners(path, found.get("face", {})), _corners(path, found.get("tristrips", {}))
    return axes, _with_strips(faces, strips) if len(strips) else faces  # type: ignore[return-value]


def _corners(path: Path, element: dict[str, Any]) -> "NDArray[Any] | Ragged":
    """Return the vertex lists of an element's faces or strips, under any of the property's names."""
    import numpy as np

    for name in _LISTS:
        if name in element:
            lists = element[name]
            if not isinstance(lists, Ragged) and lists.ndim != 2:
                raise bad_mesh(path, f"its property {name!r} is not a list")
            return lists
    return np.zeros((0, 3), np.int64)


def _with_strips(faces: "NDArray[Any] | Ragged", strips: "NDArray[Any] | Ragged") -> "NDArray[Any] | Ragged":
    """Return faces, and after them the triangles of strips."""
    import numpy as np

    triangles = np.concatenate([strip_triangles(strip) for strip in strips])
    if not len(faces):
        return triangles
    if not isinstance(faces, Ragged):
        faces = Ragged(faces.ravel(), np.full(len(faces), faces.shape[1]))
    sizes = np.concatenate([faces.sizes, np.full(len(triangles), 3)])
    return Ragged(np.concatenate([faces.corners, triangles.ravel()]), sizes)


def _least_face(elements: list[Element]) -> int:
    """Return the size of a triangle in bytes; if at least that many bytes remain, they count as further faces."""
    for element in elements:
        if element.name == "face":
            sizes = [int(t[-1]) * (3 if c else 1) + int(c[-1:] or 0) for _, t, c in element.properties]
            return max(1, sum(sizes))
    return 1


def _ascii_numbers(body: "NDArray[np.uint8]") -> "NDArray[np.float64]":
    """Return the numbers of an ASCII body, which may contain comment lines."""
    import re

    try:
        return numbers_in(body)
    except ValueError:
        text = plain_text(body.tobytes())
        plain = re.sub(rb"^[ \t]*(?:comment|obj_info|#)[^\n]*", b"", text, flags=re.MULTILINE)
        if plain == text:
            raise
        return numbers_in(plain)


def _header(path: Path, content: "NDArray[np.uint8]") -> "tuple[list[Element], bool, NDArray[np.uint8]]":
    """Return the elements with their types, whether the body is text, and the body."""
    import re

    import numpy as np

    if content[:3].tobytes() != b"ply":
        content = np.frombuffer(plain_text(content.tobytes()), np.uint8)
    start = re.match(rb"ply[ \t]*(\r\n|\n|\r)", content.data)
    end = (
        re.search(rb"(?:^|[\r\n])end_header[ \t]*(?:" + re.escape(start[1]) + rb"|\r?\n)", content.data)
        if start
        else None
    )
    if not start or not end:
        raise bad_mesh(path, "not a PLY file, or its header is cut off")
    elements: list[Element] = []
    order = ""
    for line in content[: end.start()].tobytes().decode("ascii", "replace").splitlines()[1:]:
        match line.split():
            case ["format", form, *_]:
                order = _ORDERS[form]
            case ["element", name, count]:
                elements.append(Element(_ELEMENTS.get(name.lower(), name), int(count)))
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
    return elements, order == "=", content[end.end() :]


def _property(name: str) -> str:
    """Return the spelling of a property's name that is used for look-ups."""
    return name.lower() if name.lower() in ("x", "y", "z", *_LISTS) else name
