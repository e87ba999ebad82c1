"""Draw the sheet of cut columns for the documentation, crops.png, from the characters that ship. See pictures.py."""

import tempfile
from pathlib import Path

import numpy as np
from picture_files import run, save
from PIL import Image, ImageFilter

from sinonom_cli.assets import GLYPHS

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


def draw_columns(out: Path) -> None:
    """Write crops.png: nine columns, cut. Two transcripts lack a character or have one too many."""
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
        run("crop-nomnaocr", folder / "in", folder / "set", "--sheet", folder / "sheet.png")
        with Image.open(folder / "sheet.png") as picture:
            save(picture.copy(), out / "crops.png", lines=True)
