"""The option `--context` of `read` and `cut`."""

from typing import Annotated

import typer

Context = Annotated[bool, typer.Option("--context/--no-context", help="Judge names by look-alikes and neighbours too.")]
"""Whether names are also judged by their look-alikes on the page or block, and by their neighbours in the column."""
