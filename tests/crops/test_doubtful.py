"""Test which crops are doubtful, and that no doubtful crop enters the image set without a mark."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tinycolumn import column, save

from sinonom_cli.cli import run
from sinonom_cli.crops.columns import cut_column
from sinonom_cli.crops.confidence import judged
from sinonom_cli.crops.cuts import Cuts
from sinonom_cli.storage.image_set import read_imageset

PRINTED = "大人山水木火土金"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def patches(folder: Path) -> Path:
    """Write four good columns, and two whose transcripts have one character too few and one too many."""
    texts = [PRINTED, PRINTED[::-1], PRINTED, PRINTED, PRINTED[:3] + PRINTED[4:], PRINTED[:3] + "月" + PRINTED[3:]]
    (folder / "b").mkdir(parents=True)
    for number in range(len(texts)):
        printed = texts[number] if number < 4 else PRINTED
        save(column(printed, seed=number).grey, folder / "b" / f"p_{number}.jpg")
    lines = [f"b/p_{number}.jpg\t{text}\n" for number, text in enumerate(texts)]
    (folder / "All.txt").write_text("".join(lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize("count", [3, 6, 8, 15])
@pytest.mark.parametrize("change", [-1, 0, 1])
def test_another_number_of_characters_than_the_transcripts_is_seen(count: int, change: int) -> None:
    text = "".join(map(chr, np.random.default_rng(count).integers(0x4E10, 0x9F00, count + 1)))
    cuts = cut_column(column(text[:count], seed=count).grey, text[: count + change]).cuts
    if change:
        assert cuts.rival > 1.0 and cuts.rival_number == count
    else:
        assert cuts.rival < 0


@pytest.mark.parametrize("count", [1, 2, 4, 6, 12])
@pytest.mark.parametrize("part", [1 / 3, 1 / 2, 1, 2, 3])
def test_a_transcript_of_a_part_or_a_multiple_of_the_characters_is_doubted(
    tmp_path: Path, count: int, part: float
) -> None:
    count = count if part >= 1 else round(count / part)  # The transcript of a third needs at least one character.
    text = "".join(map(chr, np.random.default_rng(count).integers(0x4E10, 0x9F00, 3 * count)))
    (tmp_path / "b").mkdir()
    save(column(text[:count], seed=count).grey, tmp_path / "b" / "p_0.jpg")
    (tmp_path / "All.txt").write_text(f"b/p_0.jpg\t{text[: round(count * part)]}\n", encoding="utf-8")
    assert run(["crop-nomnaocr", str(tmp_path), str(tmp_path / "set"), "-q"]) == 0
    kept, doubtful = rows(tmp_path / "set" / "metadata.csv"), rows(tmp_path / "set" / "doubtful.csv")
    if part == 1:
        assert len(kept) == count
    else:
        assert not kept and len(doubtful) == round(count * part)


def test_doubtful_crops_are_listed_with_the_reason_and_are_not_in_the_set(tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert run(["crop-nomnaocr", str(patches(tmp_path / "in")), str(out), "-q"]) == 0
    kept, doubtful = rows(out / "metadata.csv"), rows(out / "doubtful.csv")
    assert {row["source"].partition("#")[0] for row in kept} == {f"b/p_{number}.jpg" for number in range(4)}
    assert len(doubtful) == 7 + 9 and all(float(row["confidence"]) < 0.5 for row in doubtful)
    more, fewer = doubtful[:7], doubtful[7:]
    assert sum("more characters" in row["reason"] for row in more) > 3
    assert sum("fewer characters" in row["reason"] for row in fewer) > 4
    assert len(list((out / "images").rglob("*.png"))) == len(kept) == len(read_imageset(out).pictures)
    assert json.loads((out / "artifact.json").read_text(encoding="utf-8"))["counts"] == {
        "items": 6,
        "images": 32,
        "failed": 0,
        "doubtful": 16,
    }


def test_doubtful_crops_that_are_kept_are_marked(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in")
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "out"), "-q"]) == 0
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "set"), "--keep-doubtful", "-q"]) == 0
    left_out = {row["source"]: row["reason"] for row in rows(tmp_path / "out" / "doubtful.csv")}
    kept = rows(tmp_path / "set" / "metadata.csv")
    assert len(kept) == 32 + 16
    assert {row["source"]: row["doubtful"] for row in kept if row["doubtful"]} == left_out
    assert all((tmp_path / "set" / row["file_name"]).is_file() for row in kept)
    assert not rows(tmp_path / "set" / "doubtful.csv")


def test_the_threshold_can_be_moved(tmp_path: Path) -> None:
    folder = str(patches(tmp_path / "in"))
    for below, images in (("0", 48), ("1", 0)):
        assert run(["crop-nomnaocr", folder, str(tmp_path / below), "--doubtful-below", below, "-q"]) == 0
        assert len(rows(tmp_path / below / "metadata.csv")) == images


def test_an_extended_set_keeps_its_list_of_doubtful_crops(tmp_path: Path) -> None:
    folder = str(patches(tmp_path / "in"))
    assert run(["crop-nomnaocr", folder, str(tmp_path / "once"), "-q"]) == 0
    for limit in ("5", "6"):
        assert run(["crop-nomnaocr", folder, str(tmp_path / "twice"), "--limit", limit, "-q"]) == 0
    for name in ("metadata.csv", "doubtful.csv", "items.csv", "artifact.json"):
        assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()


def test_a_confidence_is_the_product_of_what_speaks_for_a_crop() -> None:
    cuts = Cuts(np.array([0, 20, 40]), np.array([20, 40, 70]), np.array([0.9, 0.8, 1.0]), 1.8, 20.0, 1.0, 4)
    severed, seen = np.array([0.0, 0.1, 0.0]), np.array([1.0, 1.0, 0.0])
    found = judged(cuts, "大人山", severed, seen)
    column = np.exp(-0.2) * 0.5  # The cost per character is 0.2 above the ordinary; three and four are equally likely.
    odd = np.exp(-0.5 * (np.log(1.5) / 0.35) ** 2)
    assert found.confidence == pytest.approx([0.9 * column, 0.8 * 0.6 * column, odd * 0.5 * column])
    assert all("more characters" in reason for reason in found.reasons[:2])
