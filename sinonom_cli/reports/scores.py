"""Write the table of `--scores`: a line for each query, so that failures can be sorted, counted and inspected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.search.results import Answer, AnswerWriter, file_of
from sinonom_cli.storage.atomic import write_bytes
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.single_files import holds, refuse_foreign
from sinonom_cli.storage.tables import csv_line

if TYPE_CHECKING:
    from sinonom_cli.search.relevance import Wanted

SCORE_COLUMNS = (
    "query", "kind", "wanted", "rank", "reciprocal_rank",
    "first", "first_label", "first_char", "first_distance", "right", "right_distance", "failure",
)  # fmt: skip
"""Columns of the table.

`first` is the file of the first answer; if `rank` is not 1, the query was confused with it. `right` is the nearest
relevant answer; it is empty, and the rank is 0, if no examined answer is relevant or the query was rejected.
"""


class Scores(AnswerWriter):
    """Table of scores, which is written to `path` when it is closed.

    Raises
    ------
    SinonomError
        With exit code 5, if `path` is a file that is not a table of scores.
    """

    def __init__(self, path: Path) -> None:
        refuse_foreign(path, "--scores", "table of scores", holds(",".join(SCORE_COLUMNS), at_once=True))
        self.path, self._lines = path, [csv_line(SCORE_COLUMNS)]

    def answer(self, answer: Answer) -> None:
        """Add a line for a query that the truth contains."""
        if answer.wanted is None:
            return
        rank, place = answer.rank, answer.right
        first = ["", "", "", ""]
        if answer.rows:
            row = answer.rows[0]
            first = [file_of(row), row.label, row.char, f"{answer.distances[0]:.6f}"]
        right = ["", ""]
        if rank and place is not None:
            right = [file_of(answer.rows[place]), f"{answer.distances[place]:.6f}"]
        self._write(answer.item, answer.wanted, rank, *first, *right, answer.nothing)

    def unread(self, item: Item, wanted: Wanted | None, reason: str) -> None:
        """Add a line with rank 0 for a picture that could not be read."""
        if wanted is not None:
            self._write(item, wanted, 0, *[""] * 6, reason)

    def _write(self, item: Item, wanted: Wanted, rank: int, *rest: str) -> None:
        names = ",".join(sorted(wanted.names))
        shown = f"{1 / rank:.6f}" if rank else "0"
        self._lines.append(csv_line([item.key, wanted.kind, names, str(rank), shown, *rest]))

    def close(self) -> None:
        """Write the table."""
        write_bytes(self.path, "".join(self._lines).encode("utf-8", "surrogateescape"))
