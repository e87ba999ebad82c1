"""Read and write FAISS files that hold floats (`flat`) or half floats (`fp16`) one after another behind a header.

The files are written block by block in FAISS' format of an IndexFlatL2 or of an IndexScalarQuantizer with QT_fp16. They
are read without FAISS, and every size that a header claims is compared with that of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER = struct.Struct("<4siqqqBiQ")
"""Header of an IndexFlatL2: fourcc, dimension, vectors, two unused words, is_trained, metric, floats that follow."""
HALF_HEADER = struct.Struct("<4siqqqBiiifQQQQ")
"""Header of an IndexScalarQuantizer: the same first seven fields, then quantizer type, kind and argument of its range,
dimension, bytes of a vector, length of the trained range (0), and bytes that follow."""
FLAT_L2, SCALAR, METRIC_L2, FP16, _UNUSED = b"IxF2", b"IxSQ", 1, 4, 1 << 20


@dataclass(frozen=True)
class Plain:
    """Layout of one type of these files: its header, and the dtype of its numbers."""

    header: struct.Struct
    dtype: str

    def packed(self, count: int, dimension: int) -> bytes:
        """Return the header for `count` vectors."""
        common = dimension, count, _UNUSED, _UNUSED, 1, METRIC_L2
        if self.header is HEADER:
            return HEADER.pack(FLAT_L2, *common, count * dimension)
        return HALF_HEADER.pack(SCALAR, *common, FP16, 0, 0.0, dimension, 2 * dimension, 0, 2 * count * dimension)


PLAIN = {"flat": Plain(HEADER, "<f4"), "fp16": Plain(HALF_HEADER, "<f2")}
FACTORY = {"flat": "Flat", "fp16": "SQfp16"}
"""FAISS' factory string of each type."""


def write_plain(path: Path, kind: str, vectors: Iterable[NDArray[np.floating]]) -> tuple[int, int, bool]:
    """Write blocks of (n, D) float as an index of type `kind`; return N, D and whether all vectors have unit length."""
    with path.open("wb") as file:
        file.write(bytes(PLAIN[kind].header.size))
        count, dimension, unit = append_vectors(file, vectors, PLAIN[kind].dtype)
        file.seek(0)
        file.write(PLAIN[kind].packed(count, dimension))
    return count, dimension, unit


def append_vectors(file: Any, vectors: Iterable[NDArray[np.floating]], dtype: str = "<f4") -> tuple[int, int, bool]:
    """Write blocks of (n, D) float at the position of `file`; return N, D and whether all vectors have unit length.

    Raises
    ------
    SinonomError
        If a number is too large for `dtype`.
    """
    count, dimension, unit = 0, 0, True
    half, most = dtype == "<f2", float(np.finfo(dtype).max)
    for block in vectors:
        if half and block.size and np.abs(block).max() > most:
            raise SinonomError(
                f"an embedding holds {np.abs(block).max():.4g}; half floats end at {most:.0f}", "use --type flat"
            )
        file.write(np.ascontiguousarray(block, dtype).data)
        count, dimension = count + len(block), block.shape[1]
        with np.errstate(over="ignore"):  # an infinite length is not 1 either
            lengths = np.linalg.norm(np.asarray(block, np.float32), axis=1)
        unit = unit and bool(np.allclose(lengths, 1.0, atol=1e-3 if half else 1e-4))
    return count, dimension, unit


def vectors_in(content: NDArray[np.uint8], kind: str, dimension: object) -> NDArray[np.floating] | None:
    """Return the vectors in a file's bytes as a view, (N, D) float32 or float16; None if the header is wrong.

    Parameters
    ----------
    content : 1-D uint8; may be mapped.
    kind : "flat" or "fp16".
    dimension : number of dimensions that the vectors should have.
    """
    plain = PLAIN[kind]
    size = plain.header.size
    if content.nbytes < size:
        return None
    head = content[:size].tobytes()
    _, length, count = struct.unpack_from("<4siq", head)
    if length != dimension or length < 1 or not 0 <= count <= content.nbytes:
        return None
    wanted = plain.packed(count, length)
    if head[:16] != wanted[:16] or head[32:] != wanted[32:]:  # FAISS does not read the two words between them
        return None
    if content.nbytes != size + count * length * np.dtype(plain.dtype).itemsize:
        return None
    return content[size:].view(plain.dtype).reshape(count, length)
