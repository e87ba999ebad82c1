"""Test `crop-nomnaocr --check`: a crop that looks like another character than the transcript's is doubtful."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from sinonom_cli.assets import GLYPHS
from sinonom_cli.cli import run
from sinonom_cli.crops import label_check
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.preprocess import prepare
from sinonom_cli.search.index import read_index
from sinonom_cli.search.opening import CHARACTERS
from sinonom_cli.storage.model_folder import DEFAULT, read_model

HAND = GLYPHS / "wenkai" / "images"
PRINTED = "年帝軍官都書"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def glyph(char: str, side: int = 30) -> np.ndarray:
    with Image.open(next((HAND / f"U+{ord(char):04X}").glob("*.png"))) as picture:
        return np.asarray(picture.convert("L").resize((side, side), Image.Resampling.LANCZOS))


def patches(folder: Path, *texts: str) -> Path:
    """Write a column of the same six characters for each transcript in `texts`, with the list of them."""
    folder.mkdir()
    column = np.full((len(PRINTED) * 34 + 4, 36), 240, np.uint8)
    for k, char in enumerate(PRINTED):
        column[4 + 34 * k : 34 + 34 * k, 3:33] = np.minimum(glyph(char), 240)
    for number in range(len(texts)):
        Image.fromarray(column).save(folder / f"p_{number}.png")
    lines = [f"p_{number}.png\t{text}\n" for number, text in enumerate(texts)]
    (folder / "All.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def test_a_wrong_character_of_a_transcript_is_doubted_by_name_and_its_neighbours_are_not(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in", PRINTED, PRINTED.replace("軍", "月"))
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "plain"), "-q"]) == 0
    assert len(rows(tmp_path / "plain" / "metadata.csv")) == 12, "by ink alone nothing is odd"
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "set"), "--check", "-q"]) == 0
    (doubted,) = rows(tmp_path / "set" / "doubtful.csv")
    assert (doubted["source"], doubted["char"], doubted["looks_like"]) == ("p_1.png#2", "月", "軍")
    assert doubted["reason"] == "looks like another character"
    assert float(doubted["confidence"]) < 0.1 and doubted["box"]
    assert len(rows(tmp_path / "set" / "metadata.csv")) == 11


def test_a_transcript_that_is_off_by_one_is_doubted_from_there_on(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in", PRINTED[:2] + "大" + PRINTED[2:-1])
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "set"), "--check", "-q"]) == 0
    assert [row["char"] for row in rows(tmp_path / "set" / "metadata.csv")] == list(PRINTED[:2])
    assert [row["looks_like"] for row in rows(tmp_path / "set" / "doubtful.csv")] == list(PRINTED[2:])


def test_boxes_are_checked_too(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in", PRINTED)
    (folder / "All.txt").unlink()
    lines = ["picture,x0,y0,x1,y1,text"]
    lines += [f"p_0.png,2,{3 + 34 * k},34,{35 + 34 * k},{char}" for k, char in enumerate("年帝月官都書")]
    (tmp_path / "boxes.csv").write_text("\n".join(lines), encoding="utf-8")
    options = ["--boxes", str(tmp_path / "boxes.csv"), "--check", "-q"]
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "set"), *options]) == 0
    assert [row["looks_like"] for row in rows(tmp_path / "set" / "doubtful.csv")] == ["軍"]


def test_characters_that_the_index_does_not_hold_are_taken_at_their_word(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in", PRINTED.replace("軍", "\U000f0123"))
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "set"), "--check", "-q"]) == 0
    assert not rows(tmp_path / "set" / "doubtful.csv")


def test_with_doubtful_crops_kept_the_set_says_what_they_look_like(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in", PRINTED.replace("軍", "月"))
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "set"), "--check", "--keep-doubtful", "-q"]) == 0
    kept = rows(tmp_path / "set" / "metadata.csv")
    assert [row["looks_like"] for row in kept] == ["", "", "軍", "", "", ""]
    assert [bool(row["doubtful"]) for row in kept] == [bool(row["looks_like"]) for row in kept]


def test_a_checked_set_and_one_that_is_not_are_two_sets(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in", PRINTED)
    command = ["crop-nomnaocr", str(folder), str(tmp_path / "set"), "-q"]
    assert run(command) == 0
    assert run([*command, "--check"]) == 5
    assert run([*command, "--check", "--overwrite"]) == 0
    assert run(command) == 5


def test_workers_change_nothing(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in", PRINTED, PRINTED.replace("軍", "月"), PRINTED[::-1])
    for workers in ("0", "2"):
        out = tmp_path / workers
        assert run(["crop-nomnaocr", str(folder), str(out), "--check", "--workers", workers, "-q"]) == 0
    for name in ("metadata.csv", "doubtful.csv"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_the_reader_agrees_with_comparing_embeddings_one_by_one() -> None:
    reader = label_check.read_reader()
    chars = "月日軍"
    seen = reader([glyph("軍", 64)] * 3, chars)
    index = read_index(CHARACTERS)
    picture = prepare(glyph("軍", 64), 64)
    vector = Embedder(read_model(DEFAULT)).embed(picture[None])[0].astype(np.float64)
    cosines: dict[str, float] = {}
    for number, row in enumerate(index.vectors):
        char = index.rows[number].char
        cosines[char] = max(cosines.get(char, -1.0), float(row.astype(np.float64) @ vector))
    for char, likeness in zip(chars, seen, strict=True):
        other = max((c for c in cosines if c != char), key=cosines.__getitem__)
        liker = cosines[other] - cosines[char]
        assert likeness is not None and likeness.other == other
        assert likeness.factor == pytest.approx(1 / (1 + np.exp(20 * (liker - 0.25))), rel=1e-3)
    assert seen[0] is not None and seen[0].factor < 0.05
    assert seen[2] is not None and seen[2].factor > 0.99


def test_half_of_the_confidence_is_lost_where_another_character_is_a_quarter_liker() -> None:
    assert label_check.doubt(0.25) == pytest.approx(0.5)
    assert label_check.doubt(-1) == pytest.approx(1, abs=1e-9) and label_check.doubt(2) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("other", "said"), [(False, ""), (True, "--check")])
def test_the_transcripts_of_other_patches_are_warned_of_though_their_lengths_fit(
    other: bool, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "".join(reversed(PRINTED)) if other else PRINTED
    folder = patches(tmp_path / "in", *[text] * 4)
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "set"), "--workers", "0", "-q"]) == 0
    warned = capsys.readouterr().err
    assert len(rows(tmp_path / "set" / "metadata.csv")) == 24
    assert bool(warned) == other and said in warned


def test_what_is_doubtful_is_counted_and_warned_of_if_it_is_most(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text, quiet in (("half", PRINTED[:3], ["-q"]), ("one", PRINTED, [])):
        folder = patches(tmp_path / name, text)
        extra = ["--doubtful-below", "0.99"] if name == "one" else []
        command = ["crop-nomnaocr", str(folder), str(tmp_path / f"{name} cut"), "--workers", "0", *quiet, *extra]
        assert run(command) == 0
        doubtful = len(rows(tmp_path / f"{name} cut" / "doubtful.csv"))
        assert doubtful and f"{doubtful} of {len(text)}" in capsys.readouterr().err


def test_a_negative_is_cut_as_its_picture_is(tmp_path: Path) -> None:
    for name in ("in", "negative"):
        patches(tmp_path / name, PRINTED)
    with Image.open(tmp_path / "in" / "p_0.png") as picture:
        ImageOps.invert(picture).save(tmp_path / "negative" / "p_0.png")
    for name in ("in", "negative"):
        assert run(["crop-nomnaocr", str(tmp_path / name), str(tmp_path / f"{name} cut"), "--workers", "0", "-q"]) == 0
    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / f"{name} cut" / "images").rglob("*.png")}
        for name in ("in", "negative")
    )
    assert one == other and len(one) == len(PRINTED)
