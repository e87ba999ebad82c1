"""How reliefs are carved: every amount, with the range that it is drawn from."""

from dataclasses import dataclass, fields
from typing import Any

from sinonom_cli.relief.physics import Relief, Span


@dataclass(frozen=True, kw_only=True)
class Carving:
    """Ranges; lengths are in plate widths.

    Attributes
    ----------
    resolution : vertices along the side of the plate.
    relief : how its surface may look.
    tilt : of the plate, degrees, to any side.
    bend : rise of the plate from its middle to its edge, up or down.
    neighbours : on how many of the four sides a part of another character comes in; whole numbers.
    intrusion : how far its ink comes in.
    shift : of the character out of the plate's middle, to any side.
    stretch : of its width and of its height, each for itself.
    turn : of the plate in its own plane, degrees.
    swell : by how much the edges of its strokes move outwards.
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
        """All amounts by the names of their options, as JSON types."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "relief"}
        amounts = {**own, **vars(self.relief)}
        return {name: str(amount) if isinstance(amount, Span) else amount for name, amount in amounts.items()}
