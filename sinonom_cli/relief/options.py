"""Define the amounts by which reliefs are carved, each with the range that it is drawn from."""

from dataclasses import dataclass, fields
from typing import Any

from sinonom_cli.relief.physics import Relief, Span


@dataclass(frozen=True, kw_only=True)
class Carving:
    """Ranges of all carving amounts; lengths are in plate widths.

    Attributes
    ----------
    resolution : number of vertices along the side of the plate.
    relief : ranges of the amounts of the relief's surface.
    tilt : tilt of the plate, in degrees, in any direction.
    bend : rise of the plate from its middle to its edge, up or down.
    neighbours : number of sides, 0 to 4, on which a part of another character intrudes.
    intrusion : how far the ink of a neighbour reaches into the plate.
    shift : distance of the character from the plate's middle, in any direction.
    stretch : scale factor of the character's width and of its height, drawn separately.
    turn : rotation of the plate in its own plane, in degrees.
    swell : distance by which the edges of strokes move outwards.
    mirror : whether the relief is the mirror image of the picture, as a block is of its print.
    """

    resolution: int = 128
    relief: Relief = Relief()
    tilt: Span = Span(0, 8)
    bend: Span = Span(0, 0.03)
    neighbours: Span = Span(0, 4)
    intrusion: Span = Span(0.04, 0.12)
    shift: Span = Span(0, 0.04)
    stretch: Span = Span(0.95, 1.05)
    turn: Span = Span(-3, 3)
    swell: Span = Span(-0.006, 0.006)
    mirror: bool = False

    def options(self) -> dict[str, Any]:
        """Return all amounts by the names of their options, as JSON types."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "relief"}
        amounts = {**own, **vars(self.relief)}
        return {name: str(amount) if isinstance(amount, Span) else amount for name, amount in amounts.items()}
