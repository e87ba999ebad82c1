"""Options of `sinonom carve` whose values are ranges."""

from typing import Any

import typer

from sinonom_cli.relief.physics import Span


def within(option: str, least: float, most: float, what: str, whole: bool = False, default: str | bool = True) -> Any:
    """Return an option whose value is LOW:HIGH or one number.

    Parameters
    ----------
    option : its name.
    least, most : limits of the numbers.
    what : its help.
    whole : whether the numbers must be whole.
    default : default that the help shows; True: the parameter's own.
    """

    def parse(typed: str | Span) -> Span:
        if isinstance(typed, Span):
            return typed
        try:
            numbers = [float(part) for part in typed.split(":")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 2):
            raise typer.BadParameter(f"{typed!r} is neither a number nor a range such as {least:g}:{most:g}")
        low, high = numbers[0], numbers[-1]
        if not least <= low <= most or not least <= high <= most:
            raise typer.BadParameter(f"{typed} is not within {least:g}:{most:g}")
        if low > high:
            raise typer.BadParameter(f"{typed} is in the wrong order; did you mean {high:g}:{low:g}?")
        if whole and not (low.is_integer() and high.is_integer()):
            raise typer.BadParameter(f"{typed} must be made of whole numbers, such as {least:g}:{most:g}")
        return Span(low, high)

    help_ = f"{what} Within {least:g}:{most:g}."
    return typer.Option(option, parser=parse, metavar="LOW:HIGH", show_default=default, help=help_)
