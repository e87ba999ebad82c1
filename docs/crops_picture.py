"""Make the picture of cut columns that docs/crops.md shows: docs/crops.png.

Usage: python docs/crops_picture.py [OUT]        (OUT: where to put it, else beside this file)

The columns are drawn from the character pictures that ship for the demo, from a font under the SIL Open Font License.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from sinonom_cli.assets import GLYPHS
from sinonom_cli.cli import run

HAND = GLYPHS / "wenkai" / "images"
PITCH, WIDTH = 31, 36


def column(text: str, rng: np.random.Generator) -> Image.Image:
    """Print characters below one another, close and a little crooked; ○ is a paragraph mark."""
    page = np.zeros((PITCH * len(text) + 8, WIDTH))
    for k, char in enumerate(text):
        side = int(rng.integers(27, 32))
        if char == "○":
            rows, across = np.mgrid[:side, :side] - (side - 1) / 2
            ink = (np.abs(np.hypot(rows, across) - 9) < 1.3).astype(float)
        else:
            with Image.open(next((HAND / f"U+{ord(char):04X}").glob("*.png"))) as picture:
                ink = 1 - np.asarray(picture.convert("L").resize((side, side), Image.Resampling.LANCZOS)) / 255
        y, x = 4 + PITCH * k + int(rng.integers(-1, 2)), (WIDTH - side) // 2 + int(rng.integers(-1, 2))
        part = page[y : y + side, x : x + side]
        part[:] = np.maximum(part, ink[: len(part), : part.shape[1]])
    page[:, 0] = 0.7 * (rng.random(len(page)) > 0.2)
    grey = 222 - 165 * page + rng.normal(0, 4, page.shape)
    return Image.fromarray(np.uint8(grey.clip(0, 255))).filter(ImageFilter.GaussianBlur(0.7))


def main() -> None:
    """Draw columns, cut them, and keep the sheet."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    chars = sorted(chr(int(path.name[2:], 16)) for path in HAND.iterdir())
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as name:
        folder, lines = Path(name), []
        (folder / "in").mkdir()
        for number in range(9):
            text = "".join(rng.choice(chars, int(rng.integers(6, 9)), replace=False))
            printed = f"{text[:3]}○{text[3:]}" if number in (2, 7) else text
            read = {4: text[:2] + text[3:], 8: text[:4] + text[0] + text[4:]}.get(number, text)
            column(printed, rng).save(folder / "in" / f"p_{number}.png")
            lines.append(f"p_{number}.png\t{read}\n")
        (folder / "in" / "All.txt").write_text("".join(lines), encoding="utf-8")
        sheet = folder / "sheet.png"
        if code := run(["crop-nomnaocr", str(folder / "in"), str(folder / "set"), "--sheet", str(sheet), "--quiet"]):
            raise SystemExit(code)
        with Image.open(sheet) as picture:
            picture.quantize(20, dither=Image.Dither.NONE).save(out / "crops.png", optimize=True)
    print(f"{out / 'crops.png'}: {(out / 'crops.png').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
