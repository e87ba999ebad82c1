"""How sure each character's crop is, and why one is doubtful."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.crops.cuts import Cuts
from sinonom_cli.crops.heights import expected_heights

ORDINARY_COST = 0.4
"""Cost of the cuts per character, up to which a column looks as its transcript says."""
LIKELY_HEIGHT = 0.35
"""Standard deviation of the logarithm of heights in the confidence; wider than in the search."""
RIVAL, RIVAL_SLOPE = 1.0, 3.0
"""By so much another number of characters may look better until it is as likely as the transcript's. Of columns of
NomNaOCR as they are, 2 % are beyond; of the same with a character of the transcript left out, or one put in, 87 % and
94 % are."""
SPARSE_SLOPE = 8.0
LEAST_AGREEMENT = 0.5
"""A detector that was asked and saw nothing halves the confidence: what it overlooked may still be cut well."""


@dataclass(frozen=True)
class Judged:
    """How sure the n crops of a column are, and by what they lose most.

    Attributes
    ----------
    confidence : (n,) float64 in [0, 1].
    reasons : n phrases, each the greatest doubt about a character, be it small.
    """

    confidence: NDArray[np.float64]
    reasons: list[str]


def judged(
    cuts: Cuts, transcript: str, severed: NDArray[np.float64], agreement: NDArray[np.float64] | None = None
) -> Judged:
    """Judge the crops of a column.

    The confidence is the product of: the certainty of the character's cuts; the likelihood of its height; the share
    of its ink that is whole; how well the column as a whole fits the transcript, in cost and in number; and, if a
    detector was asked, what it says.

    Parameters
    ----------
    cuts : of n characters.
    transcript : the characters.
    severed : (n,) share of ink at the cuts in strokes that run on beyond.
    agreement : (n,) share in [0, 1] that each has in common with a detector's box; None: none was asked.
    """
    n = len(transcript)
    heights = (cuts.bottoms - cuts.tops) / (np.array(expected_heights(transcript)) * cuts.pitch)
    likely = np.exp(-0.5 * (np.log(heights) / LIKELY_HEIGHT) ** 2)
    fit = np.exp(-max(0.0, cuts.cost / n - ORDINARY_COST))
    number = 1 / (1 + np.exp(RIVAL_SLOPE * min(cuts.rival - RIVAL, 20.0)))
    single = 1 / (1 + np.exp(np.clip(SPARSE_SLOPE * cuts.sparse, -50, 50)))
    more = "fewer" if cuts.rival_number < n else "more"
    doubts = [
        ("the cuts could as well lie elsewhere", cuts.certainty),
        ("odd height", likely),
        ("strokes are cut through", whole_share(severed)),
        ("the column does not look like its transcript", np.full(n, fit)),
        (f"the column looks like {more} characters than its transcript has", np.full(n, number)),
        ("the column looks like twice or three times as many characters as its transcript has", np.full(n, single)),
    ]
    if agreement is not None:
        doubts.append(("the detector sees it elsewhere", LEAST_AGREEMENT + (1 - LEAST_AGREEMENT) * agreement))
    factors = np.array([factor for _, factor in doubts])
    return Judged(factors.prod(axis=0), [doubts[worst][0] for worst in factors.argmin(axis=0)])


def whole_share(severed: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return what the share of ink at the cuts, in strokes that run on beyond, leaves of the confidence: 0.1 to 1."""
    return np.clip(1 - 4 * np.asarray(severed), 0.1, 1.0)
