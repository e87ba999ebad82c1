"""STL files: binary ones read and written in one pass, ASCII ones read; whatever lies about itself is refused.

A binary STL is 80 bytes of header, a uint32 count, and 50 bytes for each triangle: normal, three vertices, two spare
bytes. The header may begin with "solid", as an ASCII file does, so the size decides, not the first word.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.artifacts.files import write_bytes
from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADER = b"sinonom"  # must not begin with "solid": careless readers take such a file for ASCII

FAR = 2.0
"""How many times its longest side a mesh may lie away from the origin before float32 begins to round its details."""

_VERTEX = re.compile(rb"\bvertex\s+(\S+\s+\S+\s+\S+)")
_FIELDS = [("normal", "<f4", 3), ("vertices", "<f4", (3, 3)), ("spare", "<u2")]


def read_stl(path: Path) -> "NDArray[np.float32]":
    """Read a binary or ASCII STL file.

    Returns
    -------
    (F, 3, 3) float32: F triangles of three vertices (x, y, z), in the file's units and order. An ASCII
    file's that lie far from the origin are moved there.

    Raises
    ------
    SinonomError
        If the file is empty, truncated, not STL, or its triangle count does not match its size.
    """
    import numpy as np

    content = path.read_bytes()
    if not content:
        raise _bad(path, "the file is empty")
    if _is_ascii(content):
        return _read_ascii(path, content)
    if len(content) < 84:
        raise _bad(path, f"not an STL file: only {len(content)} bytes")
    count = int.from_bytes(content[80:84], "little")
    if len(content) != 84 + 50 * count:
        whole = (len(content) - 84) / 50
        raise _bad(path, f"its header promises {count:,} triangles, its size holds {whole:,.1f}: truncated or not STL")
    # Copied as 36 bytes at a time, not as nine numbers: twice as fast.
    records = np.frombuffer(content, [("normal", "V12"), ("vertices", "V36"), ("spare", "V2")], count, 84)
    vertices = np.ascontiguousarray(records["vertices"]).view("<f4").reshape(-1, 3, 3)
    return vertices.astype(np.float32, copy=False)


def write_stl(path: Path, triangles: "NDArray[np.float32]") -> None:
    """Write a binary STL file, whole or not at all; normals follow the right-hand rule.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, vertices (x, y, z).
    """
    import numpy as np

    records = np.zeros(len(triangles), _FIELDS)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    records["vertices"] = triangles
    write_bytes(path, HEADER.ljust(80) + len(triangles).to_bytes(4, "little") + records.tobytes())


def numbers_in(text: bytes, count: int = -1) -> "NDArray[np.float64]":
    """Return the numbers in a text, separated by white space, (N,) float64; NaN and infinities are numbers.

    Raises
    ------
    ValueError
        If something else stands in it, or, where `count` is given, not so many numbers.
    """
    import warnings

    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            numbers = np.fromstring(text, sep=" ") if text.strip() else np.zeros(0)
        except DeprecationWarning:
            raise ValueError("not a number") from None
    if count not in (-1, len(numbers)):
        raise ValueError(f"{len(numbers):,} numbers instead of {count:,}")
    return numbers


def single_precision(points: Any) -> "NDArray[np.float32]":
    """Return points as float32; those that lie far from the origin, moved there first, so that no detail is lost.

    Scanners give coordinates in the hundreds of thousands with fractions of a millimetre; float32 holds seven digits.

    Parameters
    ----------
    points : (..., 3) of any type that makes an array of numbers.
    """
    import numpy as np

    points = np.asarray(points)
    if points.dtype == np.float32 or not points.size:
        return points.astype(np.float32, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        flat = points.reshape(-1, 3).astype(np.float64, copy=False)
        flat = flat[np.isfinite(flat).all(axis=1)]
        if len(flat):
            low, high = flat.min(axis=0), flat.max(axis=0)
            middle = low + (high - low) / 2
            if np.abs(middle).max() > FAR * (high - low).max():
                points = points - middle
        return points.astype(np.float32)


def _bad(path: Path, reason: str) -> SinonomError:
    return SinonomError(f"{path.name}: {reason}", "export or copy the mesh again")


def _is_ascii(content: bytes) -> bool:
    start = content[:512].lstrip()
    # The count of a binary file of less than 16 million triangles has a NUL byte; text has none.
    return start[:5].lower() == b"solid" and b"\0" not in start and b"\n" in start


def _read_ascii(path: Path, content: bytes) -> "NDArray[np.float32]":
    content = content.lower()
    facets = len(re.findall(rb"\bfacet\s+normal\b", content))
    if facets != content.count(b"endfacet") or b"endsolid" not in content[-1024:]:
        raise _bad(path, f"ASCII STL that ends before its end, at triangle {facets:,}")
    vertices = _VERTEX.findall(content)
    if len(vertices) != 3 * facets:
        raise _bad(path, f"ASCII STL with {facets:,} triangles but {len(vertices):,} vertices")
    try:
        return single_precision(numbers_in(b" ".join(vertices), 9 * facets).reshape(-1, 3, 3))
    except ValueError as error:
        raise _bad(path, f"ASCII STL with a coordinate that is no number: {error}") from None
