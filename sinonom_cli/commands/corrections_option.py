"""The option `--corrections` of `read` and `cut`."""

from pathlib import Path
from typing import Annotated

import typer

Corrections = Annotated[
    list[Path] | None,
    typer.Option(
        "--corrections",
        metavar="FILE",
        help="What people corrected in sinonom serve: corrections.jsonl, or the folder that it is in; repeatable.",
    ),
]
"""Files of corrections; None: none."""
