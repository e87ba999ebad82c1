"""Define the amounts by which whole blocks are carved, each with the range that it is drawn from."""

from dataclasses import dataclass
from typing import Any

from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Span

SINGLE = ("bend", "neighbours", "intrusion", "shift", "stretch")
"""Amounts of a Carving that only single characters have."""


@dataclass(frozen=True, kw_only=True)
class BlockOptions:
    """Ranges of all amounts of a whole block.

    Attributes
    ----------
    carving : amounts that single characters have too: relief, tilt, turn, swell and mirror; `resolution` is not used.
        Lengths are in plate widths: a character's ink is 0.8 plate widths wide.
    resolution : number of vertices across the ink of a character; None: one for each pixel of the page.
    char_width : width of the ink of a usual character, in pixels of the page; None: estimated.
    page_width : width of the picture of the page, in mm.
    bow : rise of the block from its middle to a point 150 mm away, in mm: 5 mm over 300 mm.
    cracks : number of cracks, which begin at the left or right end and follow the grain.
    handles : width of each handle, with the slope that leads to it, as a share of the width of the page's ink.
    as_map : whether a block becomes a height map in place of a mesh.
    solid : whether the mesh is closed by four walls and a flat back.
    thickness : distance of the back from the plane of the stroke tops, in mm.
    """

    carving: Carving = Carving(tilt=Span(0, 15))
    resolution: int | None = None
    char_width: float | None = None
    page_width: float = 300.0
    bow: Span = Span(0, 5)
    cracks: Span = Span(0, 3)
    handles: Span = Span(0.06, 0.4)
    as_map: bool = False
    solid: bool = False
    thickness: float = 20.0

    def options(self) -> dict[str, Any]:
        """Return all amounts by the names of their options, as JSON types."""
        shared = {name: value for name, value in self.carving.options().items() if name not in SINGLE}
        own = {name: str(amount) if isinstance(amount, Span) else amount for name, amount in vars(self).items()}
        del own["carving"]
        own["as"] = "map" if own.pop("as_map") else "mesh"
        if not self.solid:
            del own["thickness"]
        return {"page": True, **shared, **own}
