"""Test that photos of pages from the side are made flat by their frame, and that places lead back to the photo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from tinyprint import printed, text_of

from sinonom_cli.blocks.upright import Way
from sinonom_cli.pages.frame import crookedness, find_frame
from sinonom_cli.pages.laid import PageOptions
from sinonom_cli.pages.read_page import see_page
from sinonom_cli.pages.turning import Turning, flattened, homography, projected, turned_by

VIEWS = {
    "from below": [(0.12, 0.02), (0.88, 0.02), (1.0, 1.0), (0.0, 1.0)],
    "from the right": [(0.0, 0.12), (1.0, 0.0), (1.0, 1.0), (0.0, 0.88)],
    "tilted": [(0.06, 0.0), (1.0, 0.07), (0.95, 1.0), (0.0, 0.9)],
}


def seen_from(picture: np.ndarray, corners: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo of a page, twice as large, whose corners are at shares of its sides; and the homography to it."""
    height, width = (2 * side for side in picture.shape)
    large = np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC), float)
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    matrix = homography(source, np.array(corners) * [width, height])
    y, x = np.mgrid[:height, :width] + 0.5
    back = projected(np.linalg.inv(matrix), np.stack([x, y], axis=-1)) - 0.5
    photo = ndimage.map_coordinates(large, [back[..., 1], back[..., 0]], order=1, cval=255)
    return photo.round().astype(np.uint8), matrix @ np.diag([2.0, 2.0, 1.0])


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_seen_from_the_side_is_read_and_its_outlines_stand_where_the_photo_shows_them(view: str) -> None:
    page = printed(2, columns=4, rows=5)
    photo, matrix = seen_from(page.picture, VIEWS[view])
    reading = see_page(photo, page="p", source="p.png", options=PageOptions()).reading
    wrong = [one for one, other in zip(reading.text, text_of(page), strict=True) if one != other]
    assert len(wrong) <= 1, reading.text
    true = sorted(page.characters, key=lambda one: (one.column, one.place))
    away = []
    for one, character in zip(true, reading.characters, strict=True):
        x0, y0, x1, y1 = one.box
        corners = projected(matrix, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float))
        away.append(np.abs(np.array(character.outline) - corners).max(axis=1))
    # A detector's box of a flat character, such as 三, is higher than its ink; so only most corners are near.
    assert np.median(away) < 6 and np.max(away) < 24


def test_the_frame_is_found_where_it_is_drawn_and_nowhere_without_one() -> None:
    ink = np.zeros((500, 700), np.float32)
    true = np.array([(100.5, 60.5), (590.5, 70.5), (640.5, 450.5), (60.5, 430.5)])
    for one, other in zip(true, np.roll(true, -1, axis=0), strict=True):
        for share in np.linspace(0, 1, 2000):
            x, y = one + share * (other - one)
            ink[int(y), int(x)] = 1
    middles = np.array([(x, y) for x in range(140, 580, 40) for y in range(120, 420, 40)], float)
    boxes = np.hstack([middles - 12, middles + 12])
    found = find_frame(ink, boxes)
    assert found is not None and np.abs(found - true).max() < 3
    assert crookedness(found) == pytest.approx(crookedness(true), abs=0.7) and crookedness(true) > 3
    assert find_frame(np.zeros_like(ink), boxes) is None
    ink[:100] = 0  # one side is gone
    assert find_frame(ink, boxes) is None


def test_a_flat_scan_is_read_from_its_own_pixels() -> None:
    page = printed(2)
    turning = Turning(way=Way(), shape=page.picture.shape)
    assert np.array_equal(turning.picture(page.picture), page.picture)


@pytest.mark.parametrize("way", [Way(), Way(turned=90), Way(mirrored=True, turned=270)])
def test_points_lead_to_the_read_picture_and_back(way: Way) -> None:
    shape = (300, 400)
    frame = np.array([(20, 30), (250, 20), (260, 280), (30, 270)], float)
    rng = np.random.default_rng(0)
    points = rng.uniform(50, 250, (20, 2))
    for turning in (turned_by(way, shape, 7.0), flattened(way, shape, frame)):
        assert np.allclose(turning.back(turning.points(points)), points)
        spot = np.zeros(shape, np.uint8)
        spot[100:103, 200:203] = 255
        shown = 255 - turning.picture(255 - spot)
        y, x = ndimage.center_of_mass(shown.astype(float))
        assert np.allclose(turning.points(np.array([201.5, 101.5])), [x + 0.5, y + 0.5], atol=0.5)


def test_a_homography_moves_four_points_as_told_and_keeps_lines_straight(tmp_path: Path) -> None:
    source, target = (
        np.array([(0, 0), (4, 0), (4, 3), (0, 3)], float),
        np.array([(1, 1), (6, 0), (5, 4), (0, 5)], float),
    )
    matrix = homography(source, target)
    assert np.allclose(projected(matrix, source), target)
    line = projected(matrix, np.array([(0.5, 0.4), (1.5, 1.1), (2.5, 1.8)]))
    (x0, y0), (x1, y1) = line[1] - line[0], line[2] - line[0]
    assert x0 * y1 == pytest.approx(x1 * y0)
