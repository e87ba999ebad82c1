"""Test the fast depth images: torch computes without meshes what render shows of meshes that are carved in the same
way."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinymesh import likeness

torch = pytest.importorskip("torch")

from sinonom_cli.relief.depth_images import depth_images, distance, surfaces, toned  # noqa: E402
from sinonom_cli.relief.options import Carving  # noqa: E402
from sinonom_cli.relief.physics import Relief, Span  # noqa: E402
from sinonom_cli.relief.plate import carve_plate, mesh_of  # noqa: E402
from sinonom_cli.relief.random_fields import RandomFields, numpy_fields, torch_fields, torch_on_both_sides  # noqa: E402
from sinonom_cli.relief.strokes import BORDER  # noqa: E402
from sinonom_cli.render.render import View, draw  # noqa: E402
from sinonom_cli.render.tone import tone_local  # noqa: E402

NONE = Span(0, 0)
SIZE = 100


def character(seed: int) -> np.ndarray:
    """Return the ink of an invented character, (80, 80) float32: five strokes with soft edges."""
    rng = np.random.default_rng(seed)
    picture = Image.new("L", (320, 320), 0)
    pen = ImageDraw.Draw(picture)
    for _ in range(5):
        pen.line(rng.integers(30, 290, 4).tolist(), fill=255, width=26)
    return np.asarray(picture.resize((80, 80), Image.Resampling.BOX), np.float32) / 255


def pages(count: int) -> torch.Tensor:
    """Return characters with the border that carving leaves, (count, SIZE, SIZE)."""
    return torch.from_numpy(np.stack([np.pad(character(k), round(SIZE * BORDER)) for k in range(count)]))


def same_numbers(seed: int, size: int) -> RandomFields:
    """Return a torch Draw that gives the same numbers as numpy's in carving."""
    of_carving = numpy_fields(np.random.default_rng(seed).spawn(2)[1], size)
    tensor = torch.from_numpy
    uniform, normal = of_carving.uniform, of_carving.normal
    own = (lambda s: tensor(uniform(s)), lambda s: tensor(normal(s)), tensor)
    return RandomFields(1, size, torch, *own, torch.matmul, torch_on_both_sides, torch.exp)


@pytest.mark.parametrize("breaks", [0, 3])
def test_they_are_what_render_shows_of_the_carved_mesh(breaks: int) -> None:
    relief = Relief(uneven=NONE, breaks=Span(0, breaks), ragged=NONE, noise=NONE)
    carving = Carving(
        resolution=128,
        relief=relief,
        tilt=Span(0, 15),
        neighbours=NONE,
        shift=NONE,
        stretch=Span(1, 1),
        turn=NONE,
        swell=NONE,
    )
    alike = []
    for seed in range(8):
        mesh = mesh_of(carve_plate(character(seed), carving, np.random.default_rng(seed)))
        rendered = draw(mesh, View(size=108)).picture[4:-4, 4:-4]
        fast = depth_images(pages(seed + 1)[-1:], same_numbers(seed, SIZE), relief, (NONE, NONE))[0].numpy()
        alike.append(likeness(fast, rendered))
    # In one picture of eight, render's levelling may take the tilt of worn tops for that of the plate.
    assert np.median(alike) > 0.97 and np.sort(alike)[1] > 0.93


@pytest.mark.parametrize("size", [256, 300])
def test_they_are_toned_as_render_does(size: int) -> None:
    strokes = torch.nn.functional.interpolate(pages(2)[:, None], (size, size), mode="bilinear")[:, 0]
    heights, plate = surfaces(strokes, torch_fields(torch.Generator().manual_seed(1), 2, size, "cpu"))
    reference = [tone_local(np.where(p, h, -np.inf)) for h, p in zip(heights.numpy(), plate.numpy(), strict=True)]
    wrong = np.abs(toned(heights, plate).numpy() - np.stack(reference))
    assert wrong.max() <= 3 if size == 256 else wrong.mean() < 1


def test_distances_are_those_to_the_edges_of_strokes() -> None:
    y, x = torch.meshgrid(*(torch.arange(64) + 0.5 for _ in range(2)), indexing="ij")
    away = torch.hypot(y - 30.2, x - 27.7) - 9.3  # a disc
    found = distance((0.5 - away).clamp(0, 1)[None])[0] * 64
    expected = away.clamp(0, 0.2 * 64)
    assert (found - expected).abs().max() < 0.75
    assert (found - expected).abs().mean() < 0.25
    assert torch.allclose(distance(torch.zeros(1, 64, 64)), torch.tensor(0.2))
    assert (distance(torch.ones(1, 64, 64)) == 0).all()


def test_a_batch_depends_on_its_generator_alone() -> None:
    first, again, other = (
        depth_images(pages(6), torch_fields(torch.Generator().manual_seed(seed), 6, SIZE, "cpu")) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert (first != other).any(dim=(1, 2)).all()
    assert first.dtype == torch.float32 and (first == first.round()).all()
    assert first.min() >= 0 and first.max() == 255


def test_no_picture_and_blank_pictures_have_depth_images_too() -> None:
    assert depth_images(torch.zeros(0, 32, 32), torch_fields(torch.Generator(), 0, 32, "cpu")).shape == (0, 32, 32)
    blank = depth_images(torch.zeros(3, 32, 32), torch_fields(torch.Generator(), 3, 32, "cpu"))
    assert torch.isfinite(blank).all()


def test_what_is_not_plate_is_light() -> None:
    relief = Relief(ragged=Span(0.1, 0.1))
    strokes = torch.zeros(2, 40, 40)
    strokes[:, 10:14] = 1  # from edge to edge
    seen = depth_images(strokes, torch_fields(torch.Generator(), 2, 40, "cpu"), relief)
    assert (seen[:, :, :3] == 255).all() and (seen[:, :, -3:] == 255).all()
    assert seen[:, 11:13, 8:32].median() < 60


def test_carving_needs_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    Image.fromarray(np.uint8(255 - 255 * character(1))).save(tmp_path / "a.png")
    code = (
        "import sys; sys.modules['torch'] = None; from sinonom_cli.cli import run; "
        f"sys.exit(run(['carve', {str(tmp_path)!r}, {str(tmp_path / 'out')!r}, '--resolution', '32']))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
