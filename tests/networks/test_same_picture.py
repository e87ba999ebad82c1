"""The answer is the same for a picture that is inverted, in colour, on transparent ground or on a wide page."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from sinonom_cli.assets import GLYPHS
from sinonom_cli.networks.embed_pictures import embed_pictures
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.storage.model_folder import DEFAULT, read_model

HAND = GLYPHS / "wenkai" / "images"


def transparent(image: Image.Image, ink: str) -> Image.Image:
    drawn = Image.new("RGBA", image.size, ink)
    drawn.putalpha(ImageOps.invert(image))
    return drawn


def in_colour(image: Image.Image) -> Image.Image:
    return ImageOps.colorize(image, (70, 30, 20), (235, 215, 170))


GIVEN: dict[str, Callable[[Image.Image], Image.Image]] = {
    "light on dark": ImageOps.invert,
    "brown on yellow": in_colour,
    "cream on green": lambda image: ImageOps.colorize(image, (240, 225, 200), (40, 60, 30)),
    "black on transparent": lambda image: transparent(image, "black"),
    "white on transparent": lambda image: transparent(image, "white"),
    "wide white border": lambda image: ImageOps.expand(image, image.width, 255),
    "wide black border, light on dark": lambda image: ImageOps.expand(ImageOps.invert(image), image.width, 0),
    "light on dark on a white page": lambda image: ImageOps.expand(ImageOps.invert(image), image.width // 2, 255),
    "yellowed paper on a white page": lambda image: ImageOps.expand(in_colour(image), image.width // 2, (255,) * 3),
    "a colour photo four times as large": lambda image: in_colour(image.resize((256, 256), Image.Resampling.BICUBIC)),
}


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(read_model(DEFAULT), 1)


@pytest.fixture(scope="module")
def gallery(embedder: Embedder) -> np.ndarray:
    paths = sorted(HAND.rglob("*.png"))
    return next(embed_pictures(embedder, [paths], embedder.model.size, 0)).vectors


@pytest.mark.parametrize("way", GIVEN)
def test_the_shipped_model_answers_alike_however_a_picture_is_given(
    embedder: Embedder, gallery: np.ndarray, tmp_path: Path, way: str
) -> None:
    numbers = range(0, len(gallery), 9)
    for number, path in enumerate(sorted(HAND.rglob("*.png"))):
        if number in numbers:
            with Image.open(path) as image:
                GIVEN[way](image.convert("L")).save(tmp_path / f"{number:03d}.png")
    asked = next(embed_pictures(embedder, [sorted(tmp_path.iterdir())], embedder.model.size, 0)).vectors
    alike = asked @ gallery.T / np.linalg.norm(asked, axis=1)[:, None] / np.linalg.norm(gallery, axis=1)
    assert alike.argmax(axis=1).tolist() == list(numbers)
    assert alike.max(axis=1).min() > 0.98
