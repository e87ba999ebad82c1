"""Transcripts are read from files, folders and tables, and each finds its block."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sinonom_cli.blocks.transcripts import columns_of, read_transcripts
from sinonom_cli.errors import SinonomError


def test_columns_are_lines_without_spaces_punctuation_and_marks() -> None:
    assert columns_of("\ufeff天地，玄 黃。\r\n\r\n 宇宙□\n") == ("天地玄黃", "宇宙□")


def test_the_only_text_file_belongs_to_the_only_block(tmp_path: Path) -> None:
    (tmp_path / "văn bản.txt").write_text("天地\n玄黃\n", encoding="utf-8")
    assert read_transcripts(tmp_path / "văn bản.txt", ["ván 1"]) == {"ván 1": ("天地", "玄黃")}


def test_texts_of_a_folder_find_their_blocks_by_name_or_its_last_part(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "001.txt").write_text("天", encoding="utf-8")
    (tmp_path / "va\u0301n.txt").write_text("地", encoding="utf-8")
    (tmp_path / "khác.txt").write_text("玄", encoding="utf-8")
    with caplog.at_level("INFO", "sinonom_cli"):
        found = read_transcripts(tmp_path, ["a/001", "b/v\u00e1n", "c"])
    assert found == {"a/001": ("天",), "b/v\u00e1n": ("地",)}
    assert "khác" in caplog.text and "1 of 3" in caplog.text


def test_a_table_gives_a_row_a_block_or_a_row_a_column(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text('block,text\n001,"天地\n玄黃"\n002,宇\n002,宙\n', encoding="utf-8")
    assert read_transcripts(path, ["001", "002"]) == {"001": ("天地", "玄黃"), "002": ("宇", "宙")}


@pytest.mark.parametrize("content", [None, "", " \n。\n"])
def test_a_missing_or_empty_transcript_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(SinonomError, match=r"text\.txt"):
        read_transcripts(path, ["001"])


@pytest.mark.parametrize("header", ["page,text", "block,text"])
def test_a_table_of_pages_may_call_them_pages_or_blocks(tmp_path: Path, header: str) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\ntrang 1,天地\n", encoding="utf-8")
    assert read_transcripts(tmp_path / "t.csv", ["trang 1", "trang 2"], "page") == {"trang 1": ("天地",)}


def test_a_table_that_names_no_pages_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("leaf,text\ntrang 1,天地\n", encoding="utf-8")
    with pytest.raises(SinonomError, match="'page'"):
        read_transcripts(tmp_path / "t.csv", ["trang 1"], "page")


def test_transcripts_of_none_of_the_blocks_are_refused_with_a_name_of_each(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("天", encoding="utf-8")
    with pytest.raises(SinonomError, match="x") as error:
        read_transcripts(tmp_path, ["001", "002"])
    assert "001" in error.value.hint


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_damaged_transcripts_are_read_or_refused(tmp_path: Path, name: str) -> None:
    seed = 'block,text\na,"大人，\n山水"\na,□？\n002,天地\n'.encode()
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(300):
        damaged = bytearray(seed)
        for _ in range(int(rng.integers(1, 6))):
            at = int(rng.integers(len(damaged)))
            how = int(rng.integers(3))
            if how == 0:
                damaged[at] = int(rng.integers(256))
            elif how == 1:
                del damaged[at : at + int(rng.integers(1, 9))]
            else:
                damaged[at:at] = bytes(rng.integers(256, size=3, dtype=np.uint8))
            damaged = damaged or bytearray(b"a")
        (tmp_path / name).write_bytes(damaged)
        with suppress(SinonomError):
            assert set(read_transcripts(tmp_path / name, ["a", "002"])) <= {"a", "002"}
            read += 1
    assert name == "a.txt" or read > 5
