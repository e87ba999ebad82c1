"""Test charset files: every usual form is understood, and no character is normalised."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from nomnaocr_characters import counts_in, table_of

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.fonts.charset import charset_asked, charset_of, is_han, nomnaocr_characters, parse_line, read_charset
from sinonom_cli.fonts.unicode_blocks import BLOCKS, chars_of_block


@pytest.mark.parametrize(
    ("line", "chars"),
    [
        ("之\t7638", "之"),
        ("之 7638", "之"),
        ("之", "之"),
        ("\uf90a\t1", "\uf90a"),
        ("U+5B57", "字"),
        ("u+5b57 12", "字"),
        ("0x5357", "南"),
        ("U+570B,5", "國"),
        ("U+570B;5", "國"),
        ('"U+570B","5"', "國"),
        ("&#x56FD;", "国"),
        ("\\u570b", "國"),
        ("U+4E00..U+4E05", "一丁丂七丄丅"),
        ("4E00..4E02; CJK", "一丁丂"),
        ("u+4e00-u+4e02\tx", "一丁丂"),
        ("U+4E05..U+4E00", ""),
        ("U+D7FE..U+E001", "\ud7fe\ud7ff\ue000\ue001"),
        ("U+570B U+5357, 0x5730", "國南地"),
        ("あ い う", "あいう"),
        ("あ 3", "あ"),
        ("あいう", ""),
        ("5730", ""),
        ("字\U000e0100\t5", "字"),
        ("字\U000e0100喃\ufe00", "字喃"),
        ("\u200b字", "字"),
        ("⿰木口\t1", ""),
        ("⿰木口字", "字"),
        ("character,count", ""),
        ("U+21982\t4", "\U00021982"),
        ("U+110000", ""),
        ("U+D800", ""),
        ("", ""),
        ("   ", ""),
        ("# a comment 字", ""),
        ("#字", ""),
        ("#", ""),
        ("#\t12", "#"),
        ("天地玄黃", "天地玄黃"),
        ("天地 玄黃", "天地玄黃"),
        ("天 地 玄 黃", "天地玄黃"),
        ("天地玄黃，宇宙洪荒。", "天地玄黃宇宙洪荒"),
        ("字,7638", "字"),
        ("天地\theaven and earth 人", "天地"),
        ("A\t3", "A"),
    ],
)
def test_a_line_names_these_characters(line: str, chars: str) -> None:
    assert parse_line(line) == list(chars)


def test_a_file_with_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "bảng chữ 𡦂.txt"
    path.write_bytes("之\t3\r\n\r\n# note\r\n以\t2\r\n".encode("utf-8-sig"))
    assert read_charset(path) == ["之", "以"]


@pytest.mark.parametrize("content", [b"\xb9\xfa\n", b"u+zz\n", b"", b"# only a comment\n"])
def test_a_file_without_characters_is_bad_input(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "charset.txt"
    path.write_bytes(content)
    with pytest.raises(SinonomError, match="charset.txt"):
        read_charset(path)


def test_lines_that_name_nothing_are_counted_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "charset.csv"
    path.write_text("char;count\n# note\n\n字;3\n5730\n南;2\n", encoding="utf-16")
    assert read_charset(path) == ["字", "南"]
    (said,) = capsys.readouterr().err.splitlines()
    assert "charset.csv" in said and ": 2;" in said and "line 1" in said
    path.write_text("字;3\n南;2\n", encoding="utf-8")
    read_charset(path)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("typed", ["字 喃", "字\ufe00喃\u200b", "U+5B57 0x5583", "字\ufeff喃⿰木口"])
def test_typed_characters_are_those_of_the_text(typed: str) -> None:
    found = charset_asked(None, typed, [])
    assert found is not None and found.chars == ("字", "喃")


def test_a_character_and_its_private_use_code_are_drawn_once() -> None:
    charset = charset_of("字\U000f000b\U000313fa字\ue001")
    assert charset.chars == ("字", "\U000313fa")
    assert charset.repaired == {"\U000f000b": "\U000313fa"}
    assert charset.private == ("\ue001",)


def test_han_is_ideographs_of_every_plane_and_nothing_else() -> None:
    assert all(map(is_han, "字㐀\uf90a〇々𡦂\U00030000\U000313fa"))
    assert not any(map(is_han, "aあㄅ가、。\ue001\U000f000b⼀①"))


def test_blocks_have_the_names_and_bounds_of_unicode() -> None:
    """Compare blocks with the names of their characters, such as CJK UNIFIED IDEOGRAPH-5B57."""
    for name in BLOCKS:
        chars = "".join(chars_of_block(name))
        assert all(map(is_han, chars[:-64]))
        kind = "COMPATIBILITY" if "compat" in name else "UNIFIED"
        known = [unicodedata.name(char, "") for char in (chars[0], chars[len(chars) // 2])]
        assert all(f"CJK {kind} IDEOGRAPH-" in text for text in known if text)
    assert sum(len(list(chars_of_block(name))) for name in ("cjk", "cjk-ext-b")) == 20992 + 42720


@pytest.mark.parametrize(
    "name",
    ["cjk-ext-b", "CJK-Ext-B", "cjk_extb", "CJK Extension B", "CJK Unified Ideographs Extension B", " cjk ext b "],
)
def test_a_block_is_known_by_any_of_its_names(name: str) -> None:
    chars = list(chars_of_block(name))
    assert (chars[0], chars[-1]) == ("\U00020000", "\U0002a6df")


def test_a_block_that_is_none_is_a_usage_error_that_names_them() -> None:
    with pytest.raises(SinonomError, match="hangul") as raised:
        chars_of_block("hangul")
    assert raised.value.code == ExitCode.USAGE
    assert "cjk-ext-b" in raised.value.hint
    assert "cjk-compat-supplement" in raised.value.hint


def test_charset_chars_and_blocks_add_up(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text("字\n喃\n", encoding="utf-8")
    charset = charset_asked(str(path), "天 字", ["cjk-compat"])
    assert charset is not None
    assert charset.chars[:4] == ("字", "喃", "天", "\uf900")
    assert len(charset.chars) == 3 + 512
    assert charset_asked(None, "", []) is None


def test_the_characters_of_nomnaocr_ship_commonest_first() -> None:
    chars = nomnaocr_characters()
    assert chars[:3] == ("之", "以", "月")
    assert len(chars) == len(set(chars)) > 6000
    charset = charset_asked("nomnaocr", "", [])
    assert charset is not None
    assert len(charset.repaired) > 50
    assert len(charset.private) > 100
    assert all(map(is_han, charset.chars))


def test_what_ships_is_what_the_script_counts_in_the_transcripts(shared_data: Path) -> None:
    counts: Counter[str] = Counter()
    with (shared_data / "nomnaocr" / "All.txt").open(encoding="utf-8") as file:
        for line in file:
            counts.update(line.split("\t")[1].strip())
    chars = nomnaocr_characters()
    assert set(chars) == {char for char in counts if char not in "?\ufffd…"}
    assert [counts[char] for char in chars] == sorted((counts[char] for char in chars), reverse=True)


def test_transcripts_and_tables_of_counts_are_counted_alike() -> None:
    transcripts = ["Tale of Kieu 1866/page_1.jpg\t字喃字?\n", "a/b.JPG\t喃𡦂\U000f000b\r\n", "\n"]
    table = ["字\t2", "喃\t2", "𡦂\t1", "\U000f000b\t1", "?\t1"]
    found = counts_in(transcripts)
    assert found == counts_in(table) == {"字": 2, "喃": 2, "𡦂": 1, "\U000f000b": 1}
    assert table_of(found) == "count,characters\n2,喃字\n1,𡦂\U000f000b\n"
