"""Measure `carve` on one core: meshes per second, depth images per second without a mesh, and one whole block.

The time of the depth images is compared with a step of triplet training on the same number of pictures. The block is
that of a composed page of 2,000 x 3,000 pixels, carved by a process of its own, whose memory is measured.

Run: `python benchmarks/carve.py [--repeats 20]`.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# Libraries read this when they start their threads.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from results import Column, publish, result_option  # noqa: E402

from sinonom_cli.assets import GLYPHS  # noqa: E402
from sinonom_cli.meshes.stl import write_stl  # noqa: E402
from sinonom_cli.networks.backbones import build  # noqa: E402
from sinonom_cli.networks.preprocess import prepare  # noqa: E402
from sinonom_cli.pictures.levels import ink_of  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.relief.compose import compose_page  # noqa: E402
from sinonom_cli.relief.composition import Composition  # noqa: E402
from sinonom_cli.relief.depth_images import depth_images  # noqa: E402
from sinonom_cli.relief.options import Carving  # noqa: E402
from sinonom_cli.relief.physics import Span  # noqa: E402
from sinonom_cli.relief.plate import carve_plate, mesh_of  # noqa: E402
from sinonom_cli.relief.random_fields import torch_fields  # noqa: E402
from sinonom_cli.storage.image_set import read_imageset  # noqa: E402
from sinonom_cli.train.losses.basic import pairwise_distances  # noqa: E402
from sinonom_cli.train.losses.mining import batch_hard  # noqa: E402
from sinonom_cli.train.losses.triplet import triplet_costs  # noqa: E402

BATCH, SIDE = 128, 64
Cells = list[tuple[str, float]]


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median processor time in seconds, which other programs on the machine change little."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def meshes(inks: list[np.ndarray], repeats: int) -> Cells:
    """Return the meshes per second, from ink to STL on disk."""
    carving = Carving()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mesh.stl")
        rngs = iter(np.random.default_rng(0).spawn(repeats + 1))
        one = seconds(lambda: write_stl(path, mesh_of(carve_plate(inks[0], carving, next(rngs)))), repeats)
    return [(f"meshes of {carving.resolution} vertices a side, written as STL, a second", round(1 / one))]


def images(inks: torch.Tensor, repeats: int) -> Cells:
    """Return the depth images per second, and the time of a training step in relation to theirs."""
    draw = torch_fields(torch.Generator().manual_seed(0), BATCH, SIDE, "cpu")
    network = build("directmap", 128, SIDE)
    optimizer = torch.optim.AdamW(network.parameters())
    labels = torch.arange(BATCH) // 4

    def step() -> None:
        distances = pairwise_distances(network(inks[:, None]))
        chosen = batch_hard(distances, labels)
        cost = triplet_costs(distances[chosen.anchor, chosen.positive], distances[chosen.anchor, chosen.negative], None)
        optimizer.zero_grad()
        cost.mean().backward()
        optimizer.step()

    ours = seconds(lambda: depth_images(inks, draw), repeats)
    theirs = seconds(step, repeats)
    return [
        (f"depth images of {SIDE} px without a mesh, {BATCH} at once, a second", round(BATCH / ours)),
        ("a triplet step of `directmap` on as many pictures, in times of these", round(theirs / ours, 1)),
    ]


def block(pictures: list[np.ndarray]) -> Cells:
    """Return the faces, the processor time and the memory of a whole block."""
    glyphs = {str(k): [picture] for k, picture in enumerate(pictures)}
    amounts = Composition(size=Span(60, 60), columns=Span(24, 24), rows=Span(28, 28), strip=0.0, leading=Span(1.9, 1.9))
    page = Image.fromarray(compose_page(glyphs, np.random.default_rng(0), amounts).picture).resize((3000, 2000))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pages").mkdir()
        page.save(Path(folder, "pages", "page.png"))
        command = [sys.executable, "-m", "sinonom_cli", "carve", "--page", "pages", "out", "--handles", "0.33", "-q"]
        subprocess.run([*command, "--workers", "0"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        faces = (Path(folder, "out", "meshes", "page.stl").stat().st_size - 84) // 50
    return [
        ("faces of a block from a page of 3,000 x 2,000 pixels, millions", round(faces / 1e6, 1)),
        ("its processor time, seconds", round(used.ru_utime, 1)),
        ("its memory at most, GB", round(used.ru_maxrss / 1e6, 2)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    result_option(parser)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    hand = GLYPHS / "wenkai"
    pictures = [load_picture(hand / picture.file_name) for picture in read_imageset(hand).pictures]
    inks = [ink for ink in map(ink_of, pictures) if ink is not None]
    whole = block(pictures)  # first, because Linux counts the memory of the program that starts a process as its own
    ready = np.stack([prepare(pictures[k % len(pictures)], SIDE) for k in range(BATCH)])
    publish(
        given.result,
        "`carve` makes training data faster than a network learns from them, and a whole block in seconds.",
        [Column("what, on one core"), Column("figure")],
        [*meshes(inks, given.repeats), *images(torch.from_numpy(ready), given.repeats), *whole],
        notes="Times are those of a processor, medians of repeats except for the block.",
    )


if __name__ == "__main__":
    main()
