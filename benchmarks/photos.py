"""Measure how well pictures with uneven light, seals, grids, rules or blur are named.

Run: `python benchmarks/photos.py PATCHES CROPS [--count 400] [--only NAME ...] [--sheet FOLDER]`. CROPS is an image set
of real prints that the model has not learnt from (`crop-nomnaocr` with the transcripts in NomNaOCR's `Validate.txt`).
Its boxes give the characters' positions in PATCHES, from which they are cut with the paper around them. Each condition
is applied to the same characters; each result is saved as a file and is a query, as in `sinonom query`. For a
comparison, run the script in a checkout of another commit: the same seed makes the same pictures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from results import Column, publish, result_option  # noqa: E402

from sinonom_cli.networks.preprocess import prepare  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.search.answers import embedded  # noqa: E402
from sinonom_cli.search.opening import model_of, open_index  # noqa: E402
from sinonom_cli.search.probability import Judge, Way, calibration_of, energies_of, wanted_rows  # noqa: E402
from sinonom_cli.search.searcher import Searcher  # noqa: E402
from sinonom_cli.storage.image_set import read_imageset  # noqa: E402
from sinonom_cli.storage.inputs import Item  # noqa: E402

Grey = NDArray[np.float64]
"""Grey picture, (H, W) float64 in [0, 1]; 1 is paper."""
Picture = NDArray[np.uint8]
"""Grey or colour picture, (H, W) or (H, W, 3) uint8."""
Rng = np.random.Generator

AROUND = 20
"""Number of pixels by which patches are widened, because their edges are near their characters."""
CONFIDENT = 0.8
"""Probability above which a wrong answer misleads users."""


def bytes_of(picture: NDArray[np.float64]) -> Picture:
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def colour(grey: Grey) -> NDArray[np.float64]:
    return np.repeat(grey[..., None], 3, axis=2)


def plane(grey: Grey, rng: Rng) -> NDArray[np.float64]:
    """Return a coordinate, (H, W) float64, that rises from 0 to 1 across the picture in a random direction."""
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]].astype(float)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x / grey.shape[1] + np.sin(angle) * y / grey.shape[0]
    return (along - along.min()) / np.ptp(along)


def falling(grey: Grey, rng: Rng) -> Picture:
    return bytes_of(grey * (1 - 0.4 * plane(grey, rng)))


def shadow(grey: Grey, rng: Rng) -> Picture:
    """Draw a shadow, whose edge is sharp or a few pixels soft and crosses the middle half of the picture."""
    soft = rng.choice([0.004, 0.04])
    inside = np.clip((plane(grey, rng) - rng.uniform(0.3, 0.7)) / soft + 0.5, 0, 1)
    return bytes_of(grey * (1 - inside * (1 - rng.uniform(0.4, 0.6))))


def _drawn(grey: Grey, draw: Callable[[ImageDraw.ImageDraw, int, int], None]) -> NDArray[np.float64]:
    """Return the share of each pixel that a drawing covers, from a picture that is four times as fine."""
    height, width = grey.shape
    mask = Image.new("L", (4 * width, 4 * height))
    draw(ImageDraw.Draw(mask), 4 * width, 4 * height)
    return np.asarray(mask.reduce(4)) / 255


def _stamped(grey: Grey, mask: NDArray[np.float64], rng: Rng) -> Picture:
    """Put red ink on a picture: half of the seals are opaque, half are transparent."""
    red = np.array([rng.uniform(0.7, 0.9), rng.uniform(0.1, 0.25), rng.uniform(0.1, 0.25)])
    page = colour(grey)
    over = 0.5 * page + 0.5 * red if rng.random() < 0.5 else page * red
    return bytes_of(page + mask[..., None] * (over - page))


def seal_outline(grey: Grey, rng: Rng) -> Picture:
    """Put the rim of a square or round seal, with a few strokes inside, on a picture."""
    x0, y0 = rng.uniform(0, 0.25, 2)
    side, thick = rng.uniform(0.6, 0.75), rng.uniform(0.05, 0.08)
    round_ = rng.random() < 0.5
    strokes = rng.uniform(0.2, 0.8, (3, 2))

    def draw(on: ImageDraw.ImageDraw, width: int, height: int) -> None:
        box = (x0 * width, y0 * height, (x0 + side) * width, (y0 + side) * height)
        (on.ellipse if round_ else on.rectangle)(box, outline=255, width=round(thick * width))
        for place, start in strokes:
            at = (x0 + side * place) * width
            line = (at, (y0 + side * start * 0.5) * height, at, (y0 + side * (start * 0.5 + 0.4)) * height)
            on.line(line, fill=255, width=round(thick * width * 0.8))

    return _stamped(grey, _drawn(grey, draw), rng)


def seal_filled(grey: Grey, rng: Rng) -> Picture:
    """Put a red square with white strokes on most of a picture."""
    x0, y0 = rng.uniform(-0.1, 0.3, 2)
    side = rng.uniform(0.6, 0.8)
    strokes = rng.uniform(0.1, 0.9, (4, 2))

    def draw(on: ImageDraw.ImageDraw, width: int, height: int) -> None:
        on.rectangle((x0 * width, y0 * height, (x0 + side) * width, (y0 + side) * height), fill=255)
        for place, start in strokes:
            at = (x0 + side * place) * width
            line = (at, (y0 + side * start * 0.6) * height, at, (y0 + side * (start * 0.6 + 0.3)) * height)
            on.line(line, fill=0, width=round(0.04 * width))

    return _stamped(grey, _drawn(grey, draw), rng)


def _around(grey: Grey, share: float, rng: Rng) -> Grey:
    """Widen a picture with white or with its own paper."""
    pad = round(share * max(grey.shape))
    return np.pad(grey, pad, constant_values=1.0 if rng.random() < 0.3 else float(np.percentile(grey, 80)))


def grid(grey: Grey, rng: Rng) -> Picture:
    """Draw a practice grid: a box with a dashed or solid cross inside, in black, grey, red or green."""
    grey = _around(grey, rng.uniform(0.05, 0.15), rng)
    inset, thick = rng.uniform(0, 0.05), rng.uniform(0.012, 0.025)
    dashed = rng.random() < 0.7
    ink = [(0.1, 0.1, 0.1), (0.5, 0.5, 0.5), (0.8, 0.2, 0.2), (0.2, 0.6, 0.3)][rng.integers(4)]

    def draw(on: ImageDraw.ImageDraw, width: int, height: int) -> None:
        x0, y0, x1, y1 = inset * width, inset * height, (1 - inset) * width, (1 - inset) * height
        pen = max(4, round(thick * width))
        on.rectangle((x0, y0, x1, y1), outline=255, width=pen)
        dash = width / 16 if dashed else 2 * width
        for start in np.arange(x0, x1, dash * 2):
            stop = min(start + dash, x1)
            on.line((start, height / 2, stop, height / 2), fill=255, width=max(4, pen * 2 // 3))
            on.line((width / 2, start, width / 2, stop), fill=255, width=max(4, pen * 2 // 3))

    mask = _drawn(grey, draw)
    return bytes_of(np.minimum(colour(grey), 1 - mask[..., None] * (1 - np.array(ink))))


def box(grey: Grey, rng: Rng) -> Picture:
    grey = _around(grey, rng.uniform(0.05, 0.15), rng)
    inset, thick = rng.uniform(0, 0.05), rng.uniform(0.04, 0.09)

    def draw(on: ImageDraw.ImageDraw, width: int, height: int) -> None:
        place = (inset * width, inset * height, (1 - inset) * width, (1 - inset) * height)
        on.rectangle(place, outline=255, width=round(thick * width))

    return bytes_of(np.minimum(grey, 1 - 0.95 * _drawn(grey, draw)))


def rules(grey: Grey, rng: Rng) -> Picture:
    """Draw rules from edge to edge, on the left and right, or above and below."""
    pad, thick = rng.uniform(0.05, 0.12), rng.uniform(0.04, 0.08)
    grey = _around(grey, pad, rng)
    insets = rng.uniform(0, 0.03, 2)
    across = rng.random() < 0.25

    def draw(on: ImageDraw.ImageDraw, width: int, height: int) -> None:
        for inset in (insets[0], 1 - insets[1] - thick):
            place = (inset * width, -9, (inset + thick) * width, height + 9)
            on.rectangle((place[1], place[0], place[3], place[2]) if across else place, fill=255)

    return bytes_of(np.minimum(grey, 1 - 0.95 * _drawn(grey, draw)))


def turned(grey: Grey, rng: Rng) -> Picture:
    angle = 10 * rng.choice([-1, 1])
    picture = Image.fromarray(bytes_of(_around(grey, 0.1, rng)))
    return np.asarray(picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255))


def small(grey: Grey, rng: Rng) -> Picture:
    return np.asarray(Image.fromarray(bytes_of(grey)).resize((12, 12), Image.Resampling.LANCZOS))


def blurred(grey: Grey, rng: Rng) -> Picture:
    radius = 0.04 * max(grey.shape)
    return np.asarray(Image.fromarray(bytes_of(grey)).filter(ImageFilter.GaussianBlur(radius)))


def inverted(grey: Grey, rng: Rng) -> Picture:
    return bytes_of(1 - grey * rng.uniform(0.7, 1))


def inverted_falling(grey: Grey, rng: Rng) -> Picture:
    return bytes_of((1 - 0.9 * grey) * (1 - 0.4 * plane(grey, rng)))


def half(grey: Grey, rng: Rng) -> Picture:
    """Cut a picture through the middle of the ink, and return one of the halves."""
    ink = 1 - grey
    across = bool(rng.random() < 0.5)
    profile = np.cumsum(ink.sum(axis=0 if across else 1))
    middle = int(np.searchsorted(profile, profile[-1] / 2))
    part = slice(None, middle) if rng.random() < 0.5 else slice(middle, None)
    return bytes_of(grey[:, part] if across else grey[part])


def two(grey: Grey, rng: Rng, other: Grey) -> Picture:
    if rng.random() < 0.25:
        return bytes_of(np.concatenate([grey, other], axis=1))
    return bytes_of(np.concatenate([grey, other], axis=0))


def _noise(shape: tuple[int, int], waves: int, rng: Rng) -> NDArray[np.float64]:
    coarse = Image.fromarray(rng.normal(0, 1, (waves, waves)).astype(np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), float)


def yellowed(grey: Grey, rng: Rng) -> Picture:
    """Give a picture old paper: yellow to brown, mottled, with the grain of fibres."""
    paper = np.array([rng.uniform(0.7, 0.9), rng.uniform(0.6, 0.75), rng.uniform(0.4, 0.55)])
    texture = 1 + 0.05 * _noise(grey.shape, 5, rng) + 0.04 * _noise(grey.shape, 24, rng)
    texture = texture + 0.02 * rng.normal(0, 1, grey.shape)
    return bytes_of((0.1 + 0.9 * colour(grey)) * paper * texture[..., None])


def bleeding(grey: Grey, rng: Rng, other: Grey) -> Picture:
    """Let the back of the leaf shine through: another character, mirrored, blurred and pale."""
    back = Image.fromarray(bytes_of(other[:, ::-1])).resize(grey.shape[::-1])
    back = back.filter(ImageFilter.GaussianBlur(0.015 * max(grey.shape)))
    shift = tuple(int(s) for s in rng.integers(-grey.shape[0] // 4, grey.shape[0] // 4 + 1, 2))
    pale = 1 - rng.uniform(0.25, 0.4) * (1 - np.roll(np.asarray(back) / 255, shift, (0, 1)))
    return bytes_of(0.92 * grey * pale)


def compressed(grey: Grey, rng: Rng) -> Picture:
    return bytes_of(colour(grey))


def rubric(grey: Grey, rng: Rng) -> Picture:
    """Colour all ink red."""
    ink = np.array([rng.uniform(0.6, 0.85), rng.uniform(0.1, 0.25), rng.uniform(0.1, 0.25)])
    paper = np.array([0.95, 0.92, rng.uniform(0.8, 0.9)])
    return bytes_of(ink + colour(grey) * (paper - ink))


def plain(grey: Grey, rng: Rng) -> Picture:
    return bytes_of(grey)


def blank(grey: Grey, rng: Rng) -> Picture:
    """Return paper without ink, even or uneven, with the noise of a camera."""
    return bytes_of(0.9 * (1 - rng.choice([0, 0.3]) * plane(grey, rng)) + 0.01 * rng.normal(0, 1, grey.shape))


CONDITIONS: dict[str, Callable[..., Picture]] = {
    "plain": plain,
    "brightness falling to 0.6": falling,
    "hard shadow": shadow,
    "red seal, outline": seal_outline,
    "red seal, filled": seal_filled,
    "practice grid": grid,
    "thick black box": box,
    "thick rules at both sides": rules,
    "turned by 10 degrees": turned,
    "12 px tall": small,
    "strong blur": blurred,
    "inverted": inverted,
    "inverted, brightness falling": inverted_falling,
    "yellowed paper": yellowed,
    "bleed-through": bleeding,
    "JPEG, quality 20": compressed,
    "rubric": rubric,
    "blank": blank,
    "half a character": half,
    "two characters": two,
}
OTHERS = ("bleed-through", "two characters")
NAMELESS = ("blank", "half a character", "two characters")
"""Conditions that have no right answer; for them, the share of answers with a probability above `CONFIDENT` counts."""


class Namer:
    """Namer of pictures, which uses the index of characters that ships."""

    def __init__(self) -> None:
        self.index = open_index(None)
        self.model = model_of(self.index, None)
        self.searcher = Searcher(self.index, self.index.distance, True, self.model)
        fitted = calibration_of(self.index, Way(self.index.distance))
        assert fitted is not None
        self.judge = Judge(fitted, self.index.distance, False)

    def __call__(self, paths: list[Path]) -> list[tuple[list[str], float]]:
        """Return each picture's five nearest labels and the first one's probability; no labels if it is refused."""
        found: list[tuple[list[str], float]] = []
        for found_now in embedded([Item(path.name, path) for path in paths], self.model, 0, False):
            vectors, failures, batch = found_now.vectors, found_now.failures, found_now.items
            read = found_now.read()
            answers = self.searcher.answers(vectors, wanted_rows(self.searcher))
            for item in batch:
                if item in failures:
                    found.append(([], 0.0))
                    continue
                numbers, distances = next(answers)
                rows = [self.index.rows[number] for number in numbers]
                found.append(
                    (
                        [row.label for row in rows[:5]],
                        self.judge(rows, energies_of(distances, self.index.distance), sure=next(read).sure)[0][0],
                    )
                )
        return found


def crops_of(patches: Path, folder: Path, count: int) -> tuple[list[Grey], list[str]]:
    """Return characters and their labels; they are cut out of patches with the paper around them and enlarged."""
    pictures = read_imageset(folder).pictures
    rng = np.random.default_rng(15)
    chosen = [pictures[place] for place in rng.permutation(len(pictures))[:count].tolist()]
    crops = []
    for row in chosen:
        with Image.open(patches / row.source.partition("#")[0]) as image:
            patch = Image.fromarray(np.pad(np.asarray(image.convert("L")), AROUND, mode="edge"))
        x0, y0, x1, y1 = (int(number) + AROUND for number in row.box.split())
        reach = max(x1 - x0, y1 - y0) * (0.5 + rng.uniform(0.05, 0.15))
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        side = round(2 * reach * rng.uniform(1.5, 4))
        box = (x - reach, y - reach, x + reach, y + reach)
        crop = patch.transform((side, side), Image.Transform.EXTENT, box, Image.Resampling.BICUBIC)
        crops.append(np.asarray(crop) / 255)
    return crops, [row.label for row in chosen]


def spoilt(name: str, crops: list[Grey], folder: Path) -> list[Path]:
    """Apply a condition to the crops and save them; return their files."""
    make, paths = CONDITIONS[name], []
    for place, crop in enumerate(crops):
        rng = np.random.default_rng([15, place])
        picture = make(crop, rng, *([_fitting(crops, place)] if name in OTHERS else []))
        jpeg = name.startswith("JPEG")
        paths.append(folder / f"{place:04d}.{'jpg' if jpeg else 'png'}")
        Image.fromarray(picture).save(paths[-1], **({"quality": 20} if jpeg else {}))
    return paths


def _fitting(crops: list[Grey], place: int) -> Grey:
    """Return the next crop, resized to the size of the crop at `place`."""
    other = Image.fromarray(bytes_of(crops[(place + 1) % len(crops)]))
    return np.asarray(other.resize(crops[place].shape[::-1], Image.Resampling.BICUBIC)) / 255


def contact_sheet(paths: list[Path], right: list[bool], to: Path) -> None:
    """Draw each picture above its prepared picture; the pictures in green have the right name."""
    side, wide = 96, 20
    rows = -(-len(paths) // wide)
    page = Image.new("RGB", (wide * (side + 4), rows * (2 * side + 12)), "white")
    for place, path in enumerate(paths):
        x, y = place % wide * (side + 4), place // wide * (2 * side + 12)
        page.paste("green" if right[place] else "red", (x, y, x + side + 4, y + 2 * side + 8))
        with Image.open(path) as image:
            image.thumbnail((side, side))
            page.paste(image.convert("RGB"), (x + 2, y + 2))
        page.paste(
            Image.fromarray(bytes_of(1 - prepare(load_picture(path), side))).resize((side, side)), (x + 2, y + side + 4)
        )
    page.save(to)


def main() -> None:
    """Publish top-1 and top-5 of each condition."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("patches", type=Path, help="the folder of NomNaOCR's books")
    parser.add_argument("crops", type=Path, help="image set of prints that the model has not learnt from")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--only", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS))
    parser.add_argument("--sheet", type=Path, help="folder for a contact sheet of each condition's first 60 pictures")
    result_option(parser)
    given = parser.parse_args()
    namer = Namer()
    crops, labels = crops_of(given.patches, given.crops, given.count)
    rows = []
    for name in given.only:
        with tempfile.TemporaryDirectory() as folder:
            paths = spoilt(name, crops, Path(folder))
            found = namer(paths)
            first = [names[:1] == [label] for (names, _), label in zip(found, labels, strict=True)]
            five = [label in names for (names, _), label in zip(found, labels, strict=True)]
            sure = np.array([probability > CONFIDENT for _, probability in found])
            wrong = sure if name in NAMELESS else sure & ~np.array(first)
            figures = (None, None) if name in NAMELESS else (float(np.mean(first)), float(np.mean(five)))
            rows.append((name, *figures, float(wrong.mean())))
            print(name, file=sys.stderr, flush=True)
            if given.sheet:
                given.sheet.mkdir(parents=True, exist_ok=True)
                file = given.sheet / f"{name.replace(' ', '-').replace(',', '')}.png"
                contact_sheet(paths[:60], first, file)
    publish(
        given.result,
        "Shadows, uneven light, seals, grids, rules and blur change little of what is named.",
        [Column("condition"), *(Column(name, ".3f") for name in ("top-1", "top-5", f"wrong with p > {CONFIDENT}"))],
        rows,
        notes=f"{len(crops)} prints of {len(set(labels))} characters that the model has not learnt, with the paper "
        "around them, enlarged 1.5 to 4 times; each condition is applied to all of them. Where there is no right "
        "answer, every confident one counts as wrong. The standard error of a difference of top-1 is about 0.02.",
    )


if __name__ == "__main__":
    main()
