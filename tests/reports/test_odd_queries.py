"""Promises for odd picture files: each is answered like its plain copy, or refused in one line with its exit code."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an index of nine pictures; the queries are odd versions of one of them."""
    folder = tmp_path_factory.mktemp("odd") / "bản khắc 𡦂"
    tiny_model(folder / "model")
    tiny_pictures(folder / "set", [f"{i}.png" for i in range(9)], side=48)
    arguments = [str(folder / "set"), str(folder / "db.faiss"), "--model", str(folder / "model"), "-q"]
    assert cli.run(["index", *arguments]) == 0
    return folder


def ask(house: Path, path: Path, *more: str) -> int:
    return cli.run(["query", str(path), *more, "-i", str(house / "db.faiss"), "--json"])


def sixteen_bits(image: Image.Image, path: Path) -> None:
    Image.fromarray(np.asarray(image).astype(np.uint16) * 200 + 1000).save(path.with_suffix(".png"))


def cmyk(image: Image.Image, path: Path) -> None:
    image.convert("CMYK").save(path.with_suffix(".tif"))


def animated(image: Image.Image, path: Path) -> None:
    other = Image.eval(image.transpose(Image.Transpose.ROTATE_90), lambda value: value)
    image.save(path.with_suffix(".gif"), save_all=True, append_images=[other, other], duration=50)


def turned_by_exif(image: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # viewers turn it clockwise by 90 degrees
    image.transpose(Image.Transpose.ROTATE_90).save(path.with_suffix(".png"), exif=exif)


def transparent(image: Image.Image, path: Path) -> None:
    ink = Image.new("LA", image.size, (0, 0))
    ink.putalpha(Image.eval(image, lambda value: 255 - value))
    ink.save(path.with_suffix(".png"))


def white_on_black(image: Image.Image, path: Path) -> None:
    Image.eval(image, lambda value: 255 - value).save(path.with_suffix(".png"))


def black_and_white(image: Image.Image, path: Path) -> None:
    image.convert("1", dither=Image.Dither.NONE).save(path.with_suffix(".png"))


def palette(image: Image.Image, path: Path) -> None:
    image.convert("RGB").quantize(8).save(path.with_suffix(".png"))


DISGUISES = [
    sixteen_bits, cmyk, animated, turned_by_exif, transparent, white_on_black, black_and_white, palette,
]  # fmt: skip


@pytest.mark.parametrize("disguise", DISGUISES, ids=lambda function: function.__name__)
def test_an_odd_picture_is_answered_like_its_plain_twin(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], disguise: Callable[[Image.Image, Path], None]
) -> None:
    with Image.open(house / "set" / "5.png") as image:
        disguise(image.convert("L"), tmp_path / "hỏi")
    [path] = tmp_path.iterdir()
    capsys.readouterr()
    assert ask(house, path) == 0
    first, second, *_ = json.loads(capsys.readouterr().out)["results"]
    assert first["item"] == "5.png" and first["distance"] < 0.5 * second["distance"]


def bomb(path: Path) -> None:
    Image.new("L", (8, 8), 255).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)


def no_pixels(path: Path) -> None:
    Image.new("L", (8, 8), 255).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 0, 0)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)


def truncated(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:700])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("không phải tranh", encoding="utf-8")


def several_pages(path: Path) -> None:
    page = Image.new("L", (8, 8), 255)
    page.save(path, "TIFF", save_all=True, append_images=[page, page])


BAD = (bomb, no_pixels, truncated, empty, text, several_pages)


@pytest.mark.parametrize("spoil", BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_a_bad_picture_alone_is_bad_input_and_among_others_is_left_out(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "hỏng.png"
    spoil(path)
    capsys.readouterr()
    assert ask(house, path) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    [error, hint] = captured.err.splitlines()
    assert error.startswith(f"error: {path} ")
    assert hint.startswith("  try: ")
    assert ask(house, path, str(house / "set" / "5.png")) == 6
    captured = capsys.readouterr()
    assert [json.loads(line)["results"][0]["item"] for line in captured.out.splitlines()] == ["5.png"]
    assert ask(house, path, str(path)) == 4  # the same file twice is one picture
    other = tmp_path / "cũng hỏng.png"
    spoil(other)
    assert ask(house, path, str(other)) == 4  # nothing was written
