"""The option `--context` of `read` and `cut`."""

from typing import Annotated

import typer

Context = Annotated[bool, typer.Option("--context/--no-context", help="Judge names by the characters around them too.")]
"""Whether names are also judged by their neighbours."""
