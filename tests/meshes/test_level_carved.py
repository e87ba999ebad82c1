"""Test levelling on carved meshes.

`benchmarks/level.py` measures 95 % within two degrees. Stroke tops are uneven, so that not even a fit to the true
strokes finds more.
"""

import numpy as np

from sinonom_cli.assets import GLYPHS
from sinonom_cli.meshes.level import level, tilt_of
from sinonom_cli.pictures.levels import ink_of
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Span
from sinonom_cli.relief.plate import carve_plate, mesh_of, rotation
from sinonom_cli.storage.image_set import read_imageset


def test_tilts_up_to_thirty_degrees_are_found_within_two_on_carved_meshes() -> None:
    glyphs = read_imageset(GLYPHS)
    errors, told = [], []
    for k, picture in enumerate(glyphs.pictures[::2][:60]):
        ink = ink_of(load_picture(glyphs.path / picture.file_name))
        assert ink is not None
        carved = carve_plate(ink, Carving(resolution=100, tilt=Span(k / 2, k / 2)), np.random.default_rng(k))
        found = level(mesh_of(carved))
        normal = found @ rotation(carved.pose)[:, 2]  # the plate's normal after levelling
        errors.append(np.degrees(np.arccos(min(1.0, normal[2]))))
        told.append(abs(tilt_of(found) - k / 2))
    assert np.mean(np.array(errors) < 2) >= 0.9
    assert np.mean(np.array(errors) < 4) >= 0.98
    assert np.mean(np.array(told) < 2) >= 0.95  # the tilt in metadata.csv
