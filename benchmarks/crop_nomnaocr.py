"""Claims: column patches are cut in a few processor milliseconds each; the cuts agree with those of a detector.

Takes a sample of patches, the same each time, and prints: processor milliseconds a patch (reading, cutting, pictures in
memory); how many of the confident characters lie where they would lie with the detector's boxes as further evidence
(both cuts within 3 pixels); how many overlap a box of the detector by half, along the column; and how often the
detector alone finds as many boxes as the transcript has characters.

Usage: python benchmarks/crop_nomnaocr.py PATCHES [--localizer FILE] [--sample 1000]
"""

import argparse
import random
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from sinonom_cli.crop_nomnaocr.align import agreement
from sinonom_cli.crop_nomnaocr.columns import (
    check_fits,
    confidences,
    crop_all,
    cut_column,
    look_at_page,
)
from sinonom_cli.crop_nomnaocr.sheets import COLUMNS
from sinonom_cli.crop_nomnaocr.transcripts import find_patches, paged, read_list
from sinonom_cli.models.preprocess import load_picture

NEAR = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patches", type=Path)
    parser.add_argument("--localizer", type=Path)
    parser.add_argument("--sample", type=int, default=1000)
    given = parser.parse_args()
    items = [item for item in read_list(*find_patches(given.patches, None)) if not item.data.fault and item.size > 0]
    pages = [items[start : start + COLUMNS] for start in range(0, len(items), COLUMNS)]
    chosen = random.Random(0).sample(pages, min(len(pages), -(-given.sample // COLUMNS)))
    sample = paged([item for page in chosen for item in page], COLUMNS)
    used, seconds = 0, 0.0
    rows: list[tuple[str, float, bool, float]] = []
    equal: list[tuple[str, bool]] = []
    cut_column(load_picture(sample[0].path), sample[0].data.transcript)  # compiles
    for item in sample:
        text, book = item.data.transcript, item.key.split("/")[0]
        start = time.process_time()
        grey = load_picture(item.path)
        check_fits(len(grey), len(text))
        column = cut_column(grey, text)
        crops = crop_all(column, 64)
        seconds += time.process_time() - start
        used += any(crops)
        if given.localizer is None:
            continue
        found = look_at_page(given.localizer, item.data.page)[item.data.place]
        assert found is not None
        both = cut_column(grey, text, found).cuts
        severed = np.array([one.severed if one else 0.0 for one in crops])
        sure = confidences(column.cuts, text, severed)
        near = np.abs(column.cuts.tops - both.tops) <= NEAR
        near &= np.abs(column.cuts.bottoms - both.bottoms) <= NEAR
        shares = agreement(found.spans, column.cuts.tops, column.cuts.bottoms)
        rows += zip([book] * len(text), sure, near, shares, strict=True)
        equal.append((book, len(found.spans) == len(text)))
    print(f"{len(sample)} patches, {used} used, {1000 * seconds / len(sample):.1f} ms of one core each")
    for name in ("", *sorted({book for book, _ in equal})) if rows else ():
        mine = [row for row in rows if row[0].startswith(name)]
        counted = [same for book, same in equal if book.startswith(name)]
        near_all, shares_all = np.array([row[2] for row in mine]), np.array([row[3] for row in mine])
        confident = np.array([row[1] for row in mine]) >= 0.7
        print(
            f"{name or 'all'}: {len(mine)} characters; both ways within {NEAR} px {near_all.mean():.3f}"
            f" (confident ones {near_all[confident].mean():.3f}); half over a box {(shares_all >= 0.5).mean():.3f};"
            f" detector alone has the right number {np.mean(counted):.3f}"
        )


if __name__ == "__main__":
    main()
