"""Claim: `query` refuses nearly every page and column, and at most 0.5 % of the pictures of one character.

Run: `python benchmarks/pages_refused.py SINGLES... [--pages FOLDER] [--patches FOLDER]`. SINGLES are folders of
pictures that show one character each, such as crops, queries or depth images. PAGES is a folder with `images/` and YOLO
text in `labels/`. `query` should refuse its pages, and halves and quarters of them, but not the characters cut out
along its boxes, with and without their neighbours. PATCHES is a folder of NomNaOCR (All.txt and the books); its columns
are grouped by the length of their transcripts.

Each row gives the number of pictures, the share refused as a page, the share refused as blank, and processor
milliseconds per picture. Small pictures are tested again, enlarged eight times and noisy like a photo, because `query`
does not look for pages in pictures below 128 pixels.
"""

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from results import Cell, Column, publish, result_option  # noqa: E402

from sinonom_cli.errors import SinonomError  # noqa: E402
from sinonom_cli.networks.page_like import looks_like_page  # noqa: E402
from sinonom_cli.pictures.blank import is_blank  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.storage.image_set import PICTURE_SUFFIXES  # noqa: E402
from sinonom_cli.storage.inputs import find_inputs  # noqa: E402

LARGER, NOISE, ENLARGED = 8, 15.0, 2_000
"""Factor for enlarging small pictures, strength of the noise in grey levels, and number of pictures per folder."""

Pictures = Iterable[np.ndarray]
COLUMNS = (
    Column("what the pictures show"), Column("should be refused"), Column("pictures", ","),
    Column("refused as a page", ".2%"), Column("as blank", ".2%"), Column("ms of a processor", ".2f"),
)  # fmt: skip
Rows = list[tuple[Cell, ...]]


def told(name: str, pictures: Pictures, several: bool = False) -> Rows:
    """Return the row of one kind of picture, which shows several characters or one; no row if there is no picture."""
    count = page = blank = 0
    started = time.process_time()
    spent = 0.0
    for picture in pictures:
        started = time.process_time()
        page += int(looks_like_page(picture))
        blank += int(is_blank(picture))
        spent += time.process_time() - started
        count += 1
    if not count:
        return []
    print(f"{name}: {count:,}", file=sys.stderr, flush=True)
    return [(name, "yes" if several else "no", count, page / count, blank / count, 1000 * spent / count)]


def read(folder: Path, limit: int | None = None) -> Iterator[np.ndarray]:
    """Yield the pictures below a folder, or a sample of `limit` of them, which is always the same."""
    paths = [item.path for item in find_inputs([str(folder)], PICTURE_SUFFIXES, "pictures")]
    if limit is not None and len(paths) > limit:
        paths = random.Random(0).sample(paths, limit)
    for path in paths:
        try:
            yield load_picture(path)
        except SinonomError as error:
            print(error, file=sys.stderr)


def enlarged(pictures: Pictures) -> Iterator[np.ndarray]:
    """Yield the pictures as a photo would show them: larger, softer and noisy."""
    rng = np.random.default_rng(0)
    for picture in pictures:
        size = picture.shape[1] * LARGER, picture.shape[0] * LARGER
        large = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC), np.float32)
        yield np.clip(large + rng.normal(0, NOISE, large.shape), 0, 255).astype(np.uint8)


def boxes(page: np.ndarray, labels: Path, margin: float) -> Iterator[np.ndarray]:
    """Yield the contents of a page's boxes, each widened by `margin` times its side."""
    height, width = page.shape
    for line in labels.read_text(encoding="utf-8").splitlines():
        if line.strip():
            x, y, w, h = (float(part) for part in line.split()[1:5])
            rows = slice(max(0, int((y - h / 2 - margin * h) * height)), round((y + h / 2 + margin * h) * height))
            columns = slice(max(0, int((x - w / 2 - margin * w) * width)), round((x + w / 2 + margin * w) * width))
            cut = page[rows, columns]
            if min(cut.shape) >= 4:
                yield cut


def parts(page: np.ndarray, number: int) -> Iterator[np.ndarray]:
    """Yield halves (2) or quarters (4) of a page."""
    for left in np.array_split(page, 2, axis=1):
        yield from [left] if number == 2 else np.array_split(left, 2, axis=0)


def of_pages(folder: Path) -> Rows:
    found = sorted(path for path in folder.rglob("images/**/*") if path.suffix.lower() in PICTURE_SUFFIXES)
    pages = {path: load_picture(path) for path in found}
    rows = told("pages", pages.values(), True)
    rows += told("pages, turned", (np.ascontiguousarray(page.T) for page in pages.values()), True)
    rows += told("pages at half their size", (halved(page) for page in pages.values()), True)
    for number, name in ((2, "halves"), (4, "quarters")):
        rows += told(f"{name} of pages", (part for page in pages.values() for part in parts(page, number)), True)
    for margin in (0.0, 0.15, 0.3, 0.5):
        cuts = [
            cut
            for path, page in pages.items()
            for labels in folder.rglob(f"labels/**/{path.stem}.txt")
            for cut in boxes(page, labels, margin)
        ]
        rows += told(f"characters of pages, {margin:.0%} of a side around", cuts)
        few = random.Random(0).sample(cuts, min(ENLARGED, len(cuts)))
        rows += told(f"characters of pages, {margin:.0%}, enlarged and noisy", enlarged(few))
    return rows


def halved(page: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(page).reduce(2))


def of_patches(folder: Path, limit: int) -> Rows:
    by_length: dict[int, list[Path]] = defaultdict(list)
    lines = (folder / "All.txt").read_text(encoding="utf-8").splitlines()
    for line in random.Random(0).sample(lines, min(limit, len(lines))):
        name, _, text = line.partition("\t")
        by_length[min(len(text), 8)].append(folder / name)
    rows: Rows = []
    for length, paths in sorted(by_length.items()):
        pictures = (load_picture(path) for path in paths if path.exists())
        rows += told(f"columns of {length}{'' if length < 8 else ' and more'} characters", pictures, length > 1)
    long = [path for length, paths in by_length.items() if length > 5 for path in paths if path.exists()]
    turned = (np.ascontiguousarray(load_picture(path).T) for path in long)
    return rows + told("columns of 6 and more, turned into lines", turned, True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("singles", nargs="*", type=Path, help="folders of pictures of one character")
    parser.add_argument("--pages", type=Path, help="folder with images/ and labels/ (YOLO text)")
    parser.add_argument("--patches", type=Path, help="folder of NomNaOCR's column patches, with All.txt")
    parser.add_argument("--limit", type=int, default=60_000, help="pictures of a folder, and patches, at most")
    result_option(parser)
    given = parser.parse_args()
    rows: Rows = []
    for folder in given.singles:
        name = f"one character: {folder.parent.name}/{folder.name}"
        rows += told(name, read(folder, given.limit))
        rows += told(f"{name}, enlarged and noisy", enlarged(read(folder, ENLARGED)))
    if given.pages:
        rows += of_pages(given.pages)
    if given.patches:
        rows += of_patches(given.patches, given.limit)
    publish(
        given.result,
        "`query` refuses nearly every page and column, and at most 0.5 % of the pictures of one character.",
        COLUMNS,
        rows,
        notes="Short columns are not refused: `--reject` is for them.",
    )


if __name__ == "__main__":
    main()
