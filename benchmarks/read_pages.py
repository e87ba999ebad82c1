"""The part of `read.py` that measures whole pages: boxes, order, time and memory of `sinonom read`.

PAGES is a folder with `images/{train,val}` and `labels/{train,val}` in YOLO's layout; the pages of `val` are read. The
boxes are those that `read` gives, after its detector, its order and what it leaves out. The order of the pages is not
recorded: that of the labelled boxes (`reading_order`, looked at with `order.py --draw`) is the reference. A cold page
is a `sinonom read` of its own, all of its files included; a warm one is read by `sinonom.read` after another page.
On a machine that others use too, the seconds of processor time say more than those of the clock.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
from processes import Taken, alone

import sinonom_cli as sinonom
from sinonom_cli.layout.detect import shipped_detector
from sinonom_cli.layout.measure import Agreement, box_overlaps, neighbours_in_order, pairs
from sinonom_cli.layout.order import reading_order
from sinonom_cli.layout.yolo_pages import Page, corners, read_pages
from sinonom_cli.pages.sources import load_page
from sinonom_cli.pictures.page_ink import page_ink

LEAST = 0.5
"""Smallest intersection over union of a box that counts as found."""


def pages(folder: Path) -> None:
    """Print a table of the pages of `val`: F1 of boxes, neighbours in order, time cold and warm, memory."""
    chosen = read_pages(folder)["val"]
    sinonom.read(chosen[-1].item.path)  # Loads the model, the index, the context and what numba compiles.
    agreement, by_detector, order, cold, warm = Agreement(), Agreement(), np.zeros(2, int), [], []
    print("| page | characters | F1 of boxes | of the detector alone | neighbours in order | warm | cold | memory |")
    print("|---|---|---|---|---|---|---|---|")
    for page in chosen:
        found, neighbours, taken = measured(page)
        detector = detected(page)
        cold.append(read_alone(page.item.path))
        warm.append(taken)
        agreement, by_detector, order = agreement + found, by_detector + detector, order + neighbours
        print(row(page.item.path.stem, found, detector, neighbours, taken, cold[-1]), flush=True)
    print(row("all, median time", agreement, by_detector, order, median(warm), median(cold)))


def measured(page: Page) -> tuple[Agreement, tuple[int, int], Taken]:
    """Return how the boxes and the order of a page agree with its labels, and what reading it took."""
    started, spent = time.perf_counter(), time.process_time()
    reading = sinonom.read(page.item.path)
    taken = Taken(clock=time.perf_counter() - started, processor=time.process_time() - spent)
    true = corners(page.boxes, reading.width, reading.height)
    boxes = np.array([one.box for one in reading.characters])
    scores = np.array([one.score for one in reading.characters])
    matches = pairs(box_overlaps(boxes, true), scores, LEAST)
    found = Agreement(right=len(matches), found=len(boxes), true=len(true))
    place = {one.index: number for number, one in enumerate(reading_order(true))}
    known = np.array([(at, place[index]) for at, index in matches if index in place]).reshape(-1, 2)
    return found, neighbours_in_order(known, len(place)), taken


def detected(page: Page) -> Agreement:
    """Return how the boxes of the detector agree with a page's labels, before `read` orders and leaves out any."""
    grey = load_page(page.item.path, 0)
    ink = page_ink(grey)
    true = corners(page.boxes, grey.shape[1], grey.shape[0])
    if ink is None:
        return Agreement(true=len(true))
    found = shipped_detector().find(ink)
    matches = pairs(box_overlaps(found.boxes, true), found.scores, LEAST)
    return Agreement(right=len(matches), found=len(found.boxes), true=len(true))


def read_alone(path: Path) -> Taken:
    """Return what `sinonom read` of one page takes in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return alone("read", path, folder + "/out", "-q", "--workers", 0)


def median(taken: list[Taken]) -> Taken:
    """Return the medians of times, and the largest memory."""
    return Taken(
        clock=float(np.median([one.clock for one in taken])),
        processor=float(np.median([one.processor for one in taken])),
        memory=max(one.memory for one in taken),
    )


def row(name: str, found: Agreement, detector: Agreement, neighbours: tuple[int, int], warm: Taken, cold: Taken) -> str:
    right, of = neighbours
    times = " | ".join(f"{one.clock:.1f} s, {one.processor:.1f} s of processor" for one in (warm, cold))
    return (
        f"| {name} | {found.true:,} | {found.f1:.4f} ({found.precision:.3f}, {found.recall:.3f}) | {detector.f1:.4f} | "
        f"{right / max(of, 1):.2%} of {of:,} | {times} | {cold.memory * 2**30 / 1e6:.0f} MB |"
    )
