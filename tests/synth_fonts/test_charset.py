"""Promises about charset files: every usual form is understood, and nothing is normalised."""

from pathlib import Path

import pytest

from sinonom_cli.errors import SinonomError
from sinonom_cli.synth_fonts.charset import charset_of, is_han, parse_line, read_charset


@pytest.mark.parametrize(
    ("line", "chars"),
    [
        ("之\t7638", "之"),
        ("之 7638", "之"),
        ("之", "之"),
        ("\uf90a\t1", "\uf90a"),
        ("U+5B57", "字"),
        ("u+5b57 12", ""),
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


@pytest.mark.parametrize("content", [b"\xff\xfe\x5b\x57", b"", b"# only a comment\n"])
def test_a_file_without_characters_is_bad_input(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "charset.txt"
    path.write_bytes(content)
    with pytest.raises(SinonomError, match="charset.txt"):
        read_charset(path)


def test_a_character_and_its_private_use_code_are_drawn_once() -> None:
    charset = charset_of("字\U000f000b\U000313fa字\ue001")
    assert charset.chars == ("字", "\U000313fa")
    assert charset.repaired == 1
    assert charset.private == ("\ue001",)


def test_han_is_ideographs_of_every_plane_and_nothing_else() -> None:
    assert all(map(is_han, "字㐀\uf90a〇々𡦂\U00030000\U000313fa"))
    assert not any(map(is_han, "aあㄅ가、。\ue001\U000f000b⼀①"))
