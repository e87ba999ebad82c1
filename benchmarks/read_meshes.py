"""Compare the user time of reading meshes with Open3D's, and measure height maps of large meshes read in blocks.

formats  User time (processor time without the system's) to read a plate of 1.8 million faces in each format, in the
         same run as Open3D's, whose mesh keeps its vertices apart while ours is (F, 3, 3). Best of several times.
blocks   A binary STL and a binary PLY of 10 million faces into a height map: time, and peak memory of the process.

Run: `python benchmarks/read_meshes.py [--only formats|blocks] [--faces 1800000] [--large 10000000] [--folder DIR]`.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Libraries read this when they start their threads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from processes import peak_memory  # noqa: E402

from sinonom_cli.meshes.read import read_mesh  # noqa: E402
from sinonom_cli.meshes.stream import blocks_of, scan_heights  # noqa: E402
from sinonom_cli.meshes.zbuffer import load_open3d  # noqa: E402

WIDE = 300.0
"""Width of the plate in mm."""
PIXEL = 0.1
"""Side of a pixel of the height map in mm: a character 9 mm wide has 90."""
REPEATS = 3
LINES = 1 << 16
"""Number of lines that are written together."""


def plate(faces: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the vertices (V, 3) and faces (F, 3) of an uneven square plate with about `faces` faces."""
    side = round((faces / 2) ** 0.5) + 1
    at = np.linspace(0, WIDE, side, dtype=np.float32)
    x, y = np.meshgrid(at, at)
    z = np.sin(x / 3) * np.cos(y / 4) + np.random.default_rng(0).normal(0, 0.02, x.shape)
    corner = np.arange(side * side).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]))
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    return np.stack([x, y, z], axis=-1).reshape(-1, 3).astype(np.float32), triangles


def lines(form: str, rows: NDArray[Any]) -> Iterator[bytes]:
    """Yield rows of numbers as text, each in the form `form`."""
    for start in range(0, len(rows), LINES):
        part = rows[start : start + LINES]
        yield (form * len(part) % tuple(part.ravel().tolist())).encode()


def ply_head(form: str, vertices: int, faces: int) -> bytes:
    head = f"ply\nformat {form} 1.0\nelement vertex {vertices}\nproperty float x\nproperty float y\nproperty float z\n"
    return f"{head}element face {faces}\nproperty list uchar int vertex_indices\nend_header\n".encode()


def stl_parts(points: NDArray[np.float32], faces: NDArray[np.int64]) -> Iterator[bytes]:
    """Yield the bytes of a binary STL."""
    yield b"plate".ljust(80) + struct.pack("<I", len(faces))
    for start in range(0, len(faces), LINES):
        records = np.zeros(
            len(faces[start : start + LINES]), [("normal", "<f4", 3), ("v", "<f4", (3, 3)), ("s", "<u2")]
        )
        records["normal"][:, 2], records["v"] = 1, points[faces[start : start + LINES]]
        yield records.tobytes()


def ply_parts(points: NDArray[np.float32], faces: NDArray[np.int64], quad: bool = False) -> Iterator[bytes]:
    """Yield the bytes of a binary PLY; `quad` makes two triangles in the middle one quad."""
    yield ply_head("binary_little_endian", len(points), len(faces) - quad) + points.astype("<f4").tobytes()
    half = len(faces) // 2
    for start, end in ((0, half), (half + 2 * quad, len(faces))):
        records = np.zeros(end - start, [("count", "u1"), ("corners", "<i4", 3)])
        records["count"], records["corners"] = 3, faces[start:end]
        yield records.tobytes()
        if quad and not start:
            yield struct.pack("<B4i", 4, *faces[half], faces[half + 1, 1])


def glb_parts(points: NDArray[np.float32], faces: NDArray[np.int64]) -> Iterator[bytes]:
    """Yield the bytes of a GLB."""
    sizes = [points.nbytes, faces.size * 4]
    views = [
        {"buffer": 0, "byteOffset": offset, "byteLength": size}
        for offset, size in zip((0, sizes[0]), sizes, strict=True)
    ]
    box = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
    accessors = [
        {"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3", **box},
        {"bufferView": 1, "componentType": 5125, "count": faces.size, "type": "SCALAR"},
    ]
    document = {
        "asset": {"version": "2.0"}, "buffers": [{"byteLength": sum(sizes)}], "bufferViews": views,
        "accessors": accessors, "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}], "scene": 0,
    }  # fmt: skip
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    yield b"glTF" + struct.pack("<3I", 2, 28 + len(text) + sum(sizes), len(text)) + b"JSON" + text
    yield struct.pack("<I", sum(sizes)) + b"BIN\0" + points.astype("<f4").tobytes() + faces.astype("<u4").tobytes()


