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
    "embed",
    "name",
    "open_index",
    "render",
]
_ERRORS = ("BadInput", "MissingExtra", "OutputInTheWay", "SinonomError", "SomeFailed", "UsageError")


class _Render(ModuleType):
    """The package `sinonom_cli.render`, which can also be called: a function of the interface has its name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return import_module("sinonom_cli.api").render(*arguments, **options)


class _Sinonom(ModuleType):
    """This package; the import system sets its subpackages as attributes."""

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute == "render" and isinstance(value, ModuleType):
            value.__class__ = _Render
        super().__setattr__(attribute, value)


def __getattr__(attribute: str) -> Any:
    if attribute == "render":
        return import_module("sinonom_cli.render")
    if attribute not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    return getattr(import_module("sinonom_cli.errors" if attribute in _ERRORS else "sinonom_cli.api"), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


sys.modules[__name__].__class__ = _Sinonom
find_a_place()
