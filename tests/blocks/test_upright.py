"""A block is read in the way in which its characters look known; points follow the picture however it is turned."""

import numpy as np
import pytest

from sinonom_cli.blocks.upright import Way, cropped, find_way

WAYS = [Way(mirrored=mirrored, turned=turned) for mirrored in (False, True) for turned in (0, 90, 180, 270)]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.mirrored}-{way.turned}")
def test_points_and_boxes_go_where_the_picture_goes(way: Way) -> None:
    picture = np.zeros((7, 11), np.uint8)
    picture[2, 8] = 1
    upright = way.upright(picture)
    [[row, column]] = np.argwhere(upright)
    x, y = way.points(np.array([8.5, 2.5]), picture.shape)
    assert (x, y) == (column + 0.5, row + 0.5)
    assert way.boxes(np.array([[8.0, 2, 9, 3]]), picture.shape).tolist() == [[column, row, column + 1, row + 1]]
    back = way.back(np.array([[column + 0.5, row + 0.5]]), picture.shape)
    assert back.tolist() == [[8.5, 2.5]]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.mirrored}-{way.turned}")
def test_the_matrix_turns_space_as_the_picture_is_turned(way: Way) -> None:
    # A point right of and above the middle, in space with y up.
    picture = np.zeros((5, 5), np.uint8)
    picture[1, 4] = 1
    [[row, column]] = np.argwhere(way.upright(picture))
    moved = way.matrix() @ np.array([2.0, 1.0, 3.0])
    assert moved == pytest.approx([column - 2, 2 - row, 3])
    assert np.linalg.det(way.matrix()) == pytest.approx(-1 if way.mirrored else 1)


def letters(way: Way) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture of nine letters F that lies so that `way` puts it upright, and their boxes."""
    page, boxes = np.full((120, 90), 255, np.uint8), []
    for i in range(3):
        for j in range(3):
            y, x = 10 + 36 * i, 8 + 28 * j
            page[y : y + 24, x : x + 4] = page[y : y + 4, x : x + 16] = page[y + 10 : y + 14, x : x + 12] = 0
            boxes.append((x, y, x + 16, y + 24))
    turned = np.rot90(page, way.turned // 90)
    turned = turned[:, ::-1] if way.mirrored else turned
    points = np.array(boxes, float).reshape(-1, 2, 2)
    lying = way.back(points.reshape(-1, 2), turned.shape).reshape(-1, 2, 2)
    return np.ascontiguousarray(turned), np.hstack([lying.min(axis=1), lying.max(axis=1)])


def unlike_f(pictures: list[np.ndarray]) -> np.ndarray:
    """Return how unlike an upright F each picture is: the ink where an F has none."""
    found = []
    for picture in pictures:
        high, wide = picture.shape
        ink = picture < 128
        lower_right = ink[high // 2 + 2 :, wide // 2 :].sum()
        left = ink[:, : wide // 3].sum()
        found.append(1 + lower_right - left + 3 * (wide > high) * wide)
    return np.array(found, float)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.mirrored}-{way.turned}")
def test_the_way_is_found_and_what_is_given_is_kept(way: Way) -> None:
    picture, boxes = letters(way)
    found = find_way(picture, boxes, unlike_f)
    assert (found.mirrored, found.turned) == (way.mirrored, way.turned) and found.probability > 0.99
    given = find_way(picture, boxes, unlike_f, mirrored=not way.mirrored)
    assert given.mirrored != way.mirrored
    assert find_way(picture, boxes, unlike_f, False, 90) == Way(mirrored=False, turned=90, probability=1.0)


@pytest.mark.parametrize(("sure", "read"), [(True, 8), (False, 20)])
def test_few_characters_are_read_where_these_leave_no_doubt(sure: bool, read: int) -> None:
    page = np.tile(letters(Way())[0], (3, 1))
    boxes = np.vstack([letters(Way())[1] + [0, 120 * k, 0, 120 * k] for k in range(3)])
    rng, counts = np.random.default_rng(1), []

    def distances(pictures: list[np.ndarray]) -> np.ndarray:
        counts.append(len(pictures))
        return (0 if sure else 1) * rng.random(len(pictures)) + unlike_f(pictures) * sure

    way = find_way(page, boxes, distances)
    assert sum(counts) == 8 * read
    assert (way.probability > 0.999) == sure


def test_a_way_that_is_no_better_than_another_is_uncertain() -> None:
    picture, boxes = letters(Way())
    rng = np.random.default_rng(0)
    assert find_way(picture, boxes, lambda pictures: rng.random(len(pictures))).probability < 0.95


def test_a_crop_has_a_margin_and_stays_inside() -> None:
    picture = np.arange(100 * 80, dtype=np.int64).reshape(100, 80).astype(np.uint8)
    assert cropped(picture, np.array([10.0, 20, 30, 70]), 0.1).shape == (60, 30)
    assert cropped(picture, np.array([0.0, 0, 80, 100]), 0.1).shape == (100, 80)
