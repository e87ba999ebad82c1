"""Compare pictures with their positives and with all others, in threes, for some pictures at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

AT_ONCE = 2**24
"""Number of comparisons at a time; intermediate tables must not be much larger than the matrix of the distances."""


def in_pieces(function: Callable[..., Any], positives: Tensor, *tables: Tensor) -> list[Any]:
    """Call a function for one part of the pictures after another, and again when its gradient is computed.

    P classes of K pictures have P K (K - 1) P K such comparisons, 50 million at 4096 pictures of 1024 classes. Tables
    of them are made, used and freed (`torch.utils.checkpoint`), so that the memory kept has the size of the distances.

    Parameters
    ----------
    function : called with the rows of `positives` and of each table for some pictures, and with their (n,) numbers.
    positives : (N, M) bool; a picture without a positive is left out.
    tables : (N, M) each.

    Returns
    -------
    Results of the calls, at least one; without any picture, the function is called once with empty tensors.
    """
    number = positives.sum(dim=1)
    asked = torch.nonzero(number).squeeze(1)
    width = max(1, AT_ONCE // max(1, positives.shape[1] * int(number.max())))
    # The tables are split once: otherwise each piece would have a gradient as large as its whole table.
    parts = zip(*(rows.split(width) for rows in (positives[asked], *(t[asked] for t in tables), asked)), strict=True)
    return [checkpoint(function, *part, use_reentrant=False) for part in parts]
