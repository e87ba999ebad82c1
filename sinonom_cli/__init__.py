"""sinonom finds the scanned woodblocks that show a Hán-Nôm character, from a picture of it.

To use it as a library, write `import sinonom_cli as sinonom`; see `sinonom_cli.api`. The names in `__all__` are public;
each is loaded when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sinonom_cli.numba_cache import find_a_place

if TYPE_CHECKING:
    from sinonom_cli.api import (
        Answer,
        Block,
        CarvedCharacter,
        Index,
        Match,
        Page,
        Rendering,
        cut,
        embed,
        name,
        open_index,
        read,
        render,
    )
    from sinonom_cli.commands.call import command, train
    from sinonom_cli.errors import BadInput, MissingExtra, OutputInTheWay, SinonomError, SomeFailed, UsageError

__version__ = "0.2.0"
__all__ = [
    "Answer",
    "BadInput",
    "Block",
    "CarvedCharacter",
    "Index",
    "Match",
    "MissingExtra",
    "OutputInTheWay",
    "Page",
    "Rendering",
    "SinonomError",
    "SomeFailed",
    "UsageError",
    "command",
    "cut",
    "embed",
    "name",
    "open_index",
    "read",
    "render",
    "train",
]
_PLACES = {
    **dict.fromkeys(
        (
            "Answer",
            "Block",
            "CarvedCharacter",
            "Index",
            "Match",
            "Page",
            "Rendering",
            "cut",
            "embed",
            "name",
            "open_index",
            "read",
            "render",
        ),
        "api",
    ),
    **dict.fromkeys(("command", "train"), "commands.call"),
}
"""Module of each public name; names that are not listed here are in `errors`."""
_BOTH = ("render", "train")
"""Public functions that have the same name as a package."""


class _Package(ModuleType):
    """Package that can also be called, because a public function has the same name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)(*arguments, **options)


class _Sinonom(ModuleType):
    """Class of this package; the packages in `_BOTH` become callable when the import system sets them as attributes."""

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute in _BOTH and isinstance(value, ModuleType):
            value.__class__ = _Package
        super().__setattr__(attribute, value)


def __getattr__(attribute: str) -> Any:
    if attribute not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    if attribute in _BOTH:
        return import_module(f"{__name__}.{attribute}")
    return getattr(import_module(f"{__name__}.{_PLACES.get(attribute, 'errors')}"), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


sys.modules[__name__].__class__ = _Sinonom
find_a_place()
