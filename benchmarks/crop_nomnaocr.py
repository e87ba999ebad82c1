"""Claims: cutting a column patch takes a few milliseconds of processor time; cuts agree with a detector and people.

On a sample of patches, the same every time, the script measures processor milliseconds per patch (reading, cutting,
confidence, pictures in memory) and the share of doubtful characters. With a detector, it counts how many confident and
how many doubtful characters overlap one of the detector's boxes by half along the column. It also counts how often the
detector alone finds as many boxes as the transcript has characters.

With pages on which people have drawn boxes around characters, the script uses the columns without wide gaps. It prints
the share of characters that is kept at each confidence, and how many of them are right, so overlap the person's box by
half along the column. The columns are measured twice: unchanged, and with a character removed from one transcript in
ten and one inserted into another, because transcribers make mistakes too. The texts of these pages are not known, so
all characters are assumed to have the same height.

Usage: python benchmarks/crop_nomnaocr.py PATCHES [--localizer FILE] [--sample 1000] [--pages FOLDER] [--part train|val]
"""

import argparse
import random
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from sinonom_cli.crops.annotations import columns_of
from sinonom_cli.crops.column_pages import COLUMNS_ABREAST, Found, look
from sinonom_cli.crops.columns import crop_all, cut_column, judge
from sinonom_cli.crops.crop_column import CropColumn, look_at_page
from sinonom_cli.crops.transcripts import find_patches, paged, read_list
from sinonom_cli.errors import SinonomError
from sinonom_cli.layout.detector import Localizer
from sinonom_cli.layout.yolo_pages import corners, read_pages
from sinonom_cli.pictures.loading import load_picture

DOUBTFUL, HALF = 0.5, 0.5


