"""Define the options of every command that works through a batch; `@batch_command` adds them to a command."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any

from sinonom_cli.options import Engine, FailFast, Json, Limit, MaxFailures, Overwrite, Quiet, Verbose, Workers

BATCH = ("workers", "engine", "overwrite", "fail_fast", "max_failures")
"""Options that a command receives together, as `batch`."""


def _shared(
    workers: Workers = None,
    engine: Engine = "processes",
    limit: Limit = None,
    overwrite: Overwrite = False,
    fail_fast: FailFast = False,
    max_failures: MaxFailures = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Declare the options, in the order of the help."""


def batch_command(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a batch to a command, after its own.

    Parameters
    ----------
    command : function of a command. Its ordinary parameters are its own options. Its keyword-only parameters are what
        it needs of the batch: `batch` (a `BatchOptions`), `json`, and `limit` unless that is an ordinary parameter,
        which keeps its place in the help.

    Returns
    -------
    The function for Typer, with all options in its signature.
    """
    own = signature(command).parameters
    ordinary = [each for each in own.values() if each.kind is not Parameter.KEYWORD_ONLY]
    named = {each.name for each in ordinary}
    shared = [each for name, each in signature(_shared).parameters.items() if name not in named]

    @wraps(command)
    def called(**given: Any) -> None:
        from sinonom_cli.parallel.batch import BatchOptions

        batch = BatchOptions(**{name: given[name] for name in BATCH})
        given |= {"batch": batch}
        command(**{name: given[name] for name in own})

    declared = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in (*ordinary, *shared)]
    vars(called)["__signature__"] = signature(command).replace(parameters=declared)
    called.__annotations__ = {each.name: each.annotation for each in declared}
    return called
