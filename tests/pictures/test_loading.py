"""Test picture files: every supported kind is read, and damaged files are refused in one line."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin
from refused import refused
from tinystrokes import drawn

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.pictures.loading import load_picture

PLAIN = drawn()


def saved(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


def close(first, second, most=0.02):
    assert first.shape == second.shape
    assert np.abs(first.astype(float) - second.astype(float)).max() <= most * 255


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp", "a.gif", "a.pgm", "bản khắc 𡦂.png"])
def test_lossless_formats_give_the_pixels(tmp_path, name):
    options = {"lossless": True} if name.endswith("webp") else {}
    close(load_picture(saved(tmp_path / name, Image.fromarray(PLAIN), **options)), PLAIN)


def test_a_turned_photo_is_turned_back(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the picture must be shown turned clockwise by 90 degrees
    lying = Image.fromarray(np.rot90(PLAIN).copy())
    close(load_picture(saved(tmp_path / "a.png", lying, exif=exif)), PLAIN)
    jpeg = load_picture(saved(tmp_path / "a.jpg", lying, exif=exif, quality=95))
    assert np.abs(jpeg.astype(float) - PLAIN).mean() < 5


def test_transparency_lies_on_white(tmp_path):
    pixels = np.zeros((96, 96, 4), np.uint8)
    pixels[..., 3] = 255 - PLAIN  # black ink, more opaque where the picture is darker
    close(load_picture(saved(tmp_path / "a.png", Image.fromarray(pixels))), PLAIN)
    grey = Image.fromarray(pixels).convert("LA")
    close(load_picture(saved(tmp_path / "b.png", grey)), PLAIN)


def test_white_ink_on_nothing_can_be_seen(tmp_path):
    pixels = np.full((96, 96, 4), 255, np.uint8)
    pixels[..., 3] = 255 - PLAIN
    close(load_picture(saved(tmp_path / "a.png", Image.fromarray(pixels))), 255 - PLAIN)


def test_a_palette_with_a_transparent_colour(tmp_path):
    image = Image.fromarray((PLAIN < 128).astype(np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 0, 0])
    read = load_picture(saved(tmp_path / "a.png", image, transparency=0))
    assert set(np.unique(read)) == {0, 255}
    assert ((read == 0) == (PLAIN < 128)).all()


@pytest.mark.parametrize("low", [0, 20000])
def test_sixteen_bits_are_stretched(tmp_path, low):
    deep = (low + PLAIN.astype(np.uint16) * 30).astype(np.uint16)
    for name in ("a.png", "a.tif"):
        read = load_picture(saved(tmp_path / name, Image.fromarray(deep)))
        wanted = (PLAIN.astype(float) - PLAIN.min()) / np.ptp(PLAIN) * 255
        assert np.abs(read - wanted).max() <= 1


def test_floats_are_stretched_and_holes_are_ground(tmp_path):
    heights = PLAIN.astype(np.float32) / 1000 - 3
    heights[0, 0] = np.nan
    read = load_picture(saved(tmp_path / "a.tif", Image.fromarray(heights)))
    assert read[0, 0] == 255
    assert np.abs(read[1:] - (PLAIN[1:].astype(float) - PLAIN.min()) / np.ptp(PLAIN) * 255).max() <= 1


def test_cmyk_is_not_read_as_its_negative(tmp_path):
    image = Image.fromarray(PLAIN).convert("CMYK")
    for name in ("a.tif", "a.jpg"):
        read = load_picture(saved(tmp_path / name, image))
        assert np.abs(read.astype(float) - PLAIN).mean() < 8


def test_of_an_animation_the_first_frame(tmp_path):
    frames = [Image.fromarray(PLAIN), Image.fromarray(255 - PLAIN)]
    for name in ("a.gif", "a.png", "a.webp"):
        options = {"lossless": True} if name.endswith("webp") else {}
        path = saved(tmp_path / name, frames[0], save_all=True, append_images=frames[1:], **options)
        close(load_picture(path), PLAIN)


def frame(level, **tags):
    """Return a grey level as one frame of a TIFF, with tags by number (`t254`)."""
    image = Image.new("L", (9, 7), level)
    image.encoderinfo = {"tiffinfo": {int(name[1:]): value for name, value in tags.items()}}
    return image


def tiff(path, *frames):
    """Write a TIFF of several frames with their tags; a writer of TIFF frames in Pillow keeps each frame's own."""
    with TiffImagePlugin.AppendingTiffWriter(str(path), True) as file:
        for image in frames:
            image.save(file, "TIFF", **image.encoderinfo)
            file.newFrame()
    with Image.open(path) as opened:
        assert opened.n_frames == len(frames)
    return path


