"""Compare the pictures of `synth-fonts --degrade` with real prints: greys, edges and ink, side by side.

Real characters are cut, unmasked, out of NomNaOCR's patches where `crop-nomnaocr` found them, and scaled to the frame
of font pictures.

Run: `python benchmarks/prints.py PATCHES CROPS FONT...` (PATCHES: the folder of NomNaOCR's books; CROPS: a set that
`crop-nomnaocr` made of it).
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from sinonom_cli.cli import run  # noqa: E402
from sinonom_cli.fonts.charset import charset_asked  # noqa: E402
from sinonom_cli.fonts.draw import MARGIN  # noqa: E402
from sinonom_cli.storage.image_set import read_imageset  # noqa: E402

SIDE, PICTURES, CHARACTERS = 64, 400, 300
KINDS = {"prose": "DVSKTT", "verse": "Tale of Kieu"}

Picture = NDArray[np.uint8]


def real(patches: Path, crops: Path, book: str) -> list[Picture]:
    """Return characters of one kind of book, cut out of their patches with their surroundings."""
    rows = [picture for picture in read_imageset(crops).pictures if picture.source.startswith(book)]
    found = []
    for row in random.Random(5).sample(rows, min(PICTURES, len(rows))):
        with Image.open(patches / row.source.partition("#")[0]) as patch:
            around = Image.fromarray(np.pad(np.asarray(patch.convert("L")), 40, mode="edge"))
        x0, y0, x1, y1 = (int(number) + 40 for number in row.box.split())
        half, x, y = max(x1 - x0, y1 - y0) / (1 - 2 * MARGIN) / 2, (x0 + x1) / 2, (y0 + y1) / 2
        box = (x - half, y - half, x + half, y + half)
        found.append(np.asarray(around.transform((SIDE, SIDE), Image.Transform.EXTENT, box, Image.Resampling.BICUBIC)))
    return found


def drawn(fonts: list[str], out: Path, amount: float) -> list[Picture]:
    """Return the commonest characters drawn with the fonts, degraded by this amount."""
    charset = charset_asked("nomnaocr", "", [])
    assert charset is not None
    options = ["--strokes", "0", "--degrade", str(amount), "--size", str(SIDE), "-q", "--output", str(out)]
    if run(["synth-fonts", *fonts, *options, "--chars", "".join(charset.chars[:CHARACTERS])]):
        sys.exit("synth-fonts failed")
    rows = read_imageset(out).pictures
    chosen = random.Random(5).sample(rows, min(PICTURES, len(rows)))
    return [np.asarray(Image.open(out / row.file_name)) for row in chosen]


def ink(picture: Picture) -> float:
    """Return the 3rd percentile of the grey values, which is the grey of the ink."""
    return float(np.percentile(picture, 3))


def paper(picture: Picture) -> float:
    """Return the 90th percentile of the grey values, which is the grey of the paper."""
    return float(np.percentile(picture, 90))


def edges(picture: Picture) -> float:
    """Return the 99th percentile of the steepness of edges: the share of the contrast within one pixel."""
    steps = np.abs(np.diff(picture.astype(float), axis=1))
    return float(np.percentile(steps, 99) / (paper(picture) - ink(picture) + 1))


def share(picture: Picture) -> float:
    """Return the share of pixels darker than the middle between ink and paper."""
    return float((picture < (paper(picture) + ink(picture)) / 2).mean())


def middle_half(pictures: Iterable[Picture], measure: Callable[[Picture], float]) -> str:
    """Return the range of the middle half of the pictures (25th to 75th percentile), as text."""
    low, high = np.percentile([measure(picture) for picture in pictures], [25, 75])
    return f"{low:.0f} to {high:.0f}" if high > 2 else f"{low:.2f} to {high:.2f}"


def main(patches: Path, crops: Path, fonts: list[str]) -> None:
    """Print the middle half of each measure, by kind of picture."""
    kinds = {name: real(patches, crops, book) for name, book in KINDS.items()}
    with tempfile.TemporaryDirectory() as folder:
        for amount in (0.0, 0.6, 1.0):
            kinds[f"--degrade {amount:g}"] = drawn(fonts, Path(folder, str(amount)), amount)
    print("\t".join(("", *kinds)))
    for measure in (ink, paper, edges, share):
        print("\t".join((measure.__name__, *(middle_half(pictures, measure) for pictures in kinds.values()))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("patches", type=Path, help="NomNaOCR's column patches")
    parser.add_argument("crops", type=Path, help="the image set that crop-nomnaocr made of them")
    parser.add_argument("fonts", nargs="+", help="font files")
    given = parser.parse_args()
    main(given.patches, given.crops, given.fonts)
