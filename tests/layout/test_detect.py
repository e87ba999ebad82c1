"""The detector that ships finds characters at any scale, in pictures larger than its tiles, and in blank ones none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinyscan import brush, plain

from sinonom_cli.errors import BadInput
from sinonom_cli.layout import detect
from sinonom_cli.layout.detect import SHIPPED, Detector, in_line, opened_detector, resized, shipped_detector
from sinonom_cli.layout.measure import Agreement, box_overlaps, pairs
from sinonom_cli.pictures.page_ink import page_ink
from sinonom_cli.relief.compose import compose_page

Composed = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def page() -> Composed:
    """Return the ink of a page of 80 characters, 36 pixels high, and their boxes."""
    made = compose_page(brush(), np.random.default_rng(3), plain(8, 10))
    ink = page_ink(made.picture)
    assert ink is not None
    return ink, np.array([placed.box for placed in made.characters], float)


def f1(found: detect.Found, true: np.ndarray) -> float:
    right = len(pairs(box_overlaps(found.boxes, true), found.scores))
    return Agreement(right=right, found=len(found.boxes), true=len(true)).f1


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.7])
def test_characters_of_any_size_are_found_without_a_word_about_it(page: Composed, scale: float) -> None:
    ink, boxes = page
    picture = np.asarray(Image.fromarray(ink).resize((round(ink.shape[1] * scale), round(ink.shape[0] * scale))))
    found = shipped_detector().find(picture)
    heights = boxes[:, 3] - boxes[:, 1]
    assert found.size == pytest.approx(scale * np.median(heights), rel=0.4)
    assert f1(found, boxes * scale) > 0.97
    assert (np.diff(found.scores) <= 0).all() and found.scores.max() <= 1


def test_small_text_beside_large_characters_decides_the_size(page: Composed) -> None:
    ink, boxes = page
    high, wide = ink.shape
    small = np.asarray(Image.fromarray(ink).resize((wide // 3, high // 3), Image.Resampling.BOX))
    both = np.zeros((high + 4 * small.shape[0], wide), np.float32)
    both[:high] = ink
    for i in range(4):
        for j in range(3):
            both[high + i * small.shape[0] :, j * small.shape[1] :][: small.shape[0], : small.shape[1]] = small
    assert shipped_detector().size_of(both) == pytest.approx(np.median(boxes[:, 3] - boxes[:, 1]) / 3, rel=0.3)


@pytest.mark.parametrize("enlarged", [1, 4])
def test_the_size_is_found_with_few_pixels_however_large_the_scan(
    page: Composed, enlarged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ink, boxes = page
    looked_at = []
    find = Detector._at

    def counted(self: Detector, ink: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        looked_at.append(ink.size * scale**2)
        return find(self, ink, scale)

    monkeypatch.setattr(Detector, "_at", counted)
    size = shipped_detector().size_of(np.kron(ink, np.ones((enlarged, enlarged), np.float32)))
    assert size == pytest.approx(enlarged * np.median(boxes[:, 3] - boxes[:, 1]), rel=0.4)
    right = ink.size * (28 / (size / enlarged)) ** 2
    assert sum(looked_at) < 4 * right  # all scales down to 10 pixels would be 14 times as much


def test_a_detector_is_read_once_and_again_after_a_change(tmp_path: Path) -> None:
    path = tmp_path / "d.onnx"
    path.write_bytes(SHIPPED.read_bytes())
    first = opened_detector(path)
    assert opened_detector(path) is first
    path.write_bytes(b"no network")
    with pytest.raises(BadInput, match=r"d\.onnx"):
        opened_detector(path)
    with pytest.raises(BadInput, match=r"none\.onnx"):
        opened_detector(tmp_path / "none.onnx")


def test_tiles_give_the_boxes_of_the_whole_picture(page: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    ink, boxes = page
    whole = shipped_detector().find(ink, 34.0)
    monkeypatch.setattr(detect, "TILE", 192)
    tiles = shipped_detector().find(ink, 34.0)
    assert len(pairs(box_overlaps(tiles.boxes, whole.boxes), tiles.scores, 0.8)) >= 0.97 * len(boxes)
    assert abs(len(tiles.boxes) - len(whole.boxes)) <= 0.03 * len(boxes)


def test_the_mirror_image_has_the_mirrored_boxes(page: Composed) -> None:
    ink, boxes = page
    mirrored = boxes.copy()
    mirrored[:, [0, 2]] = ink.shape[1] - boxes[:, [2, 0]]
    assert f1(shipped_detector().find(np.ascontiguousarray(ink[:, ::-1])), mirrored) > 0.97


def test_a_faint_box_counts_between_two_characters_of_its_column_or_row_alone() -> None:
    column = np.array([[10, 10, 40, 40], [11, 45, 41, 75], [9, 80, 39, 110]], float)
    boxes = np.vstack([column, [[70, 45, 100, 75]], [[10, 300, 40, 330]], [[20, 130, 28, 138]]])
    known = np.array([True, False, True, False, False, False])
    assert in_line(boxes, known).tolist() == [False, True, False, False, False, False]
    assert in_line(boxes[:, [1, 0, 3, 2]], known).tolist() == [False, True, False, False, False, False]
    assert not in_line(boxes, known & (np.arange(6) > 0)).any()


def test_a_blank_picture_has_no_characters() -> None:
    found = shipped_detector().find(np.zeros((300, 200), np.float32))
    assert found.boxes.shape == (0, 4) and found.scores.shape == (0,)


def test_a_smaller_picture_is_averaged() -> None:
    ink = np.random.default_rng(0).random((64, 96)).astype(np.float32)
    assert resized(ink, 0.5).shape == (32, 48)
    assert resized(ink, 0.5).mean() == pytest.approx(ink.mean(), abs=0.02)
    assert resized(ink, 1.0) is not None and np.array_equal(resized(ink, 1.0), ink)


def test_what_is_no_detector_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(BadInput, match=r"a\.onnx"):
        Detector(tmp_path / "a.onnx")
    assert SHIPPED.stat().st_size < 5_000_000
