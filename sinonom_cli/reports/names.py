"""Show the characters that a picture may show, with their readings and meanings, in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinonom_cli.characters import reading
from sinonom_cli.search.results import Answer, percent
from sinonom_cli.search.rows import Row

if TYPE_CHECKING:
    from rich.table import Table

FACTS = ("vietnamese", "mandarin", "definition")
"""Facts that are shown with a character; "" where Unihan does not have the fact."""


def facts_of(row: Row) -> dict[str, str]:
    """Return `FACTS` of the character that a row stands for."""
    return dict(zip(FACTS, reading(row.char), strict=True))


def named(answer: Answer, top: int) -> Table:
    """Return a table of the characters that a picture may show; long readings and definitions are cut off."""
    from rich.table import Table
    from rich.text import Text

    # There are no lines between cells: on a terminal of 80 columns, the definition needs their place.
    table = Table(title=Text(answer.item.path.name), title_justify="left", title_style="bold", box=None)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", min_width=2, no_wrap=True)
    table.add_column("", no_wrap=True)
    for fact in FACTS:
        table.add_column(fact.capitalize(), min_width=8)
    table.add_column("distance", justify="right", no_wrap=True)
    if answer.probabilities:
        table.add_column("probability", justify="right", no_wrap=True)
    if answer.nothing:
        far = f"{answer.distances[0]:.4g}" if answer.distances else ""
        table.add_row("", "", "", "", "", Text(answer.nothing, "dim"), far)
        return table
    for place, row in enumerate(answer.rows[:top]):
        style = "bold green" if answer.relevant and answer.relevant[place] else ""
        facts = [Text(fact, no_wrap=True, overflow="ellipsis") for fact in facts_of(row).values()]
        sure = [percent(answer.probabilities[place])] if answer.probabilities else []
        distance = f"{round(answer.distances[place], 6):.4g}"
        table.add_row(str(place + 1), Text(row.char, style), Text(row.label, style), *facts, distance, *sure)
    return table
