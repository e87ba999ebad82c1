"""The results of `prepare` for some hundred small pictures are pinned, so that a changed constant is noticed.

Run as a program, this file writes new pins: `PYTHONPATH=tests:. python tests/networks/test_golden.py`. Raise
`preprocess.VERSION` when you do so.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from goldenpictures import SERIES, colours, whole
from PIL import Image

from sinonom_cli.networks.preprocess import VERSION, prepare_all
from sinonom_cli.pictures.colours import without_marks

PINS = Path(__file__).with_name("golden_prepare.json")
SIZE = 48
CLOSE = 2
"""Largest difference, in thousandths, with another version of Pillow or another processor."""


def pooled(pictures: list[np.ndarray]) -> list[str]:
    """Return for each picture the mean ink of each quarter and the mean of its square, in thousandths."""
    ready = prepare_all(pictures, SIZE).astype(np.float64)
    half = SIZE // 2
    means = [ready[:, i : i + half, j : j + half].mean(axis=(1, 2)) for i in (0, half) for j in (0, half)]
    means.append((ready**2).mean(axis=(1, 2)))
    return [" ".join(str(round(1000 * mean)) for mean in picture) for picture in zip(*means, strict=True)]


def greys(picture: np.ndarray) -> np.ndarray:
    marked = without_marks(picture)
    return np.asarray(Image.fromarray(picture).convert("L")) if marked is None else marked


def made(name: str) -> list[str]:
    if name == "colours":
        return pooled([greys(whole(picture)) for picture in colours()])
    return pooled([whole(picture) for picture in SERIES[name]()])


@pytest.mark.parametrize("name", [*SERIES, "colours"])
def test_pictures_become_what_they_were(name: str) -> None:
    pins = json.loads(PINS.read_text(encoding="utf-8"))
    assert pins["version"] == VERSION
    got, wanted = ([[int(mean) for mean in one.split()] for one in which] for which in (made(name), pins[name]))
    assert len(got) == len(wanted)
    away = np.abs(np.array(got) - np.array(wanted)).max(axis=1)
    assert np.flatnonzero(away > CLOSE).tolist() == []


if __name__ == "__main__":
    pins = {"version": VERSION, **{name: made(name) for name in (*SERIES, "colours")}}
    PINS.write_text(json.dumps(pins, indent=0) + "\n", encoding="utf-8")
