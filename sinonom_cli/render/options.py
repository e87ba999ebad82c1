"""What `render` can be asked for."""

from enum import StrEnum

SMALLEST, LARGEST = 16, 4096
"""Range of the side of a picture, pixels."""


class Projection(StrEnum):
    """How a mesh is seen."""

    orthographic = "orthographic"
    perspective = "perspective"


class Tone(StrEnum):
    """How heights become grey values."""

    local = "local"
    report = "report"


class Deeper(StrEnum):
    """Which numbers of a height map are deep."""

    dark = "dark"
    light = "light"


class Level(StrEnum):
    """Whether tilt and bend are taken out."""

    auto = "auto"
    off = "off"
