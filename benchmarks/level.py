"""Claim: `render` finds the tilt of carved meshes, up to 30 degrees, within 2 degrees in 95 % of cases.

Pictures of glyphs are carved at known poses, with bend, wear, neighbours and noise. The error is the angle between the
plate's true normal and the normal that was found. SET is an image set, such as one from `synth-fonts`; without it, the
glyphs that ship are used.

Usage: python benchmarks/level.py [SET] [--each 200] [--resolution 128] [--seed 0]
"""

import argparse
from pathlib import Path

import numpy as np

from sinonom_cli.assets import GLYPHS
from sinonom_cli.meshes.level import level
from sinonom_cli.pictures.levels import ink_of
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Span
from sinonom_cli.relief.plate import carve_plate, mesh_of, rotation
from sinonom_cli.storage.image_set import read_imageset

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
    options = parser.parse_args()
    images = read_imageset(options.set)
    rng = np.random.default_rng(options.seed)
    print("tilt, degrees   meshes   within 2   median error   95th percentile")
    everything: list[float] = []
    for low, high in TILTS:
        errors: list[float] = []
        while len(errors) < options.each:
            picture = images.pictures[rng.integers(len(images.pictures))]
            ink = ink_of(load_picture(images.path / picture.file_name))
            if ink is not None:
                errors.append(error(ink, Span(low, high), options.resolution, rng))
        everything += errors
        row(f"{low} to {high}", errors)
    row("all", everything)


def row(name: str, errors: list[float]) -> None:
    within = np.mean(np.array(errors) < 2)
    print(f"{name:<14} {len(errors):7} {within:10.1%} {np.median(errors):14.2f} {np.percentile(errors, 95):17.2f}")


if __name__ == "__main__":
    main()
