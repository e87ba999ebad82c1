"""How well corrections of a page are told from those of another page under the same name.

    python benchmarks/corrections.py PAGE PAGE...

Each page is read, and again after it was saved as a poor JPEG. All of its characters count as accepted. The script
prints the share of them that a reading finds again among its names (`layout/given_corrections.py`): for the saved page,
and for each other page, at whose boxes they are looked for as they are.
"""

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from sinonom_cli import api
from sinonom_cli.api.reading import Page
from sinonom_cli.layout.corrections import Correction, Spot
from sinonom_cli.layout.given_corrections import seen_again

QUALITY = 40


def accepted(page: Page) -> list[Correction]:
    """Return the corrections of somebody who accepts every character of a page."""
    spots = [Spot(box=one.box, char=one.names[0].char) for one in page.characters if one.names]
    return [
        Correction(id=number, when="", who="", page="", action="accept", was=(spot,), now=(spot,))
        for number, spot in enumerate(spots)
    ]


def share(corrections: list[Correction], page: Page) -> float:
    """Return the share of accepted characters that a page shows again."""
    names = [{name.char for name in one.sight} for one in page.characters]
    return float(np.mean(seen_again(corrections, [one.box for one in page.characters], names)))


def again(path: Path) -> Page:
    """Read a page after it was saved as a poor JPEG."""
    content = io.BytesIO()
    Image.open(path).convert("L").save(content, "JPEG", quality=QUALITY)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "page.jpg"
        copy.write_bytes(content.getvalue())
        return api.read(copy)


def main(paths: list[Path]) -> None:
    """Print the shares of all pages."""
    pages = [api.read(path) for path in paths]
    others = []
    for path, page in zip(paths, pages, strict=True):
        made = accepted(page)
        apart = [share(made, other) for other in pages if other is not page]
        others += apart
        print(f"{path.name}: saved again {share(made, again(path)):.3f}, other pages {np.round(apart, 3).tolist()}")
    print(f"largest share of another page: {max(others):.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main([Path(name) for name in sys.argv[1:]])
