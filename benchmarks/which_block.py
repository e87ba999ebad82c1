"""Measure how often `sinonom read --index` finds the block that printed a page, and the very carving of each character.

Pages are composed of the characters that all three typefaces that ship have, fewer than a hundred, so that blocks share
theirs; every fourth block has the text and the layout of the block before it in another typeface, as a block that was
carved anew. All but some of the pages are carved by `carve --page --as map --mirror` and cut, rendered and indexed,
together with a real block if one is given: a folder with `block.png`, `print.jpg` and `characters.json` (outlines of
the same characters on both). Prints are the pages with blur, noise, uneven light, a turn and a scale of their own.

`--fit` fits `WEIGHTS` of `pages/placing.py` instead: on windows of 4 to 60 neighbouring characters of simulated prints,
looked up with and without the block that printed them among the candidates. The real block and its print have no part.

Run: `python benchmarks/which_block.py FOLDER [--blocks 40] [--others 20] [--real FOLDER] [--fit]`; FOLDER keeps what is
made.
"""

import argparse
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cut import points_of, run, table
from PIL import Image, ImageFilter

from sinonom_cli.assets import GLYPHS
from sinonom_cli.errors import SinonomError
from sinonom_cli.layout.measure import outline_overlaps
from sinonom_cli.pages.block_matches import BlockMatches
from sinonom_cli.pages.carvings import Carvings
from sinonom_cli.pages.find_blocks import find_blocks, laid_on_blocks, upright_middles
from sinonom_cli.pages.laid import PageOptions
from sinonom_cli.pages.placing import features
from sinonom_cli.pages.read_page import SeenPage, see_page
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.compose import compose_page
from sinonom_cli.relief.composition import Composition, Page
from sinonom_cli.relief.physics import Span

SPREAD = Composition(size=Span(36, 36), columns=Span(10, 10), rows=Span(12, 12), borders=(0, 1, 0), strip=0, heading=0)
"""Pages of one size, so that one scale fits all height maps."""


def faces() -> list[dict[str, list[np.ndarray]]]:
    """Return the pictures of the characters that all typefaces have, of each typeface that ships, in one order."""
    found: list[dict[str, list[np.ndarray]]] = []
    for folder in sorted(path for path in GLYPHS.iterdir() if path.is_dir()):
        pictures = {chr(int(path.parent.name[2:], 16)): [load_picture(path)] for path in folder.glob("images/*/*.png")}
        found.append(pictures)
    common = sorted(set.intersection(*(set(pictures) for pictures in found)))
    return [{char: pictures[char] for char in common} for pictures in found]


def composed(seed: int, number: int, typefaces: list[dict[str, list[np.ndarray]]]) -> Page:
    """Return a page; every fourth one has the text of the page before it."""
    text = number - (number % 4 == 3)
    return compose_page(typefaces[number % len(typefaces)], np.random.default_rng([seed, text]), SPREAD)


def make(folder: Path, blocks: int, seed: int, real: Path | None) -> None:
    """Make the index of all blocks; what is there already is kept."""
    typefaces = faces()
    (folder / "pages").mkdir(parents=True, exist_ok=True)
    for number in range(blocks):
        path = folder / "pages" / f"{number:03d}.png"
        if not path.exists():
            Image.fromarray(composed(seed, number, typefaces).picture).save(path)
    run("carve", folder / "pages", folder / "scans", "--page", "--mirror", "--as", "map", "--seed", seed, "-q")
    pixel = float(np.median([float(row["pixel"]) for row in table(folder / "scans" / "metadata.csv")]))
    run("cut", folder / "scans" / "maps", folder / "cut", "--pixel", f"{pixel:.4f}", "-q")
    sets = [folder / "cut"]
    if real:
        run("cut", real / "block.png", folder / "real", "--pixel", 0.38, "--deeper", "light", "-q")
        sets.append(folder / "real")
    for name in sets:
        run("render", name, folder / f"{name.name}-images", "-q")
    run("index", *(folder / f"{name.name}-images" for name in sets), folder / "db.faiss", "-q")


def printed(grey: np.ndarray, rng: np.random.Generator, *ways: str) -> np.ndarray:
    """Return a picture of a print: softened, noisy, leaning; besides worn, shadowed, or a third of it alone."""
    ink = 1 - grey.astype(np.float64) / 255
    height, width = ink.shape
    if "worn" in ways:
        blotches = np.asarray(
            Image.fromarray(rng.normal(size=(height // 12, width // 12)).astype(np.float32)).resize(
                (width, height), Image.Resampling.BICUBIC
            )
        )
        ink *= np.clip(1.4 + blotches, 0, 1)
    light = np.full_like(ink, 0.95)
    if "shadowed" in ways:
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        light = 0.95 - 0.6 * np.clip(np.hypot(x - rng.uniform(0, 1), y - rng.uniform(0, 1)), 0, 1)
    picture = light * (1 - 0.85 * ink) + rng.normal(0, 0.03, ink.shape)
    image = Image.fromarray(np.round(255 * picture).clip(0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.1) * height / 600))
    image = image.rotate(rng.uniform(-1.2, 1.2), Image.Resampling.BICUBIC, fillcolor=int(255 * light[0, 0]))
    if "third" in ways:
        left = rng.uniform(0, 2 / 3) * width
        image = image.crop((round(left), 0, round(left + width / 3), height))
    scale = rng.uniform(0.8, 1.2)
    return np.asarray(image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC))


