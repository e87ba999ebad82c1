"""Claim: `render` finds the tilt of carved meshes, up to 30 degrees, within 2 degrees in 95 % of cases.

Pictures of glyphs are carved at known poses, with bend, wear, neighbours and noise. The error is the angle between the
plate's true normal and the normal that was found. SET is an image set, such as one from `synth-fonts`; without it, the
glyphs that ship are used.

Usage: python benchmarks/level.py [SET] [--each 200] [--resolution 128] [--seed 0]
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent)]

from results import Column, publish, result_option  # noqa: E402

from sinonom_cli.assets import GLYPHS  # noqa: E402
from sinonom_cli.meshes.level import level  # noqa: E402
from sinonom_cli.pictures.levels import ink_of  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.relief.options import Carving  # noqa: E402
from sinonom_cli.relief.physics import Span  # noqa: E402
from sinonom_cli.relief.plate import carve_plate, mesh_of, rotation  # noqa: E402
from sinonom_cli.storage.image_set import read_imageset  # noqa: E402

TILTS = ((0, 10), (10, 20), (20, 26), (26, 30))


def error(ink: np.ndarray, tilt: Span, resolution: int, rng: np.random.Generator) -> float:
    """Return the angle, in degrees, between the line of sight and the plate's normal after levelling."""
    carved = carve_plate(ink, Carving(resolution=resolution, tilt=tilt), rng)
    normal = level(mesh_of(carved)) @ rotation(carved.pose)[:, 2]
    return float(np.degrees(np.arccos(min(1.0, normal[2]))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    glyphs = GLYPHS
    parser.add_argument("set", type=Path, nargs="?", default=glyphs)
    parser.add_argument("--each", type=int, default=200, help="meshes for each range of tilts")
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    result_option(parser)
    options = parser.parse_args()
    images = read_imageset(options.set)
    rng = np.random.default_rng(options.seed)
    rows = []
    everything: list[float] = []
    for low, high in TILTS:
        errors: list[float] = []
        while len(errors) < options.each:
            picture = images.pictures[rng.integers(len(images.pictures))]
            ink = ink_of(load_picture(images.path / picture.file_name))
            if ink is not None:
                errors.append(error(ink, Span(low, high), options.resolution, rng))
        everything += errors
        rows.append(row(f"{low} to {high}", errors))
    publish(
        options.result,
        "`render` finds the tilt of carved meshes up to 30 degrees; the aim is 95 % of them within 2 degrees.",
        [
            Column("tilt, degrees"), Column("meshes"), Column("within 2 degrees", ".1%"),
            Column("median error, degrees", ".2f"), Column("95th percentile", ".2f"),
        ],
        [*rows, row("all", everything)],
        notes="The reference is the pose with which each mesh was carved, with bend, wear, neighbours and noise.",
    )  # fmt: skip


def row(name: str, errors: list[float]) -> tuple[str | int | float, ...]:
    """Return the row of a range of tilts."""
    within = float(np.mean(np.array(errors) < 2))
    return name, len(errors), within, float(np.median(errors)), float(np.percentile(errors, 95))


if __name__ == "__main__":
    main()
