"""Make the pictures of the documentation from what ships.

Usage: python docs/pictures.py [--out OUT] [reliefs] [fonts] [columns] [pages] [answers]
       (no name: all; OUT: where to put them, else beside this file)

All characters are drawn from the pictures that ship for the demo, of fonts under the SIL Open Font License.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from picture_answers import draw_answers
from picture_columns import draw_columns
from picture_fonts import draw_fonts
from picture_pages import draw_pages
from picture_reliefs import draw_reliefs

PICTURES: dict[str, Callable[[Path], None]] = {
    "reliefs": draw_reliefs,
    "fonts": draw_fonts,
    "columns": draw_columns,
    "pages": draw_pages,
    "answers": draw_answers,
}
"""What draws the pictures of each stage into a folder."""


def main() -> None:
    """Draw the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(PICTURES))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    for name in options.names:
        if name not in PICTURES:
            parser.error(f"{name} is none of {', '.join(PICTURES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or PICTURES:
        PICTURES[name](options.out)


if __name__ == "__main__":
    main()
