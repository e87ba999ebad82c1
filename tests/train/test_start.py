"""A training that begins with given weights puts its proxies at the characters' centres."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from sinonom_cli.train import start  # noqa: E402
from sinonom_cli.train.losses.registry import Criterion  # noqa: E402
from sinonom_cli.train.losses.table import Choice  # noqa: E402
from sinonom_cli.train.prepared_pictures import Cells  # noqa: E402
from sinonom_cli.train.split import Pictures  # noqa: E402


class Means(nn.Module):
    """Network that embeds a picture as the means of its four quarters."""

    def forward(self, ink: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(nn.functional.avg_pool2d(ink, ink.shape[2] // 2).flatten(1), dim=1)


def test_proxies_begin_where_the_network_sees_their_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "AT_ONCE", 5)
    monkeypatch.setattr(start, "FOR_A_CENTRE", 9)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 256, (12, 8, 8), dtype=np.uint8)
    drawn.tofile(tmp_path / "pictures.u8")
    rows = np.arange(12)
    cells = Cells(((tmp_path / "pictures.u8", 12),), 8, np.zeros(12, np.int64), rows, {})
    classes = rng.permutation(rows % 3)
    held = rows == int(np.flatnonzero(classes == 0)[0])
    none = np.zeros(12, bool)
    pictures = Pictures(("a", "b", "c"), (Path(),) * 12, rows, classes, np.zeros(12, np.int64), none, held, rows)
    found = start.centres_of(Means(), cells, pictures, torch.device("cpu"), torch.float32, 0)

    expected = []
    for each in range(3):
        quarters = [
            np.array([page[a : a + 4, b : b + 4].mean() for a in (0, 4) for b in (0, 4)])
            for page in drawn[(classes == each) & ~held].astype(float)
        ]
        total = sum(q / np.sqrt((q**2).sum()) for q in quarters)
        expected.append(total / np.sqrt((total**2).sum()))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)

    criterion = Criterion(Choice("cosface", margin=0.2), 3, 4)
    criterion.begin_at(found)
    assert criterion.proxies is not None
    torch.testing.assert_close(criterion.proxies.detach(), found)
    assert Criterion(Choice("triplet"), 3, 4).proxies is None
