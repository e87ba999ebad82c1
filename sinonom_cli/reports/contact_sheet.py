"""Draw and write contact sheets, which are PNG files of many small pictures with captions."""

import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.loading import load_picture, opened_picture
from sinonom_cli.storage.atomic import write_bytes
from sinonom_cli.storage.single_files import refuse_foreign

INK, FAINT = (20, 20, 20), (120, 120, 120)
MARK = "sinonom"
"""Beginning of the PNG text `Software` in every sheet of sinonom; other files are never overwritten."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def sheet_font() -> Font:
    """Return the font of captions, Pillow's default font, which every system has and which draws ASCII."""
    return ImageFont.load_default(size=11)


def refuse_other_than_sheet(path: Path, option: str = "--sheet", inputs: Iterable[Path] = ()) -> None:
    """Refuse a path for a sheet that is another kind of file, one of the inputs, or does not end in `.png`."""
    refuse_foreign(path, option, "sheet", _is_sheet, (".png",), inputs)


def _is_sheet(path: Path) -> bool:
    with opened_picture(path) as image:
        return str(image.info.get("Software", "")).startswith(MARK)


def write_sheet(path: Path, page: Image.Image) -> None:
    """Write a page as PNG, completely or not at all; only an older sheet of sinonom is replaced."""
    refuse_other_than_sheet(path)
    mark, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    mark.add_text("Software", f"{MARK} sheet")
    page.save(buffer, "PNG", pnginfo=mark)
    write_bytes(path, buffer.getvalue())


def thumb(picture: Path, side: int) -> Image.Image | None:
    """Return the picture scaled so that its longer side is `side` pixels; None if the file cannot be read."""
    try:
        image = Image.fromarray(load_picture(picture))
    except (SinonomError, OSError):
        return None
    longer = max(image.size)
    if longer == side:
        return image
    size = (max(1, round(image.width * side / longer)), max(1, round(image.height * side / longer)))
    return image.resize(size, Image.Resampling.LANCZOS)


def paste(page: Image.Image, picture: Path, at: tuple[int, int], side: int, font: Font, instead: str = "") -> None:
    """Draw a picture in the middle of a square of `side` pixels; without a picture, write the label `instead`.

    If `instead` is empty, "no picture" is written.
    """
    small = thumb(picture, side)
    if small is None:
        middle = at[0] + side // 2, at[1] + side // 2
        ImageDraw.Draw(page).text(middle, instead or "no picture", fill=FAINT, font=font, anchor="mm")
    else:
        page.paste(small, (at[0] + (side - small.width) // 2, at[1] + (side - small.height) // 2))


def fitted(text: str, font: Font, width: int) -> str:
    """Return `text` in ASCII, which the font can draw, and shorten it in the middle to `width` pixels.

    Every other character is written as its code point, such as U+5B57.
    """
    text = "".join(c if " " <= c <= "~" else f"U+{ord(c):04X}" for c in text)
    if font.getlength(text) <= width:
        return text
    keep = len(text)
    while keep > 4 and font.getlength(text[: keep // 2] + ".." + text[-(keep - keep // 2) :]) > width:
        keep -= 1
    return text[: keep // 2] + ".." + text[-(keep - keep // 2) :]
