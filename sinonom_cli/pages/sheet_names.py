"""Name boxes that people have drawn, split or joined on a sheet, by the model that ships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.upright import cropped
from sinonom_cli.errors import SinonomError
from sinonom_cli.messages import warn
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.search.naming import NAMES, shipped_namer

if TYPE_CHECKING:
    from sinonom_cli.layout.corrections import Box
    from sinonom_cli.pages.sheet import Sheet


def names_in_boxes(sheet: Sheet, boxes: Sequence[Box]) -> list[tuple[tuple[str, float], ...]]:
    """Return what boxes of a sheet may show: characters and probabilities, the most probable first, at most five.

    Nothing is named where the sheet has no clean picture: a picture with names drawn in would be misread.

    Parameters
    ----------
    boxes : x0, y0, x1, y1 in the sheet's units.
    """
    if sheet.clean is None or not boxes:
        return [()] * len(boxes)
    try:
        grey = load_picture(sheet.clean)
    except SinonomError as error:
        warn(f"{sheet.name}: new boxes get no names: {error.message}")
        return [()] * len(boxes)
    scale = np.array([grey.shape[1] / sheet.width, grey.shape[0] / sheet.height] * 2)
    crops = [np.ascontiguousarray(sheet.way.upright(cropped(grey, np.array(box) * scale)), np.uint8) for box in boxes]
    shown = [place for place, crop in enumerate(crops) if crop.size]
    names: list[tuple[tuple[str, float], ...]] = [()] * len(boxes)
    for place, several in zip(shown, shipped_namer()([crops[place] for place in shown], NAMES), strict=True):
        names[place] = tuple((name.char, name.probability) for name in several)
    return names