def main() -> None:
    """Measure on patches, on pages, or on both, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patches", type=Path)
    parser.add_argument("--localizer", type=Path)
    parser.add_argument("--sample", type=int, default=1000)
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--part", choices=("train", "val"), default="val")
    given = parser.parse_args()
    on_patches(given.patches, given.localizer, given.sample)
    if given.pages:
        localizer = Localizer(given.localizer) if given.localizer else None
        on_pages(given.pages, given.part, localizer)


def on_patches(patches: Path, localizer: Path | None, size: int) -> None:
    """Print the time per patch and the agreement with a detector, on a sample of patches."""
    items = [item for item in read_list(*find_patches(patches, None)) if not item.data.fault and item.size > 0]
    pages = [items[start : start + COLUMNS_ABREAST] for start in range(0, len(items), COLUMNS_ABREAST)]
    chosen = random.Random(0).sample(pages, min(len(pages), -(-size // COLUMNS_ABREAST)))
    sample = paged([item for page in chosen for item in page], COLUMNS_ABREAST)
    rows: list[tuple[str, float, float]] = []
    equal: list[tuple[str, bool]] = []
    seconds, used = 0.0, 0
    blind = CropColumn(Path(), 64, None, DOUBTFUL, False)
    blind.cut(sample[0])  # the first call compiles
    for item in sample:
        start = time.process_time()
        try:
            done = blind.cut(item)
        except SinonomError:
            continue
        finally:
            seconds += time.process_time() - start
        used += any(piece.crop for piece in done.pieces)
        book, shares = item.key.split("/")[0], [1.0] * len(done.pieces)
        if localizer is not None:
            found = look_at_page(localizer, item.data.page)[item.data.place]
            column = cut_column(load_picture(item.path, whole=True), item.data.transcript, found)
            equal.append((book, found is not None and len(found.spans) == len(done.pieces)))
            shares = [] if column.agreement is None else column.agreement.tolist()
        rows += [(book, piece.confidence, share) for piece, share in zip(done.pieces, shares, strict=True)]
    print(f"{len(sample)} patches, {used} used, {1000 * seconds / len(sample):.1f} ms of one core each")
    for name in ("", *sorted({row[0] for row in rows})):
        sure, shares_all = np.array([row[1:] for row in rows if row[0].startswith(name)]).T
        kept, right = sure >= DOUBTFUL, shares_all >= HALF
        line = f"{name or 'all'}: {len(sure)} characters, {1 - kept.mean():.3f} doubtful"
        if localizer is not None:
            counted = np.mean([same for book, same in equal if book.startswith(name)])
            others = f", on {right[~kept].mean():.3f} of which the detector agrees" if not kept.all() else ""
            line += f"{others}; on {right[kept].mean():.3f} of the others"
            line += f"; it alone has the right number in {counted:.3f} of columns"
        print(line)


def on_pages(folder: Path, part: str, localizer: Localizer | None) -> None:
    """Print the share of right cuts by confidence, on columns in which people have drawn boxes."""
    columns = []
    for page in read_pages(folder)[part]:
        grey = load_picture(page.item.path, whole=True)
        boxes = corners(page.boxes, grey.shape[1], grey.shape[0])
        columns += [
            _patch(grey, boxes[one])
            for one in columns_of([tuple(box) for box in boxes.tolist()])
            if len(one) > 2 and _plain(boxes[one])
        ]
    print(f"{len(columns)} columns of {part}, {sum(len(spans) for _, spans in columns)} characters")
    for what, slips in (("as they are", 0.0), ("a tenth of transcripts a character short, a tenth one over", 0.2)):
        sure, right = _tried(columns, slips, localizer)
        print(f"{what}: {right.mean():.4f} of all are right")
        for least in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
            kept = sure >= least
            others = f"{right[~kept].mean():.3f} of the {(~kept).sum()} others" if not kept.all() else "no others"
            print(f"  confidence from {least}: {kept.mean():.3f} kept, {right[kept].mean():.4f} right; {others}")


def _plain(boxes: NDArray[np.float64]) -> bool:
    gaps, tall = boxes[1:, 1] - boxes[:-1, 3], np.median(boxes[:, 3] - boxes[:, 1])
    return bool(-0.4 * tall < gaps.min() and gaps.max() < 0.7 * tall)


def _patch(grey: NDArray[np.uint8], boxes: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a column as a patch, and the tops and bottoms of its characters in the patch."""
    left, right = np.percentile(boxes[:, 0], 10) - 3, np.percentile(boxes[:, 2], 90) + 3
    top = max(0, int(boxes[:, 1].min()) - 4)
    part = grey[top : int(boxes[:, 3].max()) + 4, max(0, int(left)) : int(right)]
    return part, boxes[:, [1, 3]] - top


def _tried(
    columns: list[tuple[NDArray[np.uint8], NDArray[np.float64]]], slips: float, localizer: Localizer | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return every character's confidence and whether it is right; some transcripts are too short or long by one."""
    rng = np.random.default_rng(0)
    tasks = []
    for grey, spans in columns:
        truth, at = list(range(len(spans))), int(rng.integers(0, len(spans)))
        luck = rng.random()
        if luck < slips / 2:
            truth.pop(at)
        elif luck < slips:
            truth.insert(at, -1)
        tasks.append((grey, spans, truth))
    sure: list[float] = []
    right: list[bool] = []
    for start in range(0, len(tasks), COLUMNS_ABREAST):
        group = tasks[start : start + COLUMNS_ABREAST]
        seen: list[Found | None] = [None] * len(group)
        if localizer is not None:
            seen = list(look(localizer, [(grey, len(truth)) for grey, _, truth in group]))
        for (grey, spans, truth), found in zip(group, seen, strict=True):
            text = "某" * len(truth)
            column = cut_column(grey, text, found)
            sure += judge(column, text, crop_all(column, 16)).confidence.tolist()
            for k, which in enumerate(truth):
                low, high = spans[which] if which >= 0 else (-2.0, -1.0)
                top, bottom = column.cuts.tops[k], column.cuts.bottoms[k]
                right.append(min(high, bottom) - max(low, top) >= HALF * (max(high, bottom) - min(low, top)))
    return np.array(sure), np.array(right)


if __name__ == "__main__":
    main()
