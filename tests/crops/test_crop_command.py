"""Test `sinonom crop-nomnaocr`: the layout that it reads, the files that it writes, and its errors for bad input."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinycolumn import column, save

from sinonom_cli.cli import run
from sinonom_cli.crops.transcripts import find_patches, read_list, without
from sinonom_cli.storage.image_set import read_imageset

PRIVATE, REPAIRED, STILL_PRIVATE = "\U000f000b", "\U000313fa", "\U000f0123"
TEXTS = {
    "Tale of Kieu 1866/page001_0.jpg": "大人山水",
    "Tale of Kieu 1866/page001_1.jpg": f"木{PRIVATE}火{STILL_PRIVATE}",
    "Tale of Kieu 1866/page0012_0.jpg": "日?月一金",
    "DVSKTT-1/p_1a_0.jpg": "土",
}


def patches(folder: Path, texts: dict[str, str] = TEXTS, extra: str = "") -> Path:
    """Write patches and their list in the layout of the data set; return the folder above `Patches`."""
    for key, text in texts.items():
        path = folder / "Patches" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        save(column(text, seed=len(text)).grey, path)
    lines = "".join(f"{key}\t{text}\n" for key, text in texts.items())
    (folder / "Patches" / "All.txt").write_text(lines + extra, encoding="utf-8")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_legible_character_becomes_a_labelled_picture(tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert run(["crop-nomnaocr", str(patches(tmp_path / "in")), str(out), "--size", "48", "-q"]) == 0
    made = rows(out / "metadata.csv")
    chars = "".join(TEXTS.values()).replace("?", "").replace(PRIVATE, REPAIRED)
    assert "".join(row["char"] for row in made) == chars
    assert len({row["file_name"] for row in made}) == len(made)
    for row in made:
        assert row["label"] == f"U+{ord(row['char']):04X}" and row["file_name"].startswith(f"images/{row['label']}/")
        assert row["file_name"].isascii() and 0 <= float(row["confidence"]) <= 1
        picture = Image.open(out / row["file_name"])
        assert picture.size == (48, 48) and picture.mode == "L"
    assert len(read_imageset(out).pictures) == len(made)


def test_source_and_box_say_where_a_character_stands(tmp_path: Path) -> None:
    out = tmp_path / "set"
    run(["crop-nomnaocr", str(patches(tmp_path / "in")), str(out), "-q"])
    key = "Tale of Kieu 1866/page0012_0.jpg"
    made = {row["source"]: row for row in rows(out / "metadata.csv")}
    assert [source for source in made if source.startswith(key)] == [f"{key}#{k}" for k in (0, 2, 3, 4)]
    for k, (low, high) in enumerate(column(TEXTS[key], seed=5).spans):
        if k != 1:
            x0, y0, x1, y1 = map(int, made[f"{key}#{k}"]["box"].split())
            assert abs(y0 - low) <= 2 and abs(y1 - high) <= 2 and 0 <= x0 < x1 <= 28


def test_private_use_characters_are_repaired_where_unicode_has_them_and_kept_where_not(tmp_path: Path) -> None:
    out = tmp_path / "set"
    run(["crop-nomnaocr", str(patches(tmp_path / "in")), str(out), "-q"])
    labels = {row["label"] for row in rows(out / "metadata.csv")}
    assert {"U+313FA", "U+F0123"} <= labels and "U+F000B" not in labels


def test_the_patches_folder_and_its_parent_give_the_same_set(tmp_path: Path) -> None:
    folder = patches(tmp_path / "bản khắc 𡦂")
    for given, out in ((folder, "parent"), (folder / "Patches", "patches")):
        assert run(["crop-nomnaocr", str(given), str(tmp_path / "tập ảnh" / out), "-q"]) == 0
    assert contents(tmp_path / "tập ảnh" / "parent") == contents(tmp_path / "tập ảnh" / "patches")


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in")
    for workers in ("0", "2"):
        assert run(["crop-nomnaocr", str(folder), str(tmp_path / workers), "--workers", workers, "-q"]) == 0
    assert contents(tmp_path / "0") == contents(tmp_path / "2")


def test_a_run_that_is_extended_equals_one_in_one_go(tmp_path: Path) -> None:
    folder = str(patches(tmp_path / "in"))
    run(["crop-nomnaocr", folder, str(tmp_path / "once"), "-q"])
    run(["crop-nomnaocr", folder, str(tmp_path / "twice"), "--limit", "2", "-q"])
    assert len(rows(tmp_path / "twice" / "metadata.csv")) == 8
    run(["crop-nomnaocr", folder, str(tmp_path / "twice"), "-q"])
    assert contents(tmp_path / "once") == contents(tmp_path / "twice")


def test_bad_patches_go_to_failures_and_the_rest_is_done(tmp_path: Path) -> None:
    folder = patches(
        tmp_path / "in",
        extra="gone/p_0.jpg\t大\nbad/p_0.jpg\t大\nlow/p_0.jpg\t大人山水木火土金\nblank/p_0.jpg\t大人\nno tab here\n"
        "../p.jpg\t大\n"
        "DVSKTT-1/p_1a_0.jpg\t木\nempty/p_0.jpg\t\n",
    )
    for name in ("bad", "low", "blank"):
        (folder / "Patches" / name).mkdir()
    (folder / "Patches" / "bad" / "p_0.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    save(column("大").grey, folder / "Patches" / "low" / "p_0.jpg")
    save(np.full((60, 28), 220, np.uint8), folder / "Patches" / "blank" / "p_0.jpg")
    out = tmp_path / "set"
    assert run(["crop-nomnaocr", str(folder), str(out), "-q"]) == 6
    failures = {row["file"]: row["reason"] for row in rows(out / "failures.csv")}
    assert len(failures) == 8
    assert "does not exist" in failures["gone/p_0.jpg"]
    assert "bad/p_0.jpg" in failures
    assert "8 characters" in failures["low/p_0.jpg"] and "29 pixels" in failures["low/p_0.jpg"]
    assert "no ink" in failures["blank/p_0.jpg"]
    assert "no tab" in failures["All.txt, line 9"]
    assert "inside" in failures["All.txt, line 10"]
    assert "twice" in failures["All.txt, line 11"]
    assert "no transcript" in failures["All.txt, line 12"]
    assert len(rows(out / "metadata.csv")) == 13


def test_another_list_is_taken_by_path_or_by_name(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in")
    key = "DVSKTT-1/p_1a_0.jpg"
    (folder / "Patches" / "Train.txt").write_text(f"{key}\t土\n", encoding="utf-8-sig")
    for given in ("Train.txt", str(folder / "Patches" / "Train.txt")):
        root, path = find_patches(folder, Path(given))
        assert [item.key for item in read_list(root, path)] == [key]


def test_excluded_pages_and_patches_leave_no_picture(tmp_path: Path) -> None:
    folder = patches(tmp_path / "in")
    listed = tmp_path / "pages.txt"
    listed.write_text("Tale of Kieu 1866/page001\nDVSKTT-1/p_1a_0.jpg\n", encoding="utf-8")
    out = tmp_path / "set"
    assert run(["crop-nomnaocr", str(folder), str(out), "--exclude", str(listed), "-q"]) == 0
    # The exclusion of page001 does not exclude page0012.
    assert {row["source"].split("#")[0] for row in rows(out / "metadata.csv")} == {"Tale of Kieu 1866/page0012_0.jpg"}
    assert json.loads((out / "artifact.json").read_text(encoding="utf-8"))["excluded"] == 3


@pytest.mark.parametrize("line", ["Tale of Kieu 1866/page001_1", "Tale of Kieu 1866/page001_1.jpg"])
def test_an_exclusion_may_name_one_patch(tmp_path: Path, line: str) -> None:
    folder = patches(tmp_path)
    items = read_list(*find_patches(folder, None))
    assert [item.key for item in without(items, [line])] == [key for key in TEXTS if "001_1" not in key]


def test_names_that_become_one_in_ascii_stay_apart(tmp_path: Path) -> None:
    texts = {"A B/p_0.jpg": "大", "A-B/p_0.jpg": "大", "a b/P_0.jpg": "大", "Á/p_0.jpg": "大", "Ạ/p_0.jpg": "大"}
    out = tmp_path / "set"
    assert run(["crop-nomnaocr", str(patches(tmp_path / "in", texts)), str(out), "-q"]) == 0
    names = [row["file_name"].lower() for row in rows(out / "metadata.csv")]
    assert len(set(names)) == 5 and all(name.isascii() for name in names)


@pytest.mark.parametrize("missing", ["folder", "list", "exclude", "localizer"])
def test_what_is_not_there_is_named_with_exit_code_4(
    tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = patches(tmp_path / "in")
    arguments = {
        "folder": [str(tmp_path / "nowhere")],
        "list": [str(folder), "--transcripts", "nowhere"],
        "exclude": [str(folder), "--exclude", "nowhere"],
        "localizer": [str(folder), "--localizer", "nowhere"],
    }[missing]
    assert run(["crop-nomnaocr", *arguments, "--output", str(tmp_path / "set")]) == 4
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_real_prints_are_nearly_all_cut_with_confidence(shared_data: Path, tmp_path: Path) -> None:
    import tarfile

    lines = (shared_data / "nomnaocr" / "All.txt").read_text(encoding="utf-8").splitlines()
    book = "Tale of Kieu 1871"
    names = [line.split("\t")[0] for line in lines if line.startswith(book)][:20]
    with tarfile.open(shared_data / "nomnaocr" / f"{book}.tar") as archive:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.4 and newer
        archive.extractall(tmp_path, [archive.getmember(f"Patches/{name}") for name in names], **safely)
    kept = [line for line in lines if line.split("\t")[0] in names]
    (tmp_path / "Patches" / "All.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert run(["crop-nomnaocr", str(tmp_path), str(tmp_path / "set"), "-q"]) == 0
    sure = [float(row["confidence"]) for row in rows(tmp_path / "set" / "metadata.csv")]
    every = sum(len(line.split("\t")[1].replace("?", "")) for line in kept)
    assert len(sure) + len(rows(tmp_path / "set" / "doubtful.csv")) == every and len(sure) > 0.9 * every
    assert np.median(sure) > 0.8


def test_books_and_patches_of_long_names_are_cut_and_stay_apart(tmp_path: Path) -> None:
    book, out = "b" * 150, tmp_path / "set"
    texts = {f"{book}/{'p' * 150}{number}_0.png": "大人" for number in range(2)}
    assert run(["crop-nomnaocr", str(patches(tmp_path / "in", texts)), str(out), "--doubtful-below", "0", "-q"]) == 0
    assert len({row["file_name"] for row in rows(out / "metadata.csv")}) == 4