def test_a_tiff_of_several_pages_is_refused_where_one_picture_is_expected(tmp_path):
    path = tiff(tmp_path / "a.tif", frame(50), frame(60), frame(70))
    for whole in (False, True):
        with refused(ExitCode.BAD_INPUT, "a.tif", "3"):
            load_picture(path, whole)
    assert [int(load_picture(path, True, page)[0, 0]) for page in range(3)] == [50, 60, 70]


@pytest.mark.parametrize("tags", [{"t254": 1}, {"t254": 4}, {"t255": 2}], ids=["preview", "mask", "old preview"])
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_previews_and_masks_of_a_tiff_are_not_its_picture(tags, first, tmp_path):
    frames = [frame(20, **tags), frame(90)]
    path = tiff(tmp_path / "a.tif", *(frames if first else frames[::-1]))
    assert (load_picture(path) == 90).all()
    assert (load_picture(path, True, 0) == 90).all()


def test_a_tiff_whose_list_of_frames_ends_badly_is_read(tmp_path):
    path = saved(tmp_path / "a.tif", Image.fromarray(PLAIN))
    content = bytearray(path.read_bytes())
    directory = int.from_bytes(content[4:8], "little")
    following = directory + 2 + 12 * int.from_bytes(content[directory : directory + 2], "little")
    assert content[following : following + 4] == bytes(4)
    for wrong in (1, 9, len(content) + 99, directory):  # no directory, beyond the file, the same one again
        content[following : following + 4] = wrong.to_bytes(4, "little")
        path.write_bytes(content)
        close(load_picture(path), PLAIN)


def test_black_and_white(tmp_path):
    read = load_picture(saved(tmp_path / "a.png", Image.fromarray(PLAIN > 128)))
    assert ((read == 255) == (PLAIN > 128)).all()


def alike(first, second):
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_a_large_photo_keeps_every_pixel_where_coordinates_count(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.fromarray(PLAIN).resize((2100, 2300)))
    assert load_picture(path, whole=True).shape == (2300, 2100)


def png_claiming(width, height):
    """Return a PNG whose header claims a size and whose data have a few bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def whole(tmp_path, name, **options):
    return saved(tmp_path / name, Image.fromarray(PLAIN), **options).read_bytes()


BAD = {
    "bomb.png": (lambda t: png_claiming(10_001, 10_000), "10001 x 10000"),
    "large bomb.png": (lambda t: png_claiming(100_000, 100_000), "100 million"),
    "no pixels.png": (lambda t: png_claiming(0, 10), ""),
    "empty.png": (lambda t: b"", "is empty"),
    "text.png": (lambda t: b"hello, I am no picture" * 10, "is not a picture"),
    "cut.png": (lambda t: whole(t, "w.png")[:150], "cannot be decoded"),
    "cut.jpg": (lambda t: whole(t, "w.jpg")[:900], "cannot be decoded"),
    "cut.gif": (lambda t: whole(t, "w.gif")[:200], ""),
    "cut.tif": (lambda t: whole(t, "w.tif")[:500], ""),
    "cut.webp": (lambda t: whole(t, "w.webp")[:100], ""),
    "script.png": (lambda t: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", "PostScript"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line_that_names_them(tmp_path, name):
    make, words = BAD[name]
    path = tmp_path / name
    path.write_bytes(make(tmp_path))
    with pytest.raises(SinonomError) as caught:
        load_picture(path)
    assert caught.value.code == ExitCode.BAD_INPUT
    assert str(path) in caught.value.message
    assert words in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint
    assert caught.value.hint


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path, words in ((tmp_path / "none.png", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(SinonomError, match=words):
            load_picture(path)
