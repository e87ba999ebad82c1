"""Model the text of Hán-Nôm books by n-grams of one to three characters, with modified Kneser-Ney smoothing.

Chen and Goodman 1998, "An empirical study of smoothing techniques for language modeling", TR-10-98, Harvard, sections
2.7 and 3. Forms of one character (爲 and 為, see `characters.form_of`) are one *token* and share their counts.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from sinonom_cli.assets import ASSETS
from sinonom_cli.characters import form_of
from sinonom_cli.errors import BadInput, SinonomError
from sinonom_cli.storage.atomic import replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIPPED = ASSETS / "context.npz"
START = 0
"""Token of the place before the first character of a column."""
NAMEABLE = 30_000
"""Number of characters that a text may have; each gets an equal share of the probability of unseen characters."""
MOST = 65_535
"""Largest number of tokens, and largest count that is kept."""


class Counts(NamedTuple):
    """Numbers of times that characters follow each other.

    Attributes
    ----------
    tokens : (V,) uint32 code points, ascending; the first is `START`.
    chars, char_counts : (C,) uint32 code points, ascending, and (C,) uint32, of characters as they were written.
    followers : (V,) uint16, number of different tokens that follow each token.
    words : (B,) uint16, these followers, ascending, token by token; each is one bigram.
    counts : (B,) uint16, number of different tokens that precede the bigram; number of bigrams for `START`.
    further : (B,) uint16, number of different tokens that follow the bigram.
    third_words : (T,) uint16, these followers, ascending, bigram by bigram; each is one trigram.
    third_counts : (T,) uint16, number of trigrams.
    """

    tokens: NDArray[np.uint32]
    chars: NDArray[np.uint32]
    char_counts: NDArray[np.uint32]
    followers: NDArray[np.uint16]
    words: NDArray[np.uint16]
    counts: NDArray[np.uint16]
    further: NDArray[np.uint16]
    third_words: NDArray[np.uint16]
    third_counts: NDArray[np.uint16]


class Table(NamedTuple):
    """Probabilities of the next token, as compiled functions need them.

    The probability of w after v is that of the bigram where it was counted, else `left[v]` times that of w alone; that
    of w after u, v is that of the trigram where it was counted, else `third_left` of the bigram u, v (1 where it was
    not counted) times that of w after v.

    Attributes
    ----------
    alone : (V + 1,) float64, probability of each token without context; the last is that of any other character.
    left : (V + 1,) float64.
    starts : (V + 2,) int64, first bigram of each token, of no token, and their number.
    words, chance : (B,) int64 and (B,) float64, second token of each bigram, and its probability after the first.
    third_left : (B,) float64.
    third_starts : (B + 1,) int64, first trigram of each bigram.
    third_words, third_chance : (T,) int64 and (T,) float64, last token of each trigram, and its probability.
    """

    alone: NDArray[np.float64]
    left: NDArray[np.float64]
    starts: NDArray[np.int64]
    words: NDArray[np.int64]
    chance: NDArray[np.float64]
    third_left: NDArray[np.float64]
    third_starts: NDArray[np.int64]
    third_words: NDArray[np.int64]
    third_chance: NDArray[np.float64]


def count(columns: Iterable[Sequence[str]]) -> Counts:
    """Count the n-grams of columns of text.

    Parameters
    ----------
    columns : each is a sequence of lines that follow each other on a page, or one line alone. Every line begins a
        column; its first characters are also counted after the last ones of the line before.

    Raises
    ------
    SinonomError
        If there are more than `MOST` different characters.
    """
    pages = [[[ord(form_of(char)) for char in line] for line in lines if line] for lines in columns]
    written = np.array([ord(char) for lines in columns for line in lines for char in line], np.uint32)
    chars, char_counts = np.unique(written, return_counts=True)
    tokens = np.unique(np.array([START, *(code for page in pages for line in page for code in line)], np.uint32))
    if len(tokens) > MOST:
        raise SinonomError(f"the text has {len(tokens):,} different characters, more than {MOST:,}", "give less text")
    number = {int(code): place for place, code in enumerate(tokens)}
    second: list[tuple[int, int]] = []
    third: list[tuple[int, int, int]] = []
    for page in pages:
        before: list[int] = []
        for line in page:
            whole = [START, *(number[code] for code in line)]
            second += pairwise(whole)
            third += zip(whole, whole[1:], whole[2:], strict=False)
            if before:
                across = before[-2:] + whole[1:3]
                second.append((across[1], across[2]))
                third += zip(across, across[1:], across[2:], strict=False)
            before = whole
    return _counted(tokens, chars, char_counts, _array(second, 2), _array(third, 3))


def _array(rows: list[Any], width: int) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(-1, width)


def _counted(
    tokens: NDArray[np.uint32],
    chars: NDArray[np.uint32],
    char_counts: NDArray[np.int64],
    second: NDArray[np.int64],
    third: NDArray[np.int64],
) -> Counts:
    """Return the counts of (., 2) bigrams and (., 3) trigrams of tokens; a repeated row counts each time."""
    size = len(tokens)
    pairs, often = np.unique(second @ np.array([size, 1]), return_counts=True)
    triples, third_counts = np.unique(third @ np.array([size * size, size, 1]), return_counts=True)
    # Below the highest order, Kneser-Ney counts the contexts of an n-gram, and those of a column's start have none.
    preceded = np.bincount(np.searchsorted(pairs, triples % (size * size)), minlength=len(pairs))
    counts = np.where(pairs // size == START, often, preceded)
    further = np.bincount(np.searchsorted(pairs, triples // size), minlength=len(pairs))
    followers = np.bincount(pairs // size, minlength=size)
    short = [np.minimum(part, MOST).astype(np.uint16) for part in (counts, third_counts)]
    return Counts(
        tokens=tokens,
        chars=chars,
        char_counts=char_counts.astype(np.uint32),
        followers=followers.astype(np.uint16),
        words=(pairs % size).astype(np.uint16),
        counts=short[0],
        further=further.astype(np.uint16),
        third_words=(triples % size).astype(np.uint16),
        third_counts=short[1],
    )


def discounts(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return what is taken off n-grams that were counted 0, 1, 2, and 3 or more times: (4,) float64.

    Chen and Goodman 1998, equation 26. Where too few n-grams were counted for it, half of a count is taken off.
    """
    one, two, three, four = (float((counts == number).sum()) for number in (1, 2, 3, 4))
    if not (one and two and three):
        return np.array([0.0, 0.5, 0.5, 0.5])
    share = one / (one + 2 * two)
    wanted = np.array([0.0, 1 - 2 * share * two / one, 2 - 3 * share * three / two, 3 - 4 * share * four / three])
    return np.clip(wanted, [0.0, 0.01, 0.01, 0.01], [0.0, 0.99, 1.99, 2.99])


