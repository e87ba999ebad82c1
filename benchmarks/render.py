"""Claim: one core takes a mesh from file to levelled, toned and written 256 px PNG at least 6 times (20k faces) and
15 times (100k faces) as fast as Open3D's reader and ray casting write theirs; and memory stays flat.

Usage: python benchmarks/render.py [--repeats 15] [--many 1000]
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sinonom_cli.artifacts.files import save_png
from sinonom_cli.artifacts.stl import write_stl
from sinonom_cli.carve.carving import Carving
from sinonom_cli.carve.relief import carve_plate, mesh_of
from sinonom_cli.render.depth import load_open3d
from sinonom_cli.render.mesh import read_mesh
from sinonom_cli.render.picture import View, draw

# Read when a library starts its threads, which none of the above does on import.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

SIDES = {20_000: 111, 50_000: 174, 100_000: 244}
"""Vertices along a side of a carved plate with about so many faces."""


def carved(path: Path, side: int) -> int:
    """Carve a made-up character; return its number of faces."""
    picture = Image.new("L", (128, 128), 0)
    pen = ImageDraw.Draw(picture)
    for line in ((20, 30, 108, 30), (64, 10, 64, 118), (30, 64, 100, 64), (60, 70, 20, 110), (68, 70, 108, 110)):
        pen.line(line, fill=255, width=9)
    ink = np.asarray(picture, np.float32) / 255
    triangles = mesh_of(carve_plate(ink, Carving(resolution=side), np.random.default_rng(0)))
    write_stl(path, triangles)
    return len(triangles)


def by_open3d(open3d: object, mesh_path: Path, picture_path: Path) -> None:
    """Read, cast a ray for each pixel on one thread, and write the heights as PNG, neither levelled nor toned."""
    mesh = open3d.io.read_triangle_mesh(str(mesh_path))  # type: ignore[attr-defined]
    scene = open3d.t.geometry.RaycastingScene(nthreads=1)  # type: ignore[attr-defined]
    scene.add_triangles(open3d.t.geometry.TriangleMesh.from_legacy(mesh))  # type: ignore[attr-defined]
    at = ((np.arange(256) + 0.5) / 256 - 0.5).astype(np.float32) * np.float32(1.08)
    rays = np.zeros((256, 256, 6), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2], rays[..., 5] = at, -at[:, None], 2, -1
    hit = scene.cast_rays(open3d.core.Tensor(rays), nthreads=1)["t_hit"].numpy()  # type: ignore[attr-defined]
    shade = np.where(np.isfinite(hit), 255 * (hit - 1.5), 255).clip(0, 255)
    save_png(picture_path, shade.astype(np.uint8))


def by_us(mesh_path: Path, picture_path: Path) -> None:
    save_png(picture_path, draw(read_mesh(mesh_path), View()).picture)


def seconds(work: Callable[[], None]) -> float:
    start = time.process_time()  # of this one core: what else runs on the machine does not count
    work()
    return time.process_time() - start


def resident() -> float:
    """MiB that this process holds now."""
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    import psutil

    return psutil.Process().memory_info().rss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--many", type=int, default=1000, help="renders in a row for the memory figure")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    open3d = load_open3d("this benchmark")
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder, "picture.png")
        print("faces    sinonom ms  Open3D ms  ratio   (CPU time, median; each pair run in turn)")
        for side in SIDES.values():
            mesh = Path(folder, f"{side}.stl")
            faces = carved(mesh, side)
            by_us(mesh, png), by_open3d(open3d, mesh, png)
            pairs = [
                (seconds(lambda: by_us(mesh, png)), seconds(lambda: by_open3d(open3d, mesh, png)))  # noqa: B023
                for _ in range(options.repeats)
            ]
            ours, theirs = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{faces:7,} {ours:11.1f} {theirs:10.1f} {theirs / ours:6.1f}")
        mesh = Path(folder, f"{SIDES[50_000]}.stl")
        before = [by_us(mesh, png) for _ in range(50)] and resident()
        for _ in range(options.many):
            by_us(mesh, png)
        print(f"memory after {options.many} more renders of 50k faces: {resident() - before:+.1f} MiB of {before:.0f}")


if __name__ == "__main__":
    main()
