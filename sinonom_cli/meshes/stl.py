"""Read and write binary STL files in one pass, and read ASCII ones; inconsistent files are refused.

A binary STL is 80 bytes of header, a uint32 count, and 50 bytes for each triangle: normal, three vertices, two spare
bytes. Its header may begin with "solid", like that of an ASCII file, so the size decides, not the first word.
"""

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.mesh_text import bytes_of, numbers_in, plain_text, usual_text
from sinonom_cli.storage.atomic import replacing, write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADER = b"sinonom"  # must not begin with "solid": simple readers take such a file for ASCII

_VERTEX = re.compile(rb"\bvertex\s+(\S+\s+\S+\s+\S+)")
_SOLID = re.compile(rb"^[ \t]*(?:end[ \t]*)?solid\b(?:(?!facet\s+normal\s+[-+.\d])[^\n])*", re.MULTILINE)
"""A line with a solid's name, which may contain any words."""
_END = re.compile(rb"\s*(?:end\s*solid\b.*)?", re.DOTALL)
_COMMENTS = re.compile(rb"(?:\s*(?:#|;|//)[^\n]*\n)*\s*")
"""Comments above the first line, which the format does not have."""
_ENDS = b"\x1a\0 \t\r\n"
"""Bytes that old programs write after a text."""
_CUT = 0.01
"""Largest share of its triangles that a binary file may lack and count as having a wrong count rather than being cut
off."""
TEXT, LEAST_TEXT = "is text, but not ASCII STL: no line with `solid` or `facet` comes first", 20
"""What is said of other text, and of how many bytes it is at least."""
HEAD = 84
"""Number of bytes before the first triangle of a binary file."""
BLOCK = 1 << 18
"""Largest number of triangles that are copied at a time."""
_LOOKED_AT = 4096
"""Number of bytes from which it is seen whether a file is text."""
_AT_ONCE = 1 << 20
"""Number of triangles whose normals are looked at together."""
_RECORD = [("normal", "V12"), ("vertices", "V36"), ("spare", "V2")]
"""A triangle of a binary file; copying 36 bytes at a time, instead of nine numbers, is twice as fast."""
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

    if not path.stat().st_size:
        raise _bad(path, "the file is empty")
    if is_text(path):
        content = bytes_of(path)
        text = usual_text(content)
        return _read_text(path, plain_text(content.tobytes()) if text is None else text)
    count, at = faces_in(path, remarks), 0
    triangles = np.empty((count, 3, 3), np.float32)
    for block in binary_blocks(path, count, BLOCK):
        triangles[at : at + len(block)] = block
        at += len(block)
    return triangles


def binary_blocks(path: Path, count: int, size: int) -> "Iterator[NDArray[np.float32]]":
    """Yield the first `count` triangles of a binary file, at most `size` at a time, (N, 3, 3) float32 each.

    Raises
    ------
    SinonomError
        If the file has been shortened since its triangles were counted.
    """
    import numpy as np

    order = ">" if _is_big_endian(path, count) else "<"
    with path.open("rb") as file:
        file.seek(HEAD)
        for start in range(0, count, size):
            wanted = min(size, count - start)
            records = np.fromfile(file, _RECORD, wanted)
            if len(records) < wanted:
                raise _bad(path, f"was shortened while it was read, to {start + len(records):,} triangles")
            vertices = np.ascontiguousarray(records["vertices"]).view(order + "f4").reshape(-1, 3, 3)
            yield vertices.astype(np.float32, copy=False)