def table_of(counts: Counts) -> Table:
    """Return the probabilities that counts give, by interpolated modified Kneser-Ney smoothing."""
    starts = np.concatenate([[0], np.cumsum(counts.followers, dtype=np.int64)])
    third_starts = np.concatenate([[0], np.cumsum(counts.further, dtype=np.int64)])
    words, third_words = counts.words.astype(np.int64), counts.third_words.astype(np.int64)
    preceding = np.bincount(words, minlength=len(counts.tokens))
    whole = np.array([0, len(counts.tokens)], np.int64)
    alone, rest = _smoothed(preceding, whole, discounts(preceding))
    unseen = (rest[0] if len(words) else 1.0) / NAMEABLE
    alone = np.append(alone + unseen, unseen)
    alone[START] = unseen
    chance, left = _smoothed(counts.counts.astype(np.int64), starts, discounts(counts.counts))
    third_chance, third_left = _smoothed(
        counts.third_counts.astype(np.int64), third_starts, discounts(counts.third_counts)
    )
    chance += np.repeat(left, counts.followers) * alone[words]
    _add_lower(third_chance, third_starts, third_words, third_left, starts, words, chance)
    return Table(
        alone=alone,
        left=np.append(left, 1.0),
        starts=np.append(starts, starts[-1]),
        words=words,
        chance=chance,
        third_left=third_left,
        third_starts=third_starts,
        third_words=third_words,
        third_chance=third_chance,
    )


def _smoothed(
    counts: NDArray[np.int64], starts: NDArray[np.int64], taken: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the discounted shares (N,) of n-grams, and the share that each context leaves (contexts,), float64.

    Parameters
    ----------
    counts : (N,) int64.
    starts : (contexts + 1,) int64, first n-gram of each context.
    taken : from `discounts`.
    """
    off = taken[np.minimum(counts, 3)]
    totals, lost = (
        np.diff(np.concatenate([[0.0], np.cumsum(part, dtype=np.float64)])[starts]) for part in (counts, off)
    )
    left = np.where(totals > 0, lost / np.maximum(totals, 1), 1.0)
    return (counts - off) / np.repeat(np.maximum(totals, 1), np.diff(starts)), left


@numba.njit(cache=True)
def place_of(words: Any, low: int, high: int, word: int) -> int:
    """Return the place of a word among the ascending words[low:high], or -1."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low if low < end and words[low] == word else -1


@numba.njit(cache=True)
def _add_lower(
    third_chance: Any, third_starts: Any, third_words: Any, third_left: Any, starts: Any, words: Any, chance: Any
) -> None:
    """Add to the share of each trigram what its context leaves to the bigram of its last two tokens."""
    for bigram in range(len(third_left)):
        low, high = starts[words[bigram]], starts[words[bigram] + 1]
        for third in range(third_starts[bigram], third_starts[bigram + 1]):
            low = place_of(words, low, high, third_words[third])  # Both lists ascend.
            third_chance[third] += third_left[bigram] * chance[low]


def write_counts(path: Path, counts: Counts) -> None:
    """Write counts as one file of compressed arrays, without pickles."""
    arrays: dict[str, Any] = counts._asdict()
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_counts(path: Path) -> Counts:
    """Read counts.

    Raises
    ------
    BadInput
        If the file is missing or is not one of `write_counts`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            counts = Counts(**{name: arrays[name] for name in Counts._fields})
        ends = (counts.followers.sum(), counts.further.sum())
        whole = all(part.ndim == 1 for part in counts) and ends == (len(counts.words), len(counts.third_words))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        whole = False
    if not whole:
        raise BadInput(f"{path} is not a table of n-grams", "tools/context.py makes one")
    return counts
