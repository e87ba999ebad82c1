"""Lay a carving's picture over a print's from Python, by registration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sinonom_cli.api.pictures import as_items, named_as_given
from sinonom_cli.errors import BadInput, SinonomError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sinonom_cli.api.pictures import Picture

SIDE = 256
"""Side of the pictures that are laid over each other, pixels."""


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Two pictures of one character in one frame.

    Attributes
    ----------
    query, laid : (S, S) float32, ink in [0, 1]: the query as the search sees it, and the other picture moved onto it.
    map : (2, 3) float64 affine map; it gives the place in the other picture of a place (x, y, 1) in the query, both in
        pixels from the picture's centre.
    correlation : of the two pictures' ink, in [-1, 1].
    """

    query: NDArray[np.float32] = field(repr=False)
    laid: NDArray[np.float32] = field(repr=False)
    map: NDArray[np.float64]
    correlation: float


def overlay(query: Picture, other: Picture) -> Overlay:
    """Lay a picture of a character over another one, as `query --rerank` registers them.

    Parameters
    ----------
    query, other : pictures of one character each.

    Raises
    ------
    BadInput
        If one of the pictures cannot be read.

    Examples
    --------
    >>> from sinonom_cli.assets import GLYPHS
    >>> one, two = (next(GLYPHS.glob(f"{hand}/images/U+5B57/*.png")) for hand in ("yuji", "wenkai"))
    >>> overlay(one, two).correlation > 0.3
    True
    """
    import numpy as np

    from sinonom_cli.networks.preprocess import prepare
    from sinonom_cli.pictures.loading import load_picture
    from sinonom_cli.search.align import warped
    from sinonom_cli.search.flow import standardised
    from sinonom_cli.search.same_carving import FINE, SIZE, registered, views_of

    inks, views = [], []
    with as_items([query, other]) as items:
        for item in items:
            try:
                grey = load_picture(item.path)
            except SinonomError as error:
                raise BadInput(named_as_given(item, error.message), error.hint) from None
            views.append(views_of(prepare(grey, SIZE)))
            inks.append(prepare(grey, SIDE))
    _, maps = registered(views[0], views[1:])
    maps = maps.copy()
    maps[:, :, 2] *= SIDE / FINE[0]
    laid = np.clip(warped(np.pad(inks[1], 1)[None], maps)[0], 0, 1)
    correlation = float((standardised(inks[0]) * standardised(laid)).mean())
    return Overlay(query=inks[0], laid=laid, map=maps[0], correlation=correlation)
