"""From file to network input: every kind of picture, and what must not change the result."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.models.preprocess import load_picture, prepare, resampling


def drawn(side=96, left=0.2, top=0.15, scale=0.6):
    """(side, side) uint8: a character without symmetry, dark on light, soft edges."""
    y, x = (np.mgrid[: 4 * side, : 4 * side] + 0.5) / (4 * side)
    x, y = (x - left) / scale, (y - top) / scale
    bars = [
        (0.0, 0.1, 1.0, 0.2),
        (0.1, 0.1, 0.22, 1.0),
        (0.45, 0.5, 1.0, 0.6),
        (0.45, 0.0, 0.55, 0.75),
        (0.5, 0.9, 0.8, 1.0),
    ]
    ink = np.zeros_like(x)
    for x0, y0, x1, y1 in bars:
        ink[(x >= x0) & (x < x1) & (y >= y0) & (y < y1)] = 1
    return np.round(250 - 230 * ink.reshape(side, 4, side, 4).mean(axis=(1, 3))).astype(np.uint8)


PLAIN = drawn()


def saved(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


def close(first, second, most=0.02):
    assert first.shape == second.shape
    assert np.abs(first.astype(float) - second.astype(float)).max() <= most * 255


# load_picture ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp", "a.gif", "a.pgm", "bản khắc 𡦂.png"])
def test_lossless_formats_give_the_pixels(tmp_path, name):
    options = {"lossless": True} if name.endswith("webp") else {}
    close(load_picture(saved(tmp_path / name, Image.fromarray(PLAIN), **options)), PLAIN)


def test_a_turned_photo_is_turned_back(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by 90 degrees
    lying = Image.fromarray(np.rot90(PLAIN).copy())
    close(load_picture(saved(tmp_path / "a.png", lying, exif=exif)), PLAIN)
    jpeg = load_picture(saved(tmp_path / "a.jpg", lying, exif=exif, quality=95))
    assert np.abs(jpeg.astype(float) - PLAIN).mean() < 5


def test_transparency_lies_on_white(tmp_path):
    pixels = np.zeros((96, 96, 4), np.uint8)
    pixels[..., 3] = 255 - PLAIN  # black ink as thick as the picture is dark
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


def test_black_and_white(tmp_path):
    read = load_picture(saved(tmp_path / "a.png", Image.fromarray(PLAIN > 128)))
    assert ((read == 255) == (PLAIN > 128)).all()


def test_a_large_photo_is_read_small_but_whole(tmp_path):
    large = Image.fromarray(PLAIN).resize((4096, 4096))
    read = load_picture(saved(tmp_path / "a.jpg", large))
    assert max(read.shape) >= 1024
    assert alike(prepare(read, 32), prepare(PLAIN, 32)) > 0.95


def test_a_large_photo_keeps_every_pixel_where_coordinates_count(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.fromarray(PLAIN).resize((2100, 2300)))
    assert load_picture(path, whole=True).shape == (2300, 2100)


def png_claiming(width, height):
    """A PNG whose header claims a size and whose data is a few bytes."""

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


# prepare --------------------------------------------------------------------------------------------------------


def alike(first, second):
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


WANTED = prepare(PLAIN, 48)


def test_the_result_has_its_shape_and_range_and_ink_is_one():
    for picture in (PLAIN, PLAIN[:, 10:60], PLAIN[:5, :5], np.zeros((1, 1), np.uint8)):
        result = prepare(picture, 48)
        assert result.shape == (48, 48)
        assert result.dtype == np.float32
        assert result.min() >= 0
        assert result.max() <= 1
    assert WANTED.max() > 0.99
    assert 0.2 < WANTED.mean() < 0.5


@pytest.mark.parametrize(
    "changed",
    [
        255 - PLAIN,
        PLAIN // 3 + 90,
        (255 - PLAIN) // 3 + 20,
        np.pad(PLAIN, ((0, 30), (50, 0)), constant_values=250),
        drawn(left=0.1, top=0.35, scale=0.5),
        drawn(160, left=0.3, top=0.2, scale=0.5),
        drawn(256),
        255 - drawn(700),
    ],
    ids=["inverted", "faint", "faint inverted", "padded", "moved", "other size", "larger", "huge inverted"],
)
def test_polarity_contrast_place_and_size_do_not_matter(changed):
    assert alike(prepare(changed, 48), WANTED) > 0.97


@pytest.mark.parametrize("ink", ["dark", "light"])
@pytest.mark.parametrize("frame", [255, 0])
def test_a_plain_frame_around_a_photo_is_cut_off(ink, frame):
    photo = 40 + (PLAIN.astype(int) * 3 // 5)
    photo = photo if ink == "dark" else 255 - photo
    framed = np.pad(photo, 20, constant_values=frame).astype(np.uint8)
    assert alike(prepare(framed, 48), WANTED) > 0.95


def test_a_depth_picture_with_strokes_in_relief_reads_like_its_print():
    rng = np.random.default_rng(0)
    soft = np.asarray(Image.fromarray(255 - PLAIN).resize((24, 24), Image.Resampling.BOX).resize((96, 96)), float)
    height = soft * 0.7 + np.linspace(0, 40, 96) + rng.normal(0, 4, (96, 96))
    assert alike(prepare(np.clip(height, 0, 255).astype(np.uint8), 48), WANTED) > 0.8


@pytest.mark.parametrize("part", [np.s_[:4, 20:80], np.s_[30:60, 93:]], ids=["above", "beside"])
def test_parts_of_neighbours_at_the_border_hardly_move_the_character(part):
    picture = PLAIN.copy()
    picture[part] = 20
    assert alike(prepare(picture, 48), WANTED) > 0.8


def test_grey_stays_soft():
    ramp = np.repeat(np.linspace(20, 235, 96).astype(np.uint8)[None], 96, axis=0)
    assert len(np.unique(np.round(prepare(ramp, 48), 2))) > 15


def test_a_box_filled_to_its_edge_keeps_its_polarity():
    ring = np.full((60, 60), 250, np.uint8)
    ring[:9], ring[-9:], ring[:, :9], ring[:, -9:] = 20, 20, 20, 20
    assert prepare(ring, 48)[22:26, 22:26].max() < 0.1


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_picture_is_all_ground(value):
    assert (prepare(np.full((40, 30), value, np.uint8), 32) == 0).all()


def test_only_one_grey_picture_is_taken():
    with pytest.raises(ValueError, match="4, 4, 3"):
        prepare(np.zeros((4, 4, 3), np.uint8), 32)


def test_resampling_is_pillows_triangle_filter():
    values = np.random.default_rng(0).random(40).astype(np.float32)
    picture = Image.fromarray(np.repeat(values[None], 4, axis=0))
    wanted = np.asarray(picture.resize((16, 4), Image.Resampling.BILINEAR, box=(4, 0, 36, 4)))[0]
    got = resampling(4, 2, 16, 40) @ values
    assert np.abs(got - wanted)[1:-1].max() < 1e-5  # Pillow's filter does not look beyond the box
    assert np.allclose(resampling(4, 1.37, 16, 40).sum(axis=1), 1, atol=1e-6)
