"""Draw the contact sheet of a query; each row shows one query and the pictures of its answers."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from PIL import Image, ImageDraw

from sinonom_cli.reports.contact_sheet import (
    FAINT,
    INK,
    fitted,
    paste,
    refuse_other_than_sheet,
    sheet_font,
    write_sheet,
)
from sinonom_cli.search.index import Index
from sinonom_cli.search.results import Answer, AnswerWriter

SIDE, FRAME, CAPTION, GAP = 112, 4, 30, 6
CELL = SIDE + 2 * FRAME
STEP_X, STEP_Y = CELL + GAP, CELL + CAPTION + GAP
ROWS = 40
"""Rows of a page, which is then about 6,000 pixels high; further rows go to `OUT-2.png`, `OUT-3.png`, ..."""
RIGHT, WRONG, QUERY = (30, 150, 60), (215, 215, 215), (60, 90, 170)


class Sheet(AnswerWriter):
    """Contact sheet that draws answers, page by page.

    Parameters
    ----------
    path : path of the first page; it ends in `.png`.
    index : index whose pictures are shown; where a picture no longer exists, its label is drawn in grey.
    top : number of answers in a row.

    Raises
    ------
    SinonomError
        With exit code 5, if `path` is a file that is not a sheet of sinonom; with 2, if `path` does not end in `.png`.
    """

    def __init__(self, path: Path, index: Index, top: int) -> None:
        self.path, self.index, self.top, self.pages = path, index, top, 0
        self.waiting: list[Answer] = []
        self.font = sheet_font()
        refuse_other_than_sheet(path)

    def answer(self, answer: Answer) -> None:
        """Add the answer of one query to the sheet."""
        self.waiting.append(answer)
        if len(self.waiting) == ROWS:
            self._write()

    def close(self) -> None:
        """Write the last page."""
        if self.waiting or not self.pages:
            self._write()

    def _write(self) -> None:
        self.pages += 1
        page = self.path.with_stem(f"{self.path.stem}-{self.pages}") if self.pages > 1 else self.path
        write_sheet(page, self._draw(self.waiting))
        self.waiting = []

    def _draw(self, answers: list[Answer]) -> Image.Image:
        """Draw a page with 1 + top cells in each row and a row for each answer, with gaps of GAP pixels."""
        size = (GAP + (1 + self.top) * STEP_X, GAP + len(answers) * STEP_Y)
        page = Image.new("RGB", size, "white")
        draw = ImageDraw.Draw(page)
        for line, answer in enumerate(answers):
            y = GAP + line * STEP_Y
            outcome = "" if answer.wanted is None else f"rank {answer.rank}" if answer.rank else "not found"
            outcome = answer.nothing or outcome
            self._cell(page, draw, (GAP, y), answer.item.path, QUERY, answer.item.path.name, outcome)
            for place, row in enumerate([] if answer.rejected else answer.rows[: self.top]):
                frame = RIGHT if answer.relevant and answer.relevant[place] else WRONG
                name = PurePosixPath(row.source or row.item).name
                at = (GAP + (1 + place) * STEP_X, y)
                label = f"{row.label} " if row.label and row.label not in name else ""
                told = f"{label}{answer.told(place)}"
                self._cell(page, draw, at, self.index.picture(row), frame, name, told, row.label)
        return page

    def _cell(
        self,
        page: Image.Image,
        draw: ImageDraw.ImageDraw,
        at: tuple[int, int],
        picture: Path,
        frame: tuple[int, int, int],
        name: str,
        below: str,
        instead: str = "",
    ) -> None:
        x, y = at
        draw.rectangle((x, y, x + CELL - 1, y + CELL - 1), fill=frame)
        draw.rectangle((x + FRAME, y + FRAME, x + FRAME + SIDE - 1, y + FRAME + SIDE - 1), fill="white")
        paste(page, picture, (x + FRAME, y + FRAME), SIDE, self.font, instead)
        draw.text((x + 2, y + CELL + 1), fitted(name, self.font, CELL), fill=INK, font=self.font)
        draw.text((x + 2, y + CELL + 14), fitted(below, self.font, CELL), fill=FAINT, font=self.font)