def text_parts(kind: str, points: NDArray[np.float32], faces: NDArray[np.int64]) -> Iterator[bytes]:
    """Yield the bytes of a mesh as text, with the digits that programs usually write."""
    counted = np.column_stack([np.full(len(faces), 3), faces])
    if kind == "stl":
        vertex = "vertex %.6e %.6e %.6e\n"
        yield b"solid plate\n"
        yield from lines(
            f"facet normal 0.000000e+00 0.000000e+00 1.000000e+00\nouter loop\n{3 * vertex}endloop\nendfacet\n",
            points[faces].reshape(-1, 9),
        )
        yield b"endsolid plate\n"
        return
    heads = {
        "ply": ply_head("ascii", len(points), len(faces)),
        "off": f"OFF\n{len(points)} {len(faces)} 0\n".encode(),
        "obj": b"# plate\n",
    }
    yield heads[kind]
    yield from lines("v %.6f %.6f %.6f\n" if kind == "obj" else "%.6f %.6f %.6f\n", points)
    yield from lines("f %d %d %d\n", faces + 1) if kind == "obj" else lines("%d %d %d %d\n", counted)


def user_seconds(work: Callable[[], object]) -> float:
    """Return the user time of all threads of this process."""
    started = os.times().user
    work()
    return os.times().user - started


def formats(folder: Path, faces: int) -> None:
    """Print the user time for each format, and Open3D's."""
    open3d = load_open3d("this benchmark")
    points, corners = plate(faces)
    files: dict[str, Iterator[bytes]] = {
        "binary.stl": stl_parts(points, corners),
        "ascii.stl": text_parts("stl", points, corners),
        "binary.ply": ply_parts(points, corners),
        "one quad.ply": ply_parts(points, corners, quad=True),
        "ascii.ply": text_parts("ply", points, corners),
        "text.obj": text_parts("obj", points, corners),
        "text.off": text_parts("off", points, corners),
        "binary.glb": glb_parts(points, corners),
    }
    print(f"{len(corners):,} faces; user time, best of {REPEATS}, and as a ratio of Open3D {open3d.__version__}'s")
    for name, parts in files.items():
        path = folder / name
        with path.open("wb") as file:
            file.writelines(parts)
        assert len(read_mesh(path)) == len(corners)  # numba compiles here, the first time
        theirs, ours = [], []
        for _ in range(REPEATS):
            theirs.append(user_seconds(lambda path=path: open3d.io.read_triangle_mesh(str(path))))
            ours.append(user_seconds(lambda path=path: read_mesh(path)))
        size, ratio = path.stat().st_size / 1e6, min(ours) / max(min(theirs), 0.01)
        print(f"  {name:13}{size:5.0f} MB  {min(ours):5.2f} s, Open3D {min(theirs):5.2f} s: {ratio:.2f}", flush=True)
        path.unlink()


def blocks(folder: Path, faces: int) -> None:
    """Print time and memory of height maps, each made by a process of its own."""
    points, corners = plate(faces)
    for name, parts in (("binary.stl", stl_parts(points, corners)), ("binary.ply", ply_parts(points, corners))):
        path = folder / name
        with path.open("wb") as file:
            file.writelines(parts)
        subprocess.run([sys.executable, __file__, "--scan", str(path)], check=True)
        path.unlink()


def scan(path: Path) -> None:
    """Print time and memory of one height map."""
    points, corners = plate(200)
    small = [points[corners]]
    scan_heights(small, np.eye(3), PIXEL)  # numba compiles here, the first time
    started, wall = time.process_time(), time.perf_counter()
    faces = 0

    def counted() -> Iterator[NDArray[np.float32]]:
        nonlocal faces
        for block in blocks_of(path):
            faces += len(block)
            yield block

    rows, columns = scan_heights(counted(), np.eye(3), PIXEL).heights.shape
    took, wall = time.process_time() - started, time.perf_counter() - wall
    print(
        f"{faces:,} faces of {path.name}, {path.stat().st_size / 1e9:.2f} GB, into {columns:,} x {rows:,} pixels: "
        f"{took:.1f} s of processor time, {wall:.1f} s on the clock, {peak_memory():.2f} GiB of memory at most",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["formats", "blocks"], help="default: both")
    parser.add_argument("--faces", type=int, default=1_800_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="folder for the files, which are removed; default: a temporary one")
    parser.add_argument("--scan", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scan:
        scan(options.scan)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        if options.only != "blocks":
            formats(Path(folder), options.faces)
        if options.only != "formats":
            blocks(Path(folder), options.large)


if __name__ == "__main__":
    main()