def faces_in(path: Path, remarks: list[str] | None) -> int:
    """Return the number of triangles in a binary file: the header's count, unless the bytes contradict it.

    Programs that write while they scan leave the count at 0 or at its maximum; others add their own bytes at the end.

    Raises
    ------
    SinonomError
        If the file is shorter than its header promises.
    """
    with path.open("rb") as file:
        promised = int.from_bytes(file.read(HEAD)[HEAD - 4 :], "little")
        size = file.seek(0, os.SEEK_END)
    if size < HEAD:
        raise _bad(path, TEXT if size > LEAST_TEXT and _is_plain_text(path) else f"not an STL file: only {size} bytes")
    held, more = divmod(size - HEAD, 50)
    if promised == held:
        return held
    if more == 0 and _is_big_endian(path, held):
        if remarks is not None:
            remarks.append("its numbers are big-endian, which the format does not allow")
        return held
    lacking = promised - held
    cut_off = lacking > 0 and (more > 0 or held == 0 or (_CUT * promised < lacking < 0.9 * promised and lacking > 1))
    if cut_off and _is_plain_text(path):
        raise _bad(path, TEXT)
    if cut_off:
        whole = (size - HEAD) / 50
        raise _bad(
            path, f"its header promises {promised:,} triangles, its size holds {whole:,.1f}: truncated or not STL"
        )
    count = held if lacking > 0 or not promised or _are_triangles(path, promised, held) else promised
    if remarks is not None and count != promised:
        remarks.append(f"the header promises {promised:,} faces, the file holds {count:,}")
    return count


def _is_big_endian(path: Path, count: int) -> bool:
    """Return whether a binary file of `count` triangles has its numbers in the byte order that the format forbids.

    The header's count says so, unless the normals have length 1 in the usual order.
    """
    import numpy as np

    with path.open("rb") as file:
        written = file.read(HEAD)[HEAD - 4 :]
    if int.from_bytes(written, "little") == count or int.from_bytes(written, "big") != count:
        return False
    records = np.fromfile(path, _FIELDS, min(count, 1000), offset=HEAD)
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(records["normal"], axis=1)
    return bool((np.abs(lengths - 1) < 0.01).mean() < 0.5)


def _are_triangles(path: Path, first: int, end: int) -> bool:
    """Return whether the end of a binary file, from triangle `first` on, holds triangles too.

    Normals of triangles have length 1, or length 0 if a program leaves them out.
    """
    import numpy as np

    fine = 0
    for start in range(first, end, _AT_ONCE):
        records = np.fromfile(path, _FIELDS, min(_AT_ONCE, end - start), offset=HEAD + 50 * start)
        with np.errstate(all="ignore"):
            lengths = np.linalg.norm(records["normal"], axis=1)
        fine += int(((np.abs(lengths - 1) < 0.01) | (lengths == 0)).sum())
    return fine > 0.9 * (end - first)


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


def _bad(path: Path, reason: str) -> SinonomError:
    return SinonomError(f"{path.name}: {reason}", "export or copy the mesh again")


def is_text(path: Path) -> bool:
    """Return whether a file is ASCII STL, in any encoding."""
    with path.open("rb") as file:
        content = file.read(_LOOKED_AT)
    if not _may_be_text(content[:512]):
        return False
    head = plain_text(content)[:512]
    start = _COMMENTS.match(head)
    return b"\n" in head and head[start.end() if start else 0 :][:5].lower() in (b"solid", b"facet")


def _is_plain_text(path: Path) -> bool:
    """Return whether a file begins with printable ASCII."""
    with path.open("rb") as file:
        return all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in file.read(_LOOKED_AT))


def _may_be_text(head: bytes) -> bool:
    """Return whether a file may be ASCII STL: a binary count below 16 million contains a NUL byte."""
    return head.count(0) == 0 or head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or head[:4].count(0) == 2


def _read_text(path: Path, text: "bytes | NDArray[np.uint8]") -> "NDArray[np.float32]":
    """Read ASCII STL of any form."""
    import numpy as np

    from sinonom_cli.meshes.stl_text import plain_facets

    triangles = plain_facets(np.frombuffer(text, np.uint8))
    return _read_ascii(path, plain_text(bytes(text))) if triangles is None else triangles


def _read_ascii(path: Path, content: bytes) -> "NDArray[np.float32]":
    from sinonom_cli.meshes.precision import single_precision

    content = _SOLID.sub(b"", content.lower().rstrip(_ENDS))
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