WAYS = {
    "plain": (),
    "worn": ("worn",),
    "shadowed": ("shadowed",),
    "a third": ("third",),
    "all": ("worn", "shadowed", "third"),
}


def seen(folder: Path, name: str, grey: np.ndarray) -> SeenPage | None:
    """Return the characters that are found on a page; None if it is refused. They are kept in the folder."""
    path = folder / "seen" / f"{name}.pickle"
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        kept: SeenPage | None = pickle.loads(path.read_bytes())
        return kept
    try:
        found = see_page(grey, page=name, source=name, options=PageOptions())
    except SinonomError as error:
        print(f"{name}: {error.message}")
        found = None
    path.write_bytes(pickle.dumps(found))
    return found


def prints(folder: Path, options: argparse.Namespace) -> Iterator[tuple[int, str, SeenPage]]:
    """Yield number and way of all pages, each printed in one way, and what is seen on it; those of others come last."""
    typefaces = faces()
    for number in range(options.blocks + options.others):
        page = composed(options.seed, number, typefaces)
        way = list(WAYS)[number * 7 % len(WAYS)]
        rng = np.random.default_rng([options.seed, number, 1])
        found = seen(folder, f"{number:03d}", printed(page.picture, rng, *WAYS[way]))
        if found:
            yield number, way, found


