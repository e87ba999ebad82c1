"""Set options by environment variables: `SINONOM_<COMMAND>_<OPTION>`, one for each option of each command."""

import os
from copy import copy
from typing import Any

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode

ALSO = {("train", "cache"): "SINONOM_CACHE", ("serve", "cache"): "SINONOM_CACHE"}
"""Second variables of options, by command and option."""

_given: dict[str, str] = {}


def variable(command: str, option: str) -> str:
    """Return the name of the variable that sets an option, such as `SINONOM_CROP_NOMNAOCR_SIZE`."""
    return f"SINONOM_{command}_{option}".upper().replace("-", "_")


def name_variables(command: Any) -> None:
    """Let each option of a click command be set by its variable, which `--help` does not print.

    Several values of one option are separated as in `PATH`.
    """
    for option in _options(command):
        mine = variable(command.name, option.name)
        other = ALSO.get((command.name, option.name))
        option.envvar = [mine, other] if other else mine
        option.show_envvar = False
        if option.multiple:
            option.type = copy(option.type)  # click shares the type among options
            option.type.envvar_list_splitter = os.pathsep


def begin(context: Any) -> None:
    """Remember which options of the starting command were set by the environment."""
    _given.clear()
    for option in _options(context.command):
        source = context.get_parameter_source(option.name)
        if source is not None and source.name == "ENVIRONMENT":
            _given[option.name] = _read(option)


def sets(option: str) -> bool:
    """Return whether an option of the running command was set by the environment."""
    return option in _given


def blame(error: Exception, context: Any) -> None:
    """Add the variables that may have caused an error to its message.

    Parameters
    ----------
    error : error of click or of sinonom; changed in place. Any variable may have caused a usage error that names no
        option; otherwise, it is a variable whose option or value the error names.
    context : click context of the command; only some options may have been parsed.
    """
    message = getattr(error, "message", None)
    if not isinstance(message, str):
        return
    begin(context)
    if (about := getattr(error, "param", None)) is not None:
        variables = [name for option, name in _given.items() if option == about.name]
    else:
        variables = [_given[o.name] for o in _options(context.command) if o.name in _given and _is_named(o, message)]
        if not variables and getattr(error, "code", ExitCode.USAGE) == ExitCode.USAGE:
            variables = list(_given.values())
    if variables:
        error.message = f"{message} (set by {', '.join(variables)})"  # type: ignore[attr-defined]


def _is_named(option: Any, message: str) -> bool:
    """Return whether a message names an option, or its value if this is longer than 2 characters."""
    value = os.environ.get(_given[option.name], "")
    return bool(set(message.replace(",", " ").split()) & set(option.opts)) or (len(value) > 2 and value in message)


def warn_of_unread(command: Any, commands: list[str]) -> None:
    """Warn of variables that seem meant for this command but are not read, with one line for each.

    Parameters
    ----------
    command : click command that starts.
    commands : names of all commands; variables of another command may begin with the name of this one.
    """
    names = {option.name for option in _options(command)}
    read = {variable(command.name, name) for name in names}
    for name in sorted(names):
        old = f"SINONOM_{name}".upper()
        if os.environ.get(old) and old not in {"SINONOM_DATA", *ALSO.values()}:
            messages.warn(f"{old} is not read; the variable for {command.name} is {variable(command.name, name)}")
    mine = variable(command.name, "")
    longer = tuple(prefix for prefix in (variable(name, "") for name in commands) if len(prefix) > len(mine))
    for name in sorted(os.environ):
        if name.startswith(mine) and not name.startswith(longer) and name not in read:
            messages.warn(f"{name} is ignored: it matches no option of {command.name}")


def _options(command: Any) -> list[Any]:
    return [p for p in command.params if p.param_type_name == "option" and p.name and p.name != "help"]


def _read(option: Any) -> str:
    """Return the name of the variable from which an option was read."""
    names = [option.envvar] if isinstance(option.envvar, str) else option.envvar
    return next((name for name in names if os.environ.get(name)), names[0])
