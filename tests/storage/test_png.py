"""Test PNG files: pictures are stored without loss, and the files are small."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.storage.atomic import save_png


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (64, 64), (33, 130)])
def test_every_pixel_survives(tmp_path: Path, depth: type, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape)
    noise = rng.integers(0, np.iinfo(depth).max + 1, shape).astype(depth)
    for picture in (noise, np.zeros(shape, depth), noise.T.copy().T, noise[::-1, ::-1]):
        save_png(tmp_path / "x.png", picture)
        with Image.open(tmp_path / "x.png") as read:
            assert read.format == "PNG"
            assert read.mode == ("L" if depth is np.uint8 else "I;16")
            assert np.array_equal(np.asarray(read), picture)


def test_a_smooth_picture_is_packed(tmp_path: Path) -> None:
    save_png(tmp_path / "x.png", np.tile(np.arange(200, dtype=np.uint8), (200, 1)))
    assert (tmp_path / "x.png").stat().st_size < 2000
