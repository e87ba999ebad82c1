"""Print the strips of `--pictures`: a query and its answers as pictures in the terminal, with their names below."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from sinonom_cli import console
from sinonom_cli.reports.answer_sheet import QUERY, RIGHT, WRONG
from sinonom_cli.reports.contact_sheet import paste, sheet_font
from sinonom_cli.reports.terminal_pictures import escaped
from sinonom_cli.reports.text import table_of
from sinonom_cli.search.index import Index
from sinonom_cli.search.results import Answer, AnswerWriter, Figures, name_of

SIDE, FRAME, GAP = 64, 3, 4
CELL = SIDE + 2 * FRAME


class Strips(AnswerWriter):
    """Output that prints a strip of pictures for each query.

    Parameters
    ----------
    index : index whose pictures are shown.
    top : number of answers in a strip.
    characters : True if the answers are characters, False if they are items.
    protocol : "kitty", "iterm" or "sixel".
    """

    def __init__(self, index: Index, top: int, characters: bool, protocol: str) -> None:
        self.index, self.top, self.characters, self.protocol = index, top, characters, protocol

    def answer(self, answer: Answer) -> None:
        """Print the strip of one query, and the names of its answers."""
        console.data(escaped(self.draw(answer), self.protocol))
        rows = [] if answer.rejected else answer.rows[: self.top]
        names = [f"{n + 1} {name_of(row, self.characters)} {answer.told(n)}" for n, row in enumerate(rows)]
        console.data(f"{answer.item.path.name}:  {'   '.join(names) or answer.nothing}\n")

    def figures(self, figures: Mapping[str, Figures]) -> None:
        """Print the figures as tab-separated lines."""
        for line in table_of(figures):
            console.data("\t".join(line))

    def draw(self, answer: Answer) -> Image.Image:
        """Draw a query and its answers side by side."""
        rows = [] if answer.rejected else answer.rows[: self.top]
        strip = Image.new("RGB", ((1 + len(rows)) * (CELL + GAP), CELL), "white")
        frames = [RIGHT if answer.relevant and answer.relevant[place] else WRONG for place in range(len(rows))]
        pictures: list[Path] = [answer.item.path, *(self.index.picture(row) for row in rows)]
        font = sheet_font()
        labels = ["", *(row.label for row in rows)]
        for place, (picture, frame) in enumerate(zip(pictures, [QUERY, *frames], strict=True)):
            x = place * (CELL + GAP)
            canvas = ImageDraw.Draw(strip)
            canvas.rectangle((x, 0, x + CELL - 1, CELL - 1), outline=frame, fill="white", width=FRAME)
            paste(strip, picture, (x + FRAME, FRAME), SIDE, font, labels[place])
        return strip
