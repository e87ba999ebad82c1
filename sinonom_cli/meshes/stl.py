"""Read and write binary STL files in one pass, and read ASCII ones; inconsistent files are refused.

A binary STL is 80 bytes of header, a uint32 count, and 50 bytes for each triangle: normal, three vertices, two spare
bytes. Its header may begin with "solid", like that of an ASCII file, so the size decides, not the first word.
"""

import codecs
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.mesh_text import numbers_in, plain_text
from sinonom_cli.storage.atomic import replacing, write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADER = b"sinonom"  # must not begin with "solid": simple readers take such a file for ASCII

FAR = 2.0
"""Largest distance of a mesh from the origin, in units of its longest side; beyond it, float32 rounds the mesh's
details."""

_VERTEX = re.compile(rb"\bvertex\s+(\S+\s+\S+\s+\S+)")
_SOLID = re.compile(rb"^[ \t]*(?:end[ \t]*)?solid\b(?:(?!facet\s+normal\s+[-+.\d])[^\n])*", re.MULTILINE)
"""A line with a solid's name, which may contain any words."""
_END = re.compile(rb"\s*(?:end\s*solid\b.*)?", re.DOTALL)
_CUT = 0.01
"""Largest share of its triangles that a binary file may lack and count as having a wrong count rather than being cut
off."""
_FIELDS = [("normal", "<f4", 3), ("vertices", "<f4", (3, 3)), ("spare", "<u2")]


def read_stl(path: Path, remarks: list[str] | None = None) -> "NDArray[np.float32]":
    """Read a binary or ASCII STL file.

    Parameters
    ----------
    remarks : receives what is unusual about the file, if it can be read nevertheless.

    Returns
    -------
    (F, 3, 3) float32: F triangles of three vertices (x, y, z), in the file's units and order. Triangles of an ASCII
    file that lie far from the origin are moved there.

    Raises
    ------
    SinonomError
        If the file is empty, truncated or not STL.
    """
    import numpy as np

    content = path.read_bytes()
    if not content:
        raise _bad(path, "the file is empty")
    text = plain_text(content) if _may_be_text(content) else b""
    if text[:512].lstrip()[:5].lower() in (b"solid", b"facet") and b"\n" in text[:512]:
        return _read_ascii(path, text)
    if len(content) < 84:
        raise _bad(path, f"not an STL file: only {len(content)} bytes")
    count = _count(path, content, remarks)
    # Copying 36 bytes at a time, instead of nine numbers, is twice as fast.
    records = np.frombuffer(content, [("normal", "V12"), ("vertices", "V36"), ("spare", "V2")], count, 84)
    vertices = np.ascontiguousarray(records["vertices"]).view("<f4").reshape(-1, 3, 3)
    return vertices.astype(np.float32, copy=False)


def _count(path: Path, content: bytes, remarks: list[str] | None) -> int:
    """Return the number of triangles in a binary file: the header's count, unless the bytes contradict it.

    Programs that write while they scan leave the count at 0 or at its maximum; others add their own bytes at the end.
    """
    promised = int.from_bytes(content[80:84], "little")
    held, more = divmod(len(content) - 84, 50)
    if promised == held:
        return held
    lacking = promised - held
    cut_off = lacking > 0 and (more > 0 or held == 0 or (_CUT * promised < lacking < 0.9 * promised and lacking > 1))
    if cut_off:
        whole = (len(content) - 84) / 50
        raise _bad(
            path, f"its header promises {promised:,} triangles, its size holds {whole:,.1f}: truncated or not STL"
        )
    count = held if lacking > 0 or not promised or _are_triangles(content, promised, held) else promised
    if remarks is not None and count != promised:
        remarks.append(f"the header promises {promised:,} faces, the file holds {count:,}")
    return count


def _are_triangles(content: bytes, first: int, end: int) -> bool:
    """Return whether the end of a binary file, from triangle `first` on, holds triangles too.

    Normals of triangles have length 1, or length 0 if a program leaves them out.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        records = np.frombuffer(content, _FIELDS, end - first, 84 + 50 * first)
        lengths = np.linalg.norm(records["normal"], axis=1)
        fine = (np.abs(lengths - 1) < 0.01) | (lengths == 0)
    return bool(fine.mean() > 0.9)


def write_stl(path: Path, triangles: "NDArray[np.float32]") -> None:
    """Write a binary STL file, completely or not at all; normals follow the right-hand rule.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, vertices (x, y, z).
    """
    content = HEADER.ljust(80) + len(triangles).to_bytes(4, "little") + _records(triangles)
    write_bytes(path, content)


def write_stl_parts(path: Path, parts: "Iterable[NDArray[np.float32]]") -> int:
    """Write a binary STL file from parts of a mesh, one in memory at a time, completely or not at all.

    Parameters
    ----------
    parts : each (F, 3, 3) float32, as for `write_stl`.

    Returns
    -------
    The number of triangles.
    """
    count = 0
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(HEADER.ljust(80) + bytes(4))
        for triangles in parts:
            file.write(_records(triangles))
            count += len(triangles)
        file.seek(80)
        file.write(count.to_bytes(4, "little"))
    return count


def _records(triangles: "NDArray[np.float32]") -> bytes:
    import numpy as np

    records = np.zeros(len(triangles), _FIELDS)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    records["vertices"] = triangles
    return records.tobytes()


def single_precision(points: Any, used: "NDArray[np.bool_] | None" = None) -> "NDArray[np.float32]":
    """Return points as float32; points far from the origin are moved there first, so that no detail is lost.

    Scanners may give coordinates in the hundreds of thousands with fractions of a millimetre; float32 holds seven
    digits.

    Parameters
    ----------
    points : (..., 3), anything that numpy converts to an array of numbers.
    used : (N,) bool, which of the points a face names, in flat order; the others do not matter. None: all.
    """
    import numpy as np

    points = np.asarray(points)
    if points.dtype == np.float32 or not points.size:
        return points.astype(np.float32, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        flat = points.reshape(-1, 3).astype(np.float64, copy=False)
        fine = np.isfinite(flat).all(axis=1)
        flat = flat[fine if used is None else fine & used]
        if len(flat):
            low, high = flat.min(axis=0), flat.max(axis=0)
            middle = low + (high - low) / 2
            if np.abs(middle).max() > FAR * (high - low).max():
                points = points - middle
        return points.astype(np.float32)


def _bad(path: Path, reason: str) -> SinonomError:
    return SinonomError(f"{path.name}: {reason}", "export or copy the mesh again")


def _may_be_text(content: bytes) -> bool:
    """Return whether a file may be ASCII STL: a binary count below 16 million contains a NUL byte."""
    head = content[:512]
    return head.count(0) == 0 or (
        content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or content[:4].count(0) == 2
    )


def _read_ascii(path: Path, content: bytes) -> "NDArray[np.float32]":
    content = _SOLID.sub(b"", content.lower())
    facets, ends = len(re.findall(rb"\bfacet\b", content)), content.count(b"endfacet")
    if facets != ends or not _END.fullmatch(content[content.rfind(b"endfacet") :].removeprefix(b"endfacet")):
        raise _bad(path, f"ASCII STL that is cut off, at triangle {facets:,}")
    vertices = _VERTEX.findall(content)
    if len(vertices) != 3 * facets:
        raise _bad(path, f"ASCII STL with {facets:,} triangles but {len(vertices):,} vertices")
    try:
        return single_precision(numbers_in(b" ".join(vertices), 9 * facets).reshape(-1, 3, 3))
    except ValueError as error:
        raise _bad(path, f"ASCII STL with a coordinate that is not a number: {error}") from None
