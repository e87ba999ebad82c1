"""`--scores`: a line for each query, so that what failed can be sorted, counted and looked at."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from sinonom_cli.artifacts.files import write_bytes
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.query.answer import NOTHING, Answer, Output, file_of
from sinonom_cli.query.truth import Wanted

COLUMNS = (
    "query", "kind", "wanted", "rank", "reciprocal_rank",
    "first", "first_label", "first_char", "first_distance", "right", "right_distance", "failure",
)  # fmt: skip
"""`first`: the file that was answered first; where `rank` is not 1, what the query was mistaken for. `right`: the
nearest relevant answer, and empty with rank 0 if none was among those looked at, or the query was rejected."""


class Scores(Output):
    """Writes `path`, whole when closed.

    Raises
    ------
    SinonomError
        With exit code 5, if a file is in the way that is no table of scores.
    """

    def __init__(self, path: Path) -> None:
        _refuse_foreign(path)
        self.path, self._text = path, io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def answer(self, answer: Answer) -> None:
        """Write a line for a query that the truth speaks of."""
        if answer.wanted is None:
            return
        rank, first = answer.rank, answer.rows[0]
        right = ("", "") if not rank else (file_of(answer.rows[rank - 1]), f"{answer.distances[rank - 1]:.6f}")
        self._writer.writerow(
            (
                answer.item.key, answer.wanted.kind, ",".join(sorted(answer.wanted.names)),
                rank, f"{1 / rank:.6f}" if rank else "0",
                file_of(first), first.label, first.char, f"{answer.distances[0]:.6f}", *right,
                NOTHING if answer.rejected else "",
            )
        )  # fmt: skip

    def unread(self, item: Item, wanted: Wanted | None, reason: str) -> None:
        """Write a line for a picture that could not be read: it found nothing."""
        if wanted is not None:
            names = ",".join(sorted(wanted.names))
            self._writer.writerow((item.key, wanted.kind, names, 0, "0", *[""] * 6, reason))

    def close(self) -> None:
        """Put the table in place."""
        write_bytes(self.path, self._text.getvalue().encode("utf-8", "surrogateescape"))


def _refuse_foreign(path: Path) -> None:
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            ours = file.readline(1000).decode("utf-8", "replace").strip().split(",") == list(COLUMNS)
    except OSError:
        ours = False
    if not ours:
        raise SinonomError(
            f"{path} is there and is no table of scores", "another file for --scores", ExitCode.OUTPUT_IN_THE_WAY
        )
