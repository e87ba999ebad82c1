"""Test claims about `render`: those that are named, or all.

speed   One core turns a mesh file into a levelled, toned 256 px PNG file at least 6 times (20k faces) and 15 times
        (100k faces) as fast as Open3D's reader and ray casting, which neither level nor tone.
batch   `sinonom render` of 1,000 meshes of 50k faces: two workers are at least 1.8 times as fast as one; memory does
        not grow.
memory  `sinonom render` of 10,000 meshes: the memory of no process grows.
resume  A batch of 100,000 items, all done except 100, resumes within seconds, whatever the items are.

Usage: python benchmarks/render.py [CLAIM ...] [--repeats 30] [--meshes 1000] [--many 10000] [--items 100000]
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from processes import Watched, watch

from sinonom_cli.meshes.read import read_mesh
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.meshes.zbuffer import load_open3d
from sinonom_cli.parallel.batch import BatchOptions, Item, TableRow, fill
from sinonom_cli.parallel.processes import keep_freed_memory
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.plate import carve_plate, mesh_of
from sinonom_cli.render.render import View, draw
from sinonom_cli.storage.atomic import save_png

# Libraries read this when they start their threads; none of the imports above starts threads.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

SIDES = {20_000: 111, 50_000: 174, 100_000: 244}
"""Numbers of vertices along a side of a carved plate, by the approximate number of its faces."""
SMALL = 33
"""Number of vertices along a side of a small mesh with about 1,800 faces, for large batches."""
BLOCK = 5
"""Number of meshes that one renderer draws before the other has its turn, because batches work with warm caches."""


def carved(path: Path, side: int, seed: int = 0) -> int:
    """Carve an invented character into a mesh file; return its number of faces."""
    picture = Image.new("L", (128, 128), 0)
    pen = ImageDraw.Draw(picture)
    for line in ((20, 30, 108, 30), (64, 10, 64, 118), (30, 64, 100, 64), (60, 70, 20, 110), (68, 70, 108, 110)):
        pen.line(line, fill=255, width=9)
    ink = np.asarray(picture, np.float32) / 255
    triangles = mesh_of(carve_plate(ink, Carving(resolution=side), np.random.default_rng(seed)))
    write_stl(path, triangles)
    return len(triangles)


def by_open3d(open3d: object, mesh_path: Path, picture_path: Path) -> None:
    """Read a mesh, cast a ray for each pixel on one thread, and write the heights as PNG, not levelled or toned."""
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


def seconds(work: Callable[[], None]) -> list[float]:
    """Return the processor time of each run of a block, which does not include other programs."""
    times = [time.process_time()]
    for _ in range(BLOCK):
        work()
        times.append(time.process_time())
    return [after - before for before, after in itertools.pairwise(times)]


def speed(folder: Path, options: argparse.Namespace) -> None:
    if hasattr(os, "sched_setaffinity"):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})
    keep_freed_memory()  # workers of a batch do this too; it makes Open3D faster as well
    open3d, png = load_open3d("this benchmark"), folder / "picture.png"
    print(f"faces    sinonom ms  Open3D ms  ratio   (processor time, median of {options.repeats}, in turns of {BLOCK})")
    for side in SIDES.values():
        mesh = folder / f"{side}.stl"
        faces = carved(mesh, side)
        by_us(mesh, png), by_open3d(open3d, mesh, png)
        ours, theirs = [], []
        for _ in range(-(-options.repeats // BLOCK)):
            ours += seconds(lambda: by_us(mesh, png))  # noqa: B023
            theirs += seconds(lambda: by_open3d(open3d, mesh, png))  # noqa: B023
        a, b = 1000 * statistics.median(ours), 1000 * statistics.median(theirs)
        print(f"{faces:7,} {a:11.1f} {b:10.1f} {b / a:6.1f}")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, allowed)


def meshes(folder: Path, side: int, count: int) -> Path:
    """Make a folder with `count` files that are hard links to four meshes."""
    folder.mkdir()
    for k in range(min(4, count)):
        carved(folder / f"{k:06}.stl", side, k)
    for k in range(4, count):
        os.link(folder / f"{k % 4:06}.stl", folder / f"{k:06}.stl")
    return folder


def rendered(scans: Path, out: Path, workers: int) -> Watched:
    command = [sys.executable, "-m", "sinonom_cli", "render", str(scans), str(out), "--workers", str(workers), "-q"]
    return watch(subprocess.Popen(command, stdout=subprocess.DEVNULL), out / "images")


def batch(folder: Path, options: argparse.Namespace) -> None:
    scans = meshes(folder / "scans", SIDES[50_000], options.meshes)
    runs = {workers: rendered(scans, folder / f"by {workers}", workers) for workers in (1, 2)}
    for workers, run in runs.items():
        print(
            f"{options.meshes:,} meshes of 50k faces, --workers {workers}: {run.first:.1f} s to the first picture, "
            f"then {run.rate:.0f} a second; {1000 * run.processor / options.meshes:.1f} ms of processor a mesh in all"
        )
        print(f"    {run.memory}")
    print(f"two workers against one, once started: {runs[2].rate / runs[1].rate:.2f} times as many; load {load()}")


def memory(folder: Path, options: argparse.Namespace) -> None:
    run = rendered(meshes(folder / "small", SMALL, options.many), folder / "many", 2)
    print(f"{options.many:,} small meshes, --workers 2, {run.rate:.0f} a second: {run.memory}")


def resume(folder: Path, options: argparse.Namespace) -> None:
    items = [Item(f"a/{k // 1000}/{k:07}.stl", folder, size=1) for k in range(options.items)]
    for name, some in (("all but 100", items[:-100]), ("the last 100 and the tables", items)):
        start = time.perf_counter()
        fill(
            folder / "set",
            kind="imageset",
            options={},
            items=some,
            work=nothing,
            columns=("file_name", "label", "char", "source", "box"),
            batch=BatchOptions(workers=0),
            what="items",
        )
        print(f"{options.items:,} items that take no time, {name}: {time.perf_counter() - start:.1f} s")


def nothing(item: Item) -> list[TableRow]:
    return [{"file_name": f"images/{item.key}.png", "label": "", "char": "", "source": item.key, "box": ""}]


def load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else "unknown"


CLAIMS = {"speed": speed, "batch": batch, "memory": memory, "resume": resume}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help=", ".join(CLAIMS))
    parser.add_argument("--repeats", type=int, default=30, help="meshes on each side, for each size")
    parser.add_argument("--meshes", type=int, default=1000, help="of 50k faces, for `batch`")
    parser.add_argument("--many", type=int, default=10_000, help="small meshes, for `memory`")
    parser.add_argument("--items", type=int, default=100_000, help="for `resume`")
    options = parser.parse_args()
    if unknown := set(options.claims) - set(CLAIMS):
        parser.error(f"no claim is called {', '.join(unknown)}; there are {', '.join(CLAIMS)}")
    for claim in options.claims or CLAIMS:
        with tempfile.TemporaryDirectory() as folder:
            CLAIMS[claim](Path(folder), options)


if __name__ == "__main__":
    main()
