"""Test the package's pictures for the demo: three complete, small sets of the same characters in three typefaces."""

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.assets import GLYPHS
from sinonom_cli.fonts.charset import read_charset
from sinonom_cli.storage.image_set import check, read_imageset


@pytest.mark.parametrize(("hand", "count"), [("wenkai", 100), ("hanamin", 100), ("yuji", 88)])
def test_each_hand_draws_the_characters_in_the_charset(hand: str, count: int) -> None:
    images = read_imageset(GLYPHS / hand)
    check(images)
    assert [picture.char for picture in images.pictures] == read_charset(GLYPHS / "charset.txt")[:count]
    seen = set()
    for picture in images.pictures:
        with Image.open(images.path / picture.file_name) as read:
            assert (read.mode, read.size) == ("L", (64, 64))
            pixels = np.asarray(read)
        assert pixels[0].min() == 255
        assert pixels.min() < 64
        seen.add(pixels.tobytes())
    assert len(seen) == count


def test_all_of_it_is_small() -> None:
    assert sum(path.stat().st_size for path in GLYPHS.rglob("*") if path.is_file()) < 400_000
