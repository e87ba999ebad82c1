"""Labels are exact, and Private Use characters of old Nôm texts are replaced if Unicode has encoded them since."""

import bz2
from pathlib import Path

import private_use
import pytest

from sinonom_cli import characters
from sinonom_cli.characters import (
    Reading,
    char_named,
    char_of,
    characters_of,
    is_label,
    is_private,
    label_of,
    reading,
    repair,
)


@pytest.mark.parametrize(
    ("char", "label"), [("字", "U+5B57"), ("𡨸", "U+21A38"), ("\uf90a", "U+F90A"), ("金", "U+91D1")]
)
def test_labels_name_exactly_one_character(char: str, label: str) -> None:
    assert label_of(char) == label
    assert char_of(label) == char


@pytest.mark.parametrize("text", ["5B57", "U+5b57", "U+5B5", "U+5B57 ", "U+110000", "字", "", "U+05B57A1"])
def test_what_is_no_label_is_refused(text: str) -> None:
    assert not is_label(text)
    with pytest.raises(ValueError):
        char_of(text)


@pytest.mark.parametrize("text", ["", "文字", "e\u0301"])
def test_a_label_is_of_one_character(text: str) -> None:
    with pytest.raises(ValueError):
        label_of(text)


def test_private_use_characters_are_mended_where_unicode_has_them() -> None:
    assert repair(chr(0xF000B)) == chr(0x313FA)  # Unihan: U+313FA kIRG_VSource VN-F000B
    assert repair(chr(0xFFFFD)) == chr(0xFFFFD)
    assert repair("字") == "字"
    assert is_private(chr(0xF000B)) and is_private(chr(0xE000)) and is_private(chr(0x100001))
    assert not is_private("字") and not is_private(chr(0x313FA))


def test_the_table_is_what_unihan_says() -> None:
    source = Path("/usr/share/unicode/Unihan_IRGSources.txt.bz2")
    if not source.exists():
        pytest.skip("Debian's unicode-data is not installed")
    with bz2.open(source, "rt", encoding="utf-8") as file:
        expected = {char_of(private): char_of(encoded) for private, encoded in private_use.pairs(file)}
    assert characters.private_use_repairs() == expected


def test_the_private_use_codes_of_nomnaocr_are_mended_as_its_table_says(shared_data: Path) -> None:
    table = shared_data / "fonts" / "pua_to_unicode.tsv"
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 128
    assert all(repair(char_of(private)) == char_of(encoded) for private, encoded, *_ in rows)


def test_characters_are_read_as_unihan_says() -> None:
    assert reading("南") == Reading("nam", "nán", "south; southern part; southward")
    assert reading("𡨸").vietnamese == "chữ"
    assert reading(chr(0x346B)) == Reading("nộm", "", "")
    assert reading("a") == Reading("", "", "")


def test_no_reading_of_unihan_is_lost() -> None:
    source = Path("/usr/share/unicode/Unihan_Readings.txt.bz2")
    if not source.exists():
        pytest.skip("Debian's unicode-data is not installed")
    fields = {"kVietnamese": "vietnamese", "kMandarin": "mandarin", "kDefinition": "definition"}
    said = [line.split("\t", 2) for line in bz2.decompress(source.read_bytes()).decode("utf-8").splitlines()]
    checked = 0
    for label, name, value in (row for row in said if len(row) == 3 and row[1] in fields and row[0].endswith("57")):
        assert getattr(reading(char_of(label)), fields[name]) == " ".join(value.split()), label
        checked += 1
    assert checked > 200


@pytest.mark.parametrize(
    ("text", "chars"),
    [
        ("字\U000e0100喃\ufe00", "字喃"),  # variation selectors
        ("\ufeff字\u200b\u200d\u2060喃\u00ad", "字喃"),  # zero-width
        ("字\u302a喃\u0301\u20dd", "字喃"),  # marks that do not join their base
        ("\U00016ff0字", "字"),  # a mark before any base
        ("か\u3099e\u0302", "がê"),  # marks that join their base
        ("\uf90a\u0301金\ufe00", "\uf90a金"),  # nothing is normalised
        ("天\t地\u3000玄\x00\x1f黃\u2028", "天地玄黃"),
        ("⿰木口字", "\ufffd字"),
        ("天⿱⿰木口⿲一一一地", "天\ufffd地"),
        ("天⿰木", "天木"),  # an unfinished description
        ("\u303e字\ufffe\U000e0041\u3164", "字"),
        ("\ue001\U000f000b𡦂\U000323af", "\ue001\U000f000b𡦂\U000323af"),  # Private Use, and newer than this Python
        ("？□?", "？□?"),
        ("", ""),
        ("\udc80字", "字"),  # a byte that is not UTF-8
    ],
)
def test_what_is_no_character_of_its_own_is_not_counted(text: str, chars: str) -> None:
    assert characters_of(text) == chars


@pytest.mark.parametrize(
    "text",
    ["字", " 字\U000e0100", "U+5B57", "u+5b57", "U-00005B57", "0x5b57", "\\u5B57", "&#x5B57;", "&#23383;", "\\u{5b57}"],
)
def test_a_character_is_known_by_itself_and_by_usual_notations(text: str) -> None:
    assert char_named(text) == "字"


@pytest.mark.parametrize("text", ["", "字喃", "U+D800", "U+110000", "5B57", "unknown", "U+FFFE", "&#x5B57", "⿰木口"])
def test_what_names_no_one_character_names_none(text: str) -> None:
    assert char_named(text) == ""
