"""Options of `render` and their ranges."""

from enum import StrEnum

SMALLEST, LARGEST = 16, 4096
"""Range of the side of a picture, pixels."""


class Projection(StrEnum):
    """Projections of a mesh onto the picture."""

    orthographic = "orthographic"
    perspective = "perspective"


class Tone(StrEnum):
    """Mappings from heights to grey values."""

    local = "local"
    report = "report"


class Deeper(StrEnum):
    """Values of a height map that are deep: small ones (dark) or large ones (light)."""

    dark = "dark"
    light = "light"


class Level(StrEnum):
    """Ways to treat tilt and bend: remove them (auto) or keep them (off)."""

    auto = "auto"
    off = "off"
