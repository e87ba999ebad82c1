"""What a loss compares by threes, a picture with its positives and with all others, some pictures at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

AT_ONCE = 2**24
"""Numbers compared at a time: what is made on the way must not outgrow the embeddings' own matrix by much."""


def in_pieces(function: Callable[..., Any], positives: Tensor, *tables: Tensor) -> list[Any]:
    """Call a function for some pictures after others, and again when its gradient is asked for.

    P classes of K pictures have P K (K - 1) P K such comparisons, 50 million at 4096 pictures of 1024 classes: tables
    of them are made, used and left (`torch.utils.checkpoint`), so that what is kept is of the size of the distances.

    Parameters
    ----------
    function : called with the rows of `positives` and of each table of some pictures, and with their (n,) numbers.
    positives : (N, M) bool; a picture without a positive is left out.
    tables : (N, M).

    Returns
    -------
    What it returned, at least once: where there is no picture, for none.
    """
    number = positives.sum(dim=1)
    asked = torch.nonzero(number).squeeze(1)
    width = max(1, AT_ONCE // max(1, positives.shape[1] * int(number.max())))
    # Split once: a gradient of each piece as large as its whole table would be more than all that is spared.
    parts = zip(*(rows.split(width) for rows in (positives[asked], *(t[asked] for t in tables), asked)), strict=True)
    return [checkpoint(function, *part, use_reentrant=False) for part in parts]
