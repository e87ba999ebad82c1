"""Measure the cost of identifying inputs by their content: 50,000 small meshes, one large block, and image sets.

Meshes: the time until a command sees that its output is complete, the part of it for hashing, and what hashing adds to
`render`, whose processor time per mesh is measured on some of them. Block: how much of a large file is read again.
Sets: the time of `quick_identity`, which `query` uses, and, per million files, of the check with which `train` begins.

Run: `python benchmarks/inputs.py [--meshes 50000] [--block-mib 1024] [--folder DIR]`.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from results import Column, publish, result_option

from sinonom_cli import console
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.parallel.batch import BatchOptions, fill
from sinonom_cli.storage.atomic import write_json
from sinonom_cli.storage.fingerprints import each, fingerprint, is_unchanged
from sinonom_cli.storage.image_set import METADATA_COLUMNS, ImageSet, Picture
from sinonom_cli.storage.inputs import Item, find_inputs
from sinonom_cli.storage.own_tables import write_table
from sinonom_cli.storage.set_identity import quick_identity

SIDE = 15
"""Number of points along a side of a mesh, which then has 392 triangles and 20 kB."""
RENDERED = 300
ROWS = 1_000_000
Lines = list[tuple[str, float]]


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of all threads and of the system, which other programs change little."""
    started = time.process_time()
    work()
    return time.process_time() - started


def make_meshes(folder: Path, count: int) -> None:
    """Write uneven plates that all differ, a thousand in each folder."""
    rng = np.random.default_rng(0)
    at = np.linspace(-0.5, 0.5, SIDE)
    x, y = np.meshgrid(at, at)
    corner = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    for number in range(count):
        points = np.stack([x, y, rng.normal(0, 0.02, x.shape)], axis=-1).reshape(-1, 3).astype(np.float32)
        write_stl(folder / f"{number // 1000:03}" / f"{number:06}.stl", points[faces])


@dataclass(frozen=True)
class Nothing:
    """Work that draws nothing and reports the mesh as done."""

    def __call__(self, item: Item) -> list[dict[str, str]]:
        return [{"file_name": f"images/{item.key}.png", "label": "", "char": "", "source": item.key, "box": ""}]


def meshes(folder: Path, count: int) -> Lines:
    """Return the cost of identifying meshes by content."""
    from sinonom_cli.render.render import View
    from sinonom_cli.render.run import Render, targets
    from sinonom_cli.search.familiar import Familiar

    source, out = folder / "meshes", folder / "out"
    make_meshes(source, count)

    def run() -> None:
        items = find_inputs([str(source)], {".stl"}, "meshes")
        options = {"kind": "imageset", "options": {}, "columns": METADATA_COLUMNS, "what": "meshes"}
        fill(out, items=items, work=Nothing(), batch=BatchOptions(workers=0), **options)

    whole = seconds(run)
    again = min(seconds(run) for _ in range(3))
    items = find_inputs([str(source)], {".stl"}, "meshes")
    hashing = min(seconds(lambda: each(lambda item: fingerprint(item.path), items)) for _ in range(3))
    alone = min(seconds(lambda: [fingerprint(item.path) for item in items[:5000]]) for _ in range(3)) / 5000
    size = sum(item.size for item in items)
    some = targets(list(items[: RENDERED + 10]), {})
    work = Render(folder / "pictures", View(), Familiar())
    for item in some[:10]:  # numba compiles in these runs
        work(item)
    drawn = seconds(lambda: [work(item) for item in some[10:]]) / RENDERED
    files = f"{count:,} meshes of {size / count / 1000:.0f} kB"
    return [
        (f"{files}: a complete output finds that nothing is to do, s", again),
        ("of it for hashing, s", hashing),
        ("hashing one mesh, ms", alone * 1e3),
        ("drawing one mesh, ms", drawn * 1e3),
        (f"{files}: a batch of them without any work, s", whole),
    ]


def block(folder: Path, size: int) -> Lines:
    """Return the time for a file of `size` MiB the first time and after it is known."""
    path = folder / "block.stl"
    part = np.random.default_rng(0).bytes(1 << 20)
    with path.open("wb") as file:
        for number in range(size):
            file.write(number.to_bytes(4, "little") + part[4:])
    known = ""

    def first() -> None:
        nonlocal known
        known = fingerprint(path)

    took = seconds(first)
    again = min(seconds(lambda: is_unchanged(path, known)) for _ in range(3))
    return [
        (f"a block of {size:,} MiB, the first time, s", took),
        ("the same block, to see that it is what it was, ms", again * 1e3),
    ]


def sets(folder: Path) -> Lines:
    """Return the time of the quick identity of a set of a million rows, and the check of every file."""
    big = folder / "set"
    names = [path.relative_to(folder / "meshes").as_posix() for path in sorted((folder / "meshes").rglob("*.stl"))]
    rows = ((f"{names[number % len(names)]}", "U+5B57", "字", f"{number}.stl", "") for number in range(ROWS))
    (folder / "meshes").rename(big)
    write_table(big / "metadata.csv", METADATA_COLUMNS, rows)
    write_json(big / "artifact.json", {"tool": "sinonom", "kind": "imageset"})
    quick_identity(big)
    quick = min(seconds(lambda: quick_identity(big)) for _ in range(5))
    lines = [(f"`query` sees that a set of {ROWS:,} rows is what was indexed, ms", quick * 1e3)]
    try:
        from sinonom_cli.train.contents import statuses
    except ImportError:
        return lines
    images = ImageSet(big, [Picture(name, "U+5B57", "字", name) for name in names], {}, "")
    looked = min(seconds(lambda: statuses(images, np.arange(len(names)))) for _ in range(3))
    return [*lines, ("`train` looks at every file of a set, s for each million unchanged", looked * 1e6 / len(names))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=int, default=50_000)
    parser.add_argument("--block-mib", type=int, default=1024)
    parser.add_argument("--folder", type=Path, help="where to make them [a temporary folder]")
    result_option(parser)
    given = parser.parse_args()
    console.settings.quiet = True
    folder = Path(tempfile.mkdtemp(prefix="inputs-", dir=given.folder))
    try:
        lines = [*meshes(folder, given.meshes), *block(folder, given.block_mib), *sets(folder)]
    finally:
        shutil.rmtree(folder)
    publish(
        given.result,
        "Knowing inputs by their content costs about a hundredth of the time of drawing them.",
        [Column("what"), Column("processor time", ".3g")],
        lines,
        notes="The files are in the system's cache. Hashing runs in threads, whose times are added.",
    )


if __name__ == "__main__":
    main()
