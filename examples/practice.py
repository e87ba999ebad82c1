"""Make small data to practise on, from the character pictures that ship.

    python examples/practice.py OUT

OUT/pages/    two composed pages, as their blocks would print them
OUT/scans/    the two blocks that print them: meshes in millimetres, mirrored and tilted, as scans are
OUT/photos/   a photo of a worn print of the second block, of which a third is cut off
OUT/asked/    a picture of the first character of the first block, in another typeface
OUT/prints/   three image sets of 100 characters, in a typeface each, to train on and to ask with
"""

import shutil
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sinonom_cli.assets import GLYPHS
from sinonom_cli.cli import run
from sinonom_cli.relief.compose import compose_page
from sinonom_cli.relief.composition import Composition, Page
from sinonom_cli.relief.physics import Span

AMOUNTS = Composition(size=Span(36, 36), columns=Span(5, 5), rows=Span(6, 6), strip=0, notes=0, short=0)


def glyphs() -> dict[str, list[NDArray[np.uint8]]]:
    """Return (H, W) uint8 pictures of the characters that the pages are composed of, dark on light."""
    found: dict[str, list[NDArray[np.uint8]]] = {}
    for path in sorted(GLYPHS.glob("yuji/images/*/*.png")):
        with Image.open(path) as picture:
            found.setdefault(chr(int(path.parent.name[2:], 16)), []).append(np.asarray(picture.convert("L")))
    return found


def photo(page: NDArray[np.uint8], share: float = 2 / 3, wear: float = 1) -> Image.Image:
    """Print a page badly, photograph a share of its width in uneven light, and turn the photo by one degree."""
    rng = np.random.default_rng(3)
    height, width = page.shape
    patches = Image.fromarray(rng.normal(size=(height // 12, width // 12))).resize((width, height))
    worn = 255 - (255 - page.astype(float)) * np.clip(1.3 + wear * np.asarray(patches), 0, 1)
    light = np.linspace(1, 0.6, width) * np.linspace(0.9, 1, height)[:, None]
    picture = Image.fromarray((worn * light + rng.normal(0, 5, page.shape)).clip(0, 255).astype(np.uint8))
    picture = picture.filter(ImageFilter.GaussianBlur(0.7)).rotate(1, Image.Resampling.BICUBIC, fillcolor=170)
    return picture.crop((0, 0, int(share * width), height)).resize(
        (width, int(height / share)), Image.Resampling.BICUBIC
    )


def asked(page: Page) -> Path:
    """Return the picture, in another typeface, of the first character of a page that this typeface draws."""
    folders = (GLYPHS / "hanamin" / "images" / f"U+{ord(placed.char):04X}" for placed in page.characters)
    return next(path for folder in folders for path in folder.glob("*.png"))


def main() -> None:
    """Write the folders."""
    out = Path(sys.argv[1]) if len(sys.argv) == 2 else sys.exit("usage: python practice.py OUT")
    for folder in ("pages", "photos", "asked"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    pages = [compose_page(glyphs(), np.random.default_rng(number), AMOUNTS) for number in (1, 2)]
    for number, page in enumerate(pages, 1):
        Image.fromarray(page.picture).save(out / "pages" / f"block-{number}.png")
    photo(pages[1].picture).save(out / "photos" / "photo.png")
    picture = asked(pages[0])
    (out / "asked" / f"{picture.parent.name}.png").write_bytes(picture.read_bytes())
    shutil.copytree(GLYPHS, out / "prints", dirs_exist_ok=True)
    sys.exit(run(["carve", str(out / "pages"), str(out / "scans"), "--page", "--mirror", "--tilt", "0:6", "-q"]))


if __name__ == "__main__":
    main()
