"""Test that large characters are cut at the same places as small ones, in about the time that reading them takes."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinycolumn import PITCH, WIDTH, column

from sinonom_cli.crops.column_pages import Found
from sinonom_cli.crops.columns import column_ink, cut_column, marks_of, shrunk
from sinonom_cli.crops.crop_column import CropColumn
from sinonom_cli.crops.crops import crop_in_box, enlarged, reduced, reduction
from sinonom_cli.crops.regions import Region
from sinonom_cli.crops.transcripts import Line
from sinonom_cli.storage.inputs import Item

TEXT = "大人山一水木"


def enlarged_by(grey: np.ndarray, times: int) -> np.ndarray:
    return np.asarray(
        Image.fromarray(grey).resize((grey.shape[1] * times, grey.shape[0] * times), Image.Resampling.BICUBIC)
    )


def cut(tmp_path: Path, grey: np.ndarray, spots: tuple[tuple[float, ...], ...] = ()) -> tuple[list, list]:
    path = tmp_path / f"{grey.shape[1]}.png"
    Image.fromarray(grey).save(path)
    line = Line(TEXT, picture="p", slug="p", region=Region(path), spots=spots)  # type: ignore[arg-type]
    done = CropColumn(tmp_path, 64, None, 0.5, False).cut(Item("p", path, line))
    assert done.grey.shape == grey.shape
    return done.pieces, done.edges


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("times", [4, 21])
def test_large_characters_are_cut_where_small_ones_are(tmp_path: Path, times: int, aligned: bool) -> None:
    drawn = column(TEXT, seed=3)
    spots = tuple((3.0, float(top), WIDTH - 3.0, float(bottom)) for top, bottom in drawn.spans) if aligned else ()
    small, _ = cut(tmp_path, drawn.grey, spots)
    begun = time.process_time()
    large, edges = cut(tmp_path, enlarged_by(drawn.grey, times), tuple(tuple(times * v for v in box) for box in spots))
    assert time.process_time() - begun < 15  # Growth with the fourth power would take a minute or more.
    assert len(large) == len(TEXT) and max(edges) <= times * len(drawn.grey)
    for one, other, (top, bottom) in zip(small, large, drawn.spans, strict=True):
        assert other.confidence > 0.5 and abs(other.confidence - one.confidence) < 0.25
        assert np.abs(np.array(other.crop.box)[[1, 3]] / times - (top, bottom)).max() < 2
        assert np.abs(other.crop.picture.astype(float) - one.crop.picture).mean() < 25


def test_columns_of_usual_size_are_not_reduced() -> None:
    ink = np.random.default_rng(0).random((400, 79), np.float32)
    assert shrunk(ink, 1) is ink
    assert (
        reduction(300, 64) == 1
        and reduction(320, 64) == 2
        and reduction(2000, 1000) == 1
        and reduction(2600, 1000) == 2
    )
    grey = column(TEXT).grey
    assert reduced(grey, 1) is grey and enlarged(None, 3, grey.shape) is None


def test_shrunk_ink_is_the_mean_of_squares() -> None:
    ink = np.random.default_rng(0).random((7, 5), np.float32)
    found = shrunk(ink, 3)
    assert found.shape == (3, 2)
    assert found[0, 0] == pytest.approx(ink[:3, :3].mean()) and found[2, 1] == pytest.approx(ink[6:, 3:].sum() / 9)


def test_wide_columns_of_small_characters_are_cut_in_time(tmp_path: Path) -> None:
    drawn = column("大人山水木", seed=5)
    wide = np.pad(drawn.grey, ((0, 0), (300, 300)), constant_values=225)
    begun = time.process_time()
    found = cut_column(wide, TEXT.replace("一", ""))
    assert time.process_time() - begun < 15
    for (low, high), cut_at in zip(drawn.gaps(), found.cuts.tops[1:], strict=True):
        assert low - 3 <= cut_at <= high + 3


def test_paragraph_marks_of_large_columns_are_seen() -> None:
    drawn = column("大人○山水木", seed=5)
    scores = marks_of(column_ink(enlarged_by(drawn.grey, 8)))
    (low, high) = drawn.gaps()[1]
    assert len(scores) == 8 * len(drawn.grey) and scores.max() > 0.4 and 8 * low < scores.argmax() < 8 * high


def test_a_box_around_a_large_character_gives_its_picture_and_its_place() -> None:
    grey = column("山", seed=2).grey
    small = crop_in_box(grey, np.array([3.0, 3.0, WIDTH - 3, PITCH - 1]), 64)
    large = crop_in_box(enlarged_by(grey, 30), 30 * np.array([3.0, 3.0, WIDTH - 3, PITCH - 1]), 64)
    assert small is not None and large is not None
    assert np.abs(np.array(large.box) / 30 - small.box).max() < 1.5
    assert np.abs(large.picture.astype(float) - small.picture).mean() < 25


def test_what_a_detector_saw_counts_in_a_large_column_too() -> None:
    text = TEXT.replace("一", "")
    drawn = column(text, seed=3)
    spans = 5.0 * np.array(drawn.spans)
    found = cut_column(enlarged_by(drawn.grey, 5), text, Found(spans, np.ones(len(spans))))
    assert found.agreement is not None and found.agreement.min() > 0.7
