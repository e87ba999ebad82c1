"""The batched preparation equals the one for files."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sinonom_cli.models.prepare_batch import prepare_batch  # noqa: E402
from sinonom_cli.models.preprocess import prepare  # noqa: E402


@pytest.mark.parametrize(("shape", "size"), [((48, 48), 48), ((64, 40), 32), ((30, 30), 48)])
def test_a_batch_is_prepared_like_files(shape, size):
    rng = np.random.default_rng(0)
    height, width = shape
    y, x = np.mgrid[:height, :width]
    pictures = rng.normal(180, 15, (12, *shape))
    for k, picture in enumerate(pictures):
        for _ in range(4):
            top, left = rng.integers(2, height - 12), rng.integers(2, width - 12)
            thick, long = rng.integers(2, 5), rng.integers(8, 20)
            picture[(y >= top) & (y < top + (thick if k % 2 else long)) & (x >= left) & (x < left + 10)] -= 120
        if k % 3 == 0:
            picture[:] = 255 - picture
    pictures = np.clip(np.round(pictures), 0, 255).astype(np.uint8)
    pictures[5] = 77  # blank
    got = prepare_batch(torch.from_numpy(pictures).float(), size).numpy()
    wanted = np.stack([prepare(p, size) for p in pictures])
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() < 1e-4
    assert (got[5] == 0).all()


def test_no_picture_at_all():
    assert prepare_batch(torch.zeros(0, 20, 20), 16).shape == (0, 16, 16)
