"""Draw the sample sheet: some characters of each set, from the commonest to the rarest, each a row of pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sinonom_cli.parallel.batch import item_rng
from sinonom_cli.reports.contact_sheet import FAINT, INK, Font, fitted, paste, sheet_font, write_sheet
from sinonom_cli.storage.image_set import ImageSet, Picture

SIDE, GAP, ACROSS, DOWN = 64, 4, 16, 24
STEP, NAME, TITLE = SIDE + GAP, 84, 22

Line = tuple[str, str, list[Picture]]


def draw(path: Path, sets: Sequence[ImageSet], seed: int) -> None:
    """Write one sheet for all sets.

    Parameters
    ----------
    path : path of the sheet; it ends in `.png`.
    sets : image sets with their pictures.
    seed : seed that chooses the pictures of a set; the choice does not depend on the other sets.
    """
    rows = [(images, lines(images, seed)) for images in sets]
    height = sum(TITLE + len(own) * STEP for _, own in rows) + GAP
    page, font = Image.new("RGB", (GAP + NAME + ACROSS * STEP, height), "white"), sheet_font()
    y = 0
    for images, own in rows:
        ImageDraw.Draw(page).text((GAP, y + 5), fitted(str(images.path), font, page.width), fill=INK, font=font)
        y += TITLE
        for line in own:
            _row(page, y, images.path, line, font)
            y += STEP
    write_sheet(path, page)


def lines(images: ImageSet, seed: int) -> list[Line]:
    """Choose the rows of a set: (name, number of images as text, pictures) for up to DOWN labels.

    The labels are evenly spread over their ranks by number of images. Pictures without a label fill the rows that are
    left, up to DOWN rows in all.
    """
    rng = item_rng(seed, "sheet")
    by_label: dict[str, list[Picture]] = {}
    for picture in images.pictures:
        by_label.setdefault(picture.label, []).append(picture)
    bare = by_label.pop("", [])
    ranked = sorted(by_label, key=lambda label: (-len(by_label[label]), label))
    count = min(DOWN, len(ranked))
    chosen = [ranked[(len(ranked) - 1) * place // max(count - 1, 1)] for place in range(count)]
    found = [(label, _images(len(by_label[label])), _some(by_label[label], rng, ACROSS)) for label in chosen]
    others = _some(bare, rng, ACROSS * (DOWN - count))
    return found + [("", "no label", others[start : start + ACROSS]) for start in range(0, len(others), ACROSS)]


def _images(count: int) -> str:
    return f"{count:,} image{'s' if count > 1 else ''}"


def _some(pictures: list[Picture], rng: np.random.Generator, count: int) -> list[Picture]:
    if len(pictures) <= count:
        return pictures
    return [pictures[place] for place in sorted(rng.choice(len(pictures), count, replace=False).tolist())]


def _row(page: Image.Image, y: int, folder: Path, line: Line, font: Font) -> None:
    name, below, pictures = line
    canvas = ImageDraw.Draw(page)
    canvas.text((GAP, y + SIDE // 2 - 14), name, fill=INK, font=font)
    canvas.text((GAP, y + SIDE // 2), below, fill=FAINT, font=font)
    for place, picture in enumerate(pictures):
        x = GAP + NAME + place * STEP
        paste(page, folder / picture.file_name, (x, y), SIDE, font)
        canvas.rectangle((x - 1, y - 1, x + SIDE, y + SIDE), outline=(225, 225, 225))
