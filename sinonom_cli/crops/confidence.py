"""Compute the confidence of each character's crop, and the reason why a crop is doubtful."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.crops.cuts import Cuts
from sinonom_cli.crops.heights import expected_heights

ORDINARY_COST = 0.4
"""Cost of the cuts per character up to which a column fully fits its transcript."""
LIKELY_HEIGHT = 0.35
"""Standard deviation of the logarithm of heights in the confidence; it is wider than in the search."""
RIVAL, RIVAL_SLOPE = 1.0, 3.0
"""Difference of costs at which another number of characters is as likely as the transcript's, and the slope there.
Of the columns of NomNaOCR, 2 % exceed this difference; with one character removed from the transcript 87 % do, with
one inserted 94 %."""
SPARSE_SLOPE = 8.0
LEAST_AGREEMENT = 0.5
"""Factor of the confidence where a detector saw nothing; it is not lower, as a missed character may be cut well."""


@dataclass(frozen=True)
class Judged:
    """Confidence of the n crops of a column, and the main doubt about each.

    Attributes
    ----------
    confidence : (n,) float64 in [0, 1].
    reasons : n phrases, each the greatest doubt about a character, even if that is small.
    """

    confidence: NDArray[np.float64]
    reasons: list[str]


def judged(
    cuts: Cuts, transcript: str, severed: NDArray[np.float64], agreement: NDArray[np.float64] | None = None
) -> Judged:
    """Judge the crops of a column.

    The confidence is a product of factors: the certainty of the character's cuts; the likelihood of its height; the
    share of its ink that is not cut off; the fit of the whole column to the transcript, in cost and in number of
    characters; and, if a detector was used, its agreement.

    Parameters
    ----------
    cuts : cuts of n characters.
    transcript : the n characters.
    severed : (n,) float64 in [0, 1], share of ink at the cuts, in strokes that continue beyond them.
    agreement : (n,) float64 in [0, 1], intersection over union of each character with the nearest box of a detector;
        None if no detector was used.
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
    """Return the factor of the confidence, 0.1 to 1, for the share of ink in strokes that continue beyond the cuts."""
    return np.clip(1 - 4 * np.asarray(severed), 0.1, 1.0)
