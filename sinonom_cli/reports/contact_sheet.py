"""Contact sheets: PNG files of many small pictures with captions, for people to look at."""

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
"""How the text `Software` of a sheet of ours begins: nothing else is ever written over."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def sheet_font() -> Font:
    """Return the font of captions: Pillow's own, which is there on every system and draws ASCII."""
    return ImageFont.load_default(size=11)


def refuse_other_than_sheet(path: Path, option: str = "--sheet", inputs: Iterable[Path] = ()) -> None:
    """Refuse to write a sheet where something else or one of the inputs lies, or that is not to be a PNG."""
    refuse_foreign(path, option, "sheet", _is_sheet, (".png",), inputs)


def _is_sheet(path: Path) -> bool:
    with opened_picture(path) as image:
        return str(image.info.get("Software", "")).startswith(MARK)


def write_sheet(path: Path, page: Image.Image) -> None:
    """Write a page as PNG, whole or not at all, in place of an older sheet of ours but of nothing else."""
    refuse_other_than_sheet(path)
    mark, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    mark.add_text("Software", f"{MARK} sheet")
    page.save(buffer, "PNG", pnginfo=mark)
    write_bytes(path, buffer.getvalue())


def thumb(picture: Path, side: int) -> Image.Image | None:
    """Return a picture scaled so that its longer side is `side` pixels; None if it cannot be read."""
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
    """Draw a picture in the middle of a square of `side` pixels; if there is none, say so, or `instead`, a label."""
    small = thumb(picture, side)
    if small is None:
        middle = at[0] + side // 2, at[1] + side // 2
        ImageDraw.Draw(page).text(middle, instead or "no picture", fill=FAINT, font=font, anchor="mm")
    else:
        page.paste(small, (at[0] + (side - small.width) // 2, at[1] + (side - small.height) // 2))


def fitted(text: str, font: Font, width: int) -> str:
    """Return `text` as the font can draw it, its middle left out where it is wider than `width` pixels."""
    text = "".join(c if " " <= c <= "~" else f"U+{ord(c):04X}" for c in text)
    if font.getlength(text) <= width:
        return text
    keep = len(text)
    while keep > 4 and font.getlength(text[: keep // 2] + ".." + text[-(keep - keep // 2) :]) > width:
        keep -= 1
    return text[: keep // 2] + ".." + text[-(keep - keep // 2) :]
