"""sinonom: from a picture of a Hán-Nôm character to the scanned woodblocks that show it.

As a library: `import sinonom_cli as sinonom`; see `sinonom_cli.api`. What is listed in `__all__` is public, and is
loaded when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sinonom_cli.numba_cache import find_a_place

if TYPE_CHECKING:
    from sinonom_cli.api import Answer, Index, Match, Rendering, embed, name, open_index, render
    from sinonom_cli.commands.call import command, train
    from sinonom_cli.errors import BadInput, MissingExtra, OutputInTheWay, SinonomError, SomeFailed, UsageError

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "BadInput",
    "Index",
    "Match",
    "MissingExtra",
    "OutputInTheWay",
    "Rendering",
    "SinonomError",
    "SomeFailed",
    "UsageError",
    "command",
    "embed",
    "name",
    "open_index",
    "render",
    "train",
]
_PLACES = {
    **dict.fromkeys(("Answer", "Index", "Match", "Rendering", "embed", "name", "open_index", "render"), "api"),
    **dict.fromkeys(("command", "train"), "commands.call"),
}
"""Where what is public is; errors are in `errors`."""
_BOTH = ("render", "train")
"""Functions of the interface that have the name of a package."""


class _Package(ModuleType):
    """A package that can also be called, as a function of the interface has its name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)(*arguments, **options)


class _Sinonom(ModuleType):
    """This package; the import system sets its subpackages as attributes."""

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
