"""Views of a picture equal Pillow's results, and their mean has the length that embeddings have."""

import numpy as np
import pytest
from PIL import Image
from tinymodel import tiny_model

from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.test_time_augmentation import VIEWS, embed_views, mean_of_views, views


def strokes(size: int) -> np.ndarray:
    picture = np.zeros((size, size), np.float32)
    picture[size // 4 : size // 3, size // 8 : -size // 8] = 1
    picture[size // 8 : -size // 8, size // 2 : size // 2 + 3] = 0.7
    return picture


@pytest.mark.parametrize("size", [16, 64])
def test_the_first_view_is_the_picture_and_the_others_are_pillows(size: int) -> None:
    pictures = np.stack([strokes(size), strokes(size).T])
    seen = views(pictures)
    assert seen.shape == (2, len(VIEWS), size, size) and np.array_equal(seen[:, 0], pictures)
    assert seen.min() >= 0 and seen.max() <= 1
    inner = slice(2, -2)  # at the edge Pillow repeats pixels; ours are blank
    for number, (degrees, scale, right, down) in enumerate(VIEWS[1:], 1):
        turn, middle = np.deg2rad(degrees), size / 2
        a, b, d, e = (part / scale for part in (np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)))
        x0, y0 = middle + right * size, middle + down * size
        matrix = (a, b, middle - a * x0 - b * y0, d, e, middle - d * x0 - e * y0)
        image = Image.fromarray(pictures[0])
        expected = np.asarray(image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
        assert np.abs(seen[0, number] - expected)[inner, inner].max() < 0.02
        assert np.abs(seen[0, number] - pictures[0]).max() > 0.1


def test_the_mean_of_views_has_length_one_where_theirs_is(tmp_path) -> None:
    pictures = np.stack([strokes(16), np.zeros((16, 16), np.float32), strokes(16)[::-1]])
    for unit in (True, False):
        embedder = Embedder(tiny_model(tmp_path / str(unit), unit=unit))
        expected = []
        for picture in pictures[[0, 2]]:
            mean = np.mean([embedder.embed(view[None])[0] for view in views(picture[None])[0]], axis=0)
            expected.append(mean / np.linalg.norm(mean) if unit else mean)
        found, _ = embed_views(embedder, pictures[[0, 2]])
        assert found == pytest.approx(np.array(expected), abs=1e-5)
    assert not embed_views(embedder, pictures[1:2])[0].any()  # a blank picture's embedding is zero


def test_the_spread_of_views_is_their_variance_by_a_loop(tmp_path) -> None:
    embedder = Embedder(tiny_model(tmp_path / "model"))
    pictures = np.stack([strokes(16), strokes(16)[::-1]])
    _, spreads = embed_views(embedder, pictures)
    for picture, spread in zip(pictures, spreads, strict=True):
        seen = [embedder.embed(view[None])[0].astype(np.float64) for view in views(picture[None])[0]]
        assert spread == pytest.approx(np.var(seen, axis=0).sum(), rel=1e-5) and spread > 1e-3


def test_one_picture_does_not_change_what_another_is_embedded_as() -> None:
    embeddings = np.random.default_rng(0).normal(size=(3, 5, 8)).astype(np.float32)
    embeddings[:2] /= np.linalg.norm(embeddings[:2], axis=2, keepdims=True)
    assert np.array_equal(mean_of_views(embeddings)[:2], mean_of_views(embeddings[:2]))
