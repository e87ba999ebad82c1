"""Characters are framed as other filters and plain loops do it, alone or together, on any processor."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinystrokes import drawn

from sinonom_cli.networks import framing
from sinonom_cli.networks.framing import Frames, framed, frames_of, resampling
from sinonom_cli.networks.preprocess import prepare, prepare_all

ROOT = Path(framing.__file__).parent.parent.parent


def frames(top: float, step: float) -> Frames:
    return Frames(np.full((1, 2), top), np.full((1, 2), step))


def test_resampling_is_pillows_triangle_filter() -> None:
    picture = np.random.default_rng(0).random((40, 40), np.float32)
    wanted = np.asarray(Image.fromarray(picture).resize((16, 16), Image.Resampling.BILINEAR, box=(4, 4, 36, 36)))
    got = framed(picture[None], frames(4, 2), 16)[0]
    assert np.abs(got - wanted)[1:-1, 1:-1].max() < 1e-5  # Pillow's filter does not look beyond the box


def test_weights_sum_to_one_inside_and_to_less_across_the_edge() -> None:
    _, weights = resampling(frames(4, 1.37), 16, (40, 40))
    assert np.allclose(weights.sum(axis=0), 1, atol=1e-6)
    _, weights = resampling(frames(-8, 1.5), 16, (40, 40))
    sums = weights.sum(axis=0)[0, 0, :, 0]
    assert (sums[:5] == 0).all() and 0 < sums[5] < 1 and np.allclose(sums[6:], 1, atol=1e-6)


def by_loops(ink: np.ndarray, size: int) -> np.ndarray:
    """Frame one picture with the formulas as the papers give them, one number at a time."""
    height, width = ink.shape
    weight = np.zeros(ink.shape)
    for i in range(height):
        for j in range(width):
            nearness = [min(k + 0.5, n - k - 0.5) / n / 0.12 for k, n in ((i, height), (j, width))]
            weight[i, j] = min(max((ink[i, j] - 0.3) / 0.3, 0), 1) * min(nearness[0], 1) * min(nearness[1], 1)
    sides = []
    for axis, length in enumerate(ink.shape):
        profile = weight.sum(axis=1 - axis)
        mean = sum((k + 0.5) * profile[k] for k in range(length)) / profile.sum()
        sides.append(
            (mean, max((sum((k + 0.5 - mean) ** 2 * profile[k] for k in range(length)) / profile.sum()) ** 0.5, 1))
        )
    longest = max(deviation for _, deviation in sides)
    result = ink.astype(float)
    for mean, deviation in sides:
        side = 4 * deviation / np.sqrt(np.sin(np.pi / 2 * max(deviation / longest, 0.2)))
        step, length = side / size, len(result)
        resampled = np.zeros((size, result.shape[1]))
        for k in range(size):
            centre = mean - side / 2 + (k + 0.5) * step
            total = 0.0
            for place in range(-50, length + 50):
                share = max(1 - abs(place + 0.5 - centre) / max(step, 1), 0)
                total += share
                if 0 <= place < length:
                    resampled[k] += share * result[place]
            resampled[k] /= total
        result = resampled.T
    return result


@pytest.mark.parametrize("shape", [(30, 30), (20, 50), (45, 12)])
def test_a_character_is_framed_as_loops_would(shape: tuple[int, int]) -> None:
    ink = np.zeros(shape, np.float32)
    ink[4:-9, 3:6], ink[6:9, 2:-3], ink[-8:, -4:] = 1, 0.8, 0.5
    got = framed(ink[None], frames_of(ink[None], 24), 24)[0]
    assert np.abs(got - by_loops(ink, 24)).max() < 1e-5


def pictures() -> list[np.ndarray]:
    """Return pictures of several shapes and defects, some of them blank."""
    rng = np.random.default_rng(0)
    found = [drawn(side, *rng.uniform(0.1, 0.3, 2), rng.uniform(0.4, 0.6)) for side in (48, 48, 20, 90, 48, 200, 90)]
    found += [found[0][:, :30], np.full((48, 48), 200, np.uint8), (found[3] * np.linspace(1, 0.4, 90)).astype(np.uint8)]
    return [255 - picture if place % 3 == 0 else picture for place, picture in enumerate(found)]


def test_many_pictures_at_once_are_prepared_as_each_alone() -> None:
    together = prepare_all(pictures() * 9, 32)
    alone = np.stack([prepare(picture, 32) for picture in pictures()])
    assert np.array_equal(together, np.concatenate([alone] * 9))
    assert (~alone.any(axis=(1, 2))).sum() == 1
    assert prepare_all([], 32).shape == (0, 32, 32)


HASH = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from test_framing import pictures
from sinonom_cli.networks.preprocess import prepare_all
print(hashlib.sha256(prepare_all(pictures(), 64).tobytes()).hexdigest())
"""


def test_the_bytes_depend_on_no_thread_and_no_kernel_of_blas() -> None:
    hashes = set()
    for threads, kernel in (("1", "Haswell"), ("2", "Prescott")):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
        environment |= {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "OPENBLAS_CORETYPE": kernel}
        command = [sys.executable, "-c", HASH, str(Path(__file__).parent)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        hashes.add(done.stdout)
    assert len(hashes) == 1