def real_prints(folder: Path, real: Path) -> Iterator[tuple[str, SeenPage]]:
    """Yield the real print as it is, worn, shadowed, in thirds, and all of it at once."""
    grey = load_picture(real / "print.jpg", True)
    width = grey.shape[1]
    for way, ways in WAYS.items():
        rng = np.random.default_rng(1)
        large = np.asarray(Image.fromarray(grey).resize((3 * width, 3 * grey.shape[0]), Image.Resampling.BICUBIC))
        picture = grey if way == "plain" else printed(large, rng, *ways)
        found = seen(folder, f"real {way}", picture)
        if found:
            yield way, found
    for k in range(3):
        found = seen(folder, f"real third {k}", grey[:, k * width // 3 : (k + 1) * width // 3])
        if found:
            yield f"third {k + 1} of 3", found


def very_share(matches: BlockMatches, truth: dict[int, str]) -> tuple[int, int]:
    """Return how many characters have the right carving first, and how many have one."""
    right = sum(
        bool(each.carvings) and each.carvings[0].item == truth[number]
        for number, each in enumerate(matches.characters)
        if number in truth
    )
    return right, len(truth)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Look prints up and print the figures."""
    carvings = Carvings(folder / "db.faiss")
    counts = {way: np.zeros(5, int) for way in WAYS}
    least, most, refused = 1.0, 0.0, options.blocks + options.others
    for number, way, page in prints(folder, options):
        refused -= 1
        matches = find_blocks(page.reading, page.pictures, carvings)
        found, name = [block.block for block in matches.found], f"{number:03d}"
        if number < options.blocks:
            first = bool(matches.blocks) and matches.blocks[0].block == name
            counts[way] += (first, found == [name], 1, 0, 0)
            least = min(least, matches.blocks[0].probability) if first else least
            if found != [name]:
                print(f"{way} {name} ({len(page.pictures)} characters): {list(matches.block_rows())[:2]}", flush=True)
        else:
            counts[way] += (0, 0, 0, not found, 1)
            most = max([most, *(block.probability for block in matches.blocks)])
            if found:
                print(f"{way} {name} of no block: {list(matches.block_rows())[:2]}", flush=True)
    for way, (first, alone, all_prints, none, others) in counts.items():
        print(
            f"{way}: right block first {first}, it alone found {alone} of {all_prints}; none found {none} of {others}"
        )
    first, alone, all_prints, none, others = sum(counts.values())
    print(
        f"together: right block first {first}, it alone found {alone} of {all_prints} (least probability {least:.3f}); "
        f"of pages that no block printed, none found {none} of {others} (greatest {most:.3f}); pages refused: {refused}"
    )
    if not options.real:
        return
    table_of = {Path(row["file_name"]).stem: row for row in table(folder / "real" / "metadata.csv")}
    people = json.loads((options.real / "characters.json").read_text(encoding="utf-8"))["characters"]
    for way, page in real_prints(folder, options.real):
        matches = find_blocks(page.reading, page.pictures, carvings)
        said = ", ".join(f"{block.block} {block.probability:.3f}" for block in matches.blocks[:2])
        line = f"real print, {way}: {said}; {matches.blocks[0].agreeing} of {len(page.pictures)} agree"
        if way == "plain":
            right, known = very_share(matches, real_truth(page, people, table_of))
            line += f"; the very carving {right / known:.4f} of {known}"
        print(line, flush=True)


def real_truth(page: SeenPage, people: list[Any], cut: dict[str, dict[str, str]]) -> dict[int, str]:
    """Return the carving of each character that people outlined on the print and on the block, and that was cut."""
    names = list(cut)
    scan = [points_of(cut[name]["polygon"]) for name in names]
    pixel = 0.38
    blocks = outline_overlaps([np.array(one["block"]) * [pixel, -pixel] for one in people], scan)
    found = outline_overlaps(
        [np.array(one.outline) for one in page.reading.characters], [np.array(p["print"]) for p in people]
    )
    truth = {}
    for number, row in enumerate(found):
        person = int(row.argmax())
        carving = int(blocks[person].argmax())
        if row[person] >= 0.4 and blocks[person, carving] >= 0.5:
            truth[number] = f"block/{names[carving]}.png"
    return truth


def fit(folder: Path, options: argparse.Namespace) -> None:
    """Fit the weights, and print them and how they do on blocks that they were not fitted on."""
    carvings = Carvings(folder / "db.faiss")
    names = [block.name for block in carvings.places.blocks]
    given, right, group = [], [], []
    for number, _, page in prints(folder, options):
        rng = np.random.default_rng([options.seed, number, 99])
        points, vectors = upright_middles(page.reading), carvings.embed(page.pictures)
        rows, distances = carvings.nearest(vectors)
        for turn in range(5):
            count = min(len(points), round(4 * 15 ** rng.uniform(0, 1))) if turn else len(points)
            middle = points[rng.integers(len(points))]
            some = np.argsort(((points - middle) ** 2).sum(axis=1), kind="stable")[:count]
            pictures = [page.pictures[k] for k in some]
            tried = laid_on_blocks(points[some], pictures, vectors[some], rows[some], distances[some], carvings)
            own = [k for k, placing in enumerate(tried) if names[placing.block] == f"{number:03d}"]
            for hidden in (False, True):
                left = [placing for k, placing in enumerate(tried) if not hidden or k not in own]
                for placing in left:
                    if len(placing.pairs):
                        given.append((1.0, *features(placing, left, len(names))))
                        right.append(names[placing.block] == f"{number:03d}")
                        group.append(number // 4)
    design, truth, groups = np.array(given), np.array(right, float), np.array(group)
    chance = np.zeros(len(truth))
    for part in (0, 1):  # blocks with one text are in one group
        held = groups % 2 == part
        chance[held] = likely(design[held], fitted(design[~held], truth[~held]))
    bins = np.minimum((chance * 10).astype(int), 9)
    error = sum(abs(truth[bins == k].sum() - chance[bins == k].sum()) for k in range(10)) / len(truth)
    wrong = (chance >= 0.5) != (truth > 0)
    print(
        f"{len(truth)} placings, {int(truth.sum())} right; others taken for right {(wrong & (truth == 0)).sum()}, "
        f"right ones missed {(wrong & (truth > 0)).sum()}, expected calibration error {error:.4f} (two-fold)"
    )
    print(f"WEIGHTS = ({', '.join(f'{weight:.2f}' for weight in fitted(design, truth))})")


def likely(design: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the probabilities of a logistic regression."""
    return np.asarray(1 / (1 + np.exp(-design @ weights)))


def fitted(design: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Fit a logistic regression by Newton's method, with a small ridge."""
    weights = np.zeros(design.shape[1])
    ridge = np.diag([0.0, *[0.05] * (design.shape[1] - 1)])
    for _ in range(50):
        chance = likely(design, weights)
        slope = design.T @ (truth - chance) - ridge @ weights
        weights += np.linalg.solve((design.T * (chance * (1 - chance))) @ design + ridge, slope)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--others", type=int, default=20, help="number of pages that no block printed")
    parser.add_argument("--real", type=Path, help="folder with block.png, print.jpg and characters.json")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fit", action="store_true", help="fit the weights of probabilities")
    options = parser.parse_args()
    if options.fit and options.blocks < 8:
        parser.error("--fit needs 8 blocks or more: it is tried on blocks that it was not fitted on")
    make(options.folder, options.blocks, options.seed, options.real)
    (fit if options.fit else measure)(options.folder, options)


if __name__ == "__main__":
    main()
