"""Results of searches from Python: the matches of a picture, which print well and show their pictures in a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from sinonom_cli.characters import Reading, reading


@dataclass(frozen=True, kw_only=True)
class Match:
    """Row of an index that is near to a picture.

    Attributes
    ----------
    rank : position among the answers, from 1.
    label, char : the character, as `U+5B57` and as itself; "" if unknown.
    item : path of the picture below its set's `images/`; source : file that it was made from, such as a mesh.
    distance : distance between the two embeddings, of the kind `Index.distance`.
    probability : probability that the label, or the source, is right, in [0, 1]; None: the index is not calibrated.
    picture : path at which the picture of the row should be.
    number : number of the row in the index, from 0.
    """

    rank: int
    label: str
    char: str
    item: str
    source: str
    distance: float
    probability: float | None
    picture: Path
    number: int

    @property
    def reading(self) -> Reading:
        """Readings in Vietnamese and Mandarin, and definition of the character; "" where Unihan has none."""
        return reading(self.char)

    def __str__(self) -> str:
        sure = "" if self.probability is None else f"  {self.probability:.0%}"
        return f"{self.rank}  {self.char or '-'}  {self.label or self.item}  {self.distance:.4g}{sure}  {self.source}"


@dataclass(frozen=True, kw_only=True)
class Answer(Sequence[Match]):
    """Answer of an index to one picture: its matches, nearest first.

    Attributes
    ----------
    query : path of the picture, or `picture 1`, `picture 2`, ... if it was given as an array or a Pillow picture.
    matches : at most `top` of them; none if the picture failed or was rejected.
    known : whether the picture shows something in the index; None: `reject` was False.
    failure : reason why the picture could not be used; "" if it could.
    record : what `sinonom query --json` prints for the picture; empty if it failed.
    """

    query: str
    matches: tuple[Match, ...] = field(repr=False)
    known: bool | None = None
    failure: str = ""
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @overload
    def __getitem__(self, place: int) -> Match: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Match, ...]: ...
    def __getitem__(self, place: int | slice) -> Match | tuple[Match, ...]:
        return self.matches[place]

    def __len__(self) -> int:
        return len(self.matches)

    @property
    def _nothing(self) -> str:
        from sinonom_cli.search.results import NONE, NOTHING

        return self.failure or (NOTHING if self.known is False else NONE)

    def __str__(self) -> str:
        return "\n".join([self.query, *(map(str, self.matches) if self.matches else [self._nothing])])

    def _repr_html_(self) -> str:
        from sinonom_cli.reports.html_thumbnails import inline_picture

        cells = []
        for match in self.matches:
            sure = "" if match.probability is None else f" {match.probability:.0%}"
            called = html.escape(f"{match.char} {match.label or match.item}")
            about = f"{called}<br><small>{match.distance:.4g}{sure}</small>"
            cells.append(f'<td style="text-align:center">{inline_picture(match.picture, match.char)}<br>{about}</td>')
        row = "".join(cells) or f"<td>{html.escape(self._nothing)}</td>"
        return f"<table><caption>{html.escape(self.query)}</caption><tr>{row}</tr></table>"
