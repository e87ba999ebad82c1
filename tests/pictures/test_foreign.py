"""Test that the error for a file that is not a supported picture names its format."""

from pathlib import Path

import pytest
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.pictures.foreign import known_as
from sinonom_cli.pictures.loading import load_picture


def boxes(brand: bytes, *compatible: bytes) -> bytes:
    """Return the beginning of a file of boxes (ISO 14496-12)."""
    content = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return (len(content) + 4).to_bytes(4, "big") + content + bytes(100)


FILES = {
    "PDF": b"%PDF-1.7\n%\xe2\xe3",
    "HEIC": boxes(b"heic", b"mif1", b"heic"),
    "HEIC of a phone": boxes(b"mif1", b"mif1", b"heic", b"hevc"),
    "AVIF": boxes(b"avif", b"avif", b"mif1", b"miaf"),
    "HEIF": boxes(b"mif1", b"mif1"),
    "video": boxes(b"isom", b"mp41"),
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "JPEG XL": b"\xff\x0a" + bytes(50),
    "Photoshop": b"8BPS\0\1",
    "DjVu": b"AT&TFORM\0\0",
    "mesh": b"ply\nformat ascii 1.0\n",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_by_name_is_bad_input_and_called_what_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bản.png"
    path.write_bytes(FILES[name])
    with pytest.raises(SinonomError) as caught:
        load_picture(path)
    assert caught.value.code == ExitCode.BAD_INPUT
    assert name.split(" of ", maxsplit=1)[0] in caught.value.message and str(path) in caught.value.message


def test_of_a_file_that_is_not_known_nothing_is_said(tmp_path: Path) -> None:
    for content in (b"", b"xin chao", bytes(600), boxes(b"\0\0\0\0")[:9]):
        (tmp_path / "x").write_bytes(content)
        assert known_as(tmp_path / "x") in ("", "a video")
    assert known_as(tmp_path / "none") == known_as(tmp_path) == ""


def test_query_names_the_format_alone_and_among_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_model(tmp_path / "model")
    [good] = tiny_pictures(tmp_path / "set", ["0.png"])
    index = str(tmp_path / "db.faiss")
    assert cli.run(["index", str(tmp_path / "set"), index, "--model", str(tmp_path / "model")]) == 0
    scan = tmp_path / "trang.pdf"
    scan.write_bytes(FILES["PDF"])
    for typed, code in (([scan], 4), ([scan, good], 6)):
        capsys.readouterr()
        assert cli.run(["query", *map(str, typed), "-i", index]) == code
        said = capsys.readouterr().err
        assert "trang.pdf" in said and "PDF" in said
    (tmp_path / "set" / "ảnh.heic").write_bytes(FILES["HEIC"])
    capsys.readouterr()
    assert cli.run(["query", str(tmp_path / "set"), "-i", index]) == 0
    assert ".heic" in capsys.readouterr().err
