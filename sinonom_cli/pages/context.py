"""Name characters in context: what each looks like, and how often characters follow each other in books.

A text takes one candidate for each character. Its weight is the product, over its characters, of the probabilities of
the picture (to the power of `Weights.sight`) and of the trigram model (to the power of `Weights.text`). The
forward-backward algorithm (Rabiner 1989, "A tutorial on hidden Markov models", section III) sums it over all texts,
with pairs of characters as states; the probability of a candidate is its share of the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from sinonom_cli.characters import form_of, forms_of
from sinonom_cli.pages.ngrams import SHIPPED, START, Counts, Table, place_of, read_counts, table_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


SURE = 0.98
"""Probability by sight above which a name is never overruled."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Exponents of the parts of a text's weight, chosen on 300 columns of NomNaOCR's `Train.txt`.

    They were chosen with counts of other books, of other columns, and, for verse, of prose alone; the character error
    rates are within 0.15 % of the best for `sight` from 1.3 to 2 and `text` from 0.4 to 0.6 times `sight`. With counts
    of prose alone, a larger `unseen` makes fewer names of verse wrong.

    Attributes
    ----------
    sight : of the probability of a character by sight.
    text : of its probability after the two characters before it.
    form : of the share that it has among the forms of its token.
    unseen : added to the probability of each character without context, so that a text of another kind, whose
        characters were never or rarely counted, keeps a fair share; no exponent.
    """

    sight: float = 1.6
    text: float = 0.9
    form: float = 0.25
    unseen: float = 5e-5


class Lattice(NamedTuple):
    """Candidates of n characters, k for each, as compiled functions need them; missing ones have `sight` 0.

    Attributes
    ----------
    tokens : (n, k) int64 tokens of `Table`; V for a character that it does not have.
    sight : (n, k) float64, what the picture and the form say, to their powers.
    """

    tokens: NDArray[np.int64]
    sight: NDArray[np.float64]


class Context:
    """Model of texts, from counts of n-grams.

    Parameters
    ----------
    counts : of the texts.
    weights : exponents.
    """

    def __init__(self, counts: Counts, weights: Weights | None = None) -> None:
        self.weights = weights or Weights()
        self._memory: dict[str, tuple[int, float]] = {}
        self._tokens = {int(code): place for place, code in enumerate(counts.tokens)}
        self._chars = dict(zip(counts.chars.tolist(), counts.char_counts.tolist(), strict=True))
        self._forms: dict[str, int] = {}
        for code, often in self._chars.items():
            form = form_of(chr(code))
            self._forms[form] = self._forms.get(form, 0) + often
        power = self.weights.text
        table = table_of(counts)
        self._table = table._replace(
            alone=(table.alone + self.weights.unseen) ** power,
            left=table.left**power,
            chance=table.chance**power,
            third_left=table.third_left**power,
            third_chance=table.third_chance**power,
        )

    def decode(self, candidates: Sequence[Sequence[tuple[str, float]]]) -> NDArray[np.float64]:
        """Return the probability of each candidate in its context.

        Parameters
        ----------
        candidates : for each character, in reading order, characters and their probabilities by sight, above 0. The
            first one counts as the first of a column.

        Returns
        -------
        (n, k) float64, k the largest number of candidates. The candidates of a character share the sum of their
        probabilities by sight; missing ones have 0. A character surer than `SURE` keeps its probabilities.
        """
        lattice, before = self._lattice(candidates)
        if not lattice.tokens.size:
            return before
        after = _shares(self._table, lattice.tokens, lattice.sight)
        after *= before.sum(axis=1, keepdims=True)
        kept = before.max(axis=1) > SURE
        after[kept] = before[kept]
        return after

    def _lattice(self, candidates: Sequence[Sequence[tuple[str, float]]]) -> tuple[Lattice, NDArray[np.float64]]:
        shape = len(candidates), max(map(len, candidates), default=0)
        before, weighed = np.zeros(shape), np.zeros(shape)
        tokens = np.full(shape, len(self._tokens), np.int64)
        for place, several in enumerate(candidates):
            for rank, (char, probability) in enumerate(several):
                before[place, rank] = probability
                tokens[place, rank], share = self._known(char)
                weighed[place, rank] = probability**self.weights.sight * share
            if not several:
                weighed[place, :1] = 1
            elif before[place].max() > SURE:
                weighed[place, before[place] <= SURE] = 0
        return Lattice(tokens, weighed), before

    def _known(self, char: str) -> tuple[int, float]:
        """Return the token of a character, and its share among all its forms, to its power.

        Each form counts once more than it occurred.
        """
        if char not in self._memory:
            form = form_of(char)
            share = (self._chars.get(ord(char), 0) + 1) / (self._forms.get(form, 0) + len(forms_of(char)))
            self._memory[char] = self._tokens.get(ord(form), len(self._tokens)), share**self.weights.form
        return self._memory[char]


@lru_cache(1)
def shipped_context() -> Context:
    """Return the context that ships; each process reads it once.

    Raises
    ------
    BadInput
        If its file is missing or damaged.
    """
    return Context(read_counts(SHIPPED))


@numba.njit(cache=True)
def _shares(table: Table, tokens: Any, sight: Any) -> Any:
    """Return the share of each candidate in the weight of all texts, (n, k) float64, by forward-backward.

    Parameters
    ----------
    table : probabilities, to the power of their weight.
    tokens, sight : see `Lattice`; each character has a candidate with a `sight` above 0.
    """
    n, k = tokens.shape
    pairs, ahead = np.zeros((n, k, k)), np.zeros((n, k, k))
    bigrams = np.full((n + 1, k, k), -1)  # [i + 1, a, b]: of candidate a of character i - 1 and candidate b of i
    before, known, weight = np.full(k, START), np.zeros(k), np.zeros((k, k))
    known[0], weight[0, 0] = 1.0, 1.0
    for i in range(n):
        _chances(table, before, known, tokens[i], sight[i], ahead[i], bigrams[i + 1])
        _forward(table, bigrams[i], tokens[i], sight[i], ahead[i], weight, pairs[i])
        pairs[i] /= pairs[i].sum()
        weight, before, known = pairs[i], tokens[i], sight[i]
    shares, rest = np.empty((n, k)), np.ones((k, k))
    for i in range(n - 1, -1, -1):
        together = pairs[i] * rest
        shares[i] = together.sum(axis=0) / together.sum()
        if i:
            rest = _backward(table, bigrams[i], tokens[i], sight[i], ahead[i], pairs[i - 1], rest)
    return shares


@numba.njit(cache=True)
def _chances(table: Table, before: Any, known: Any, tokens: Any, sight: Any, chance: Any, bigrams: Any) -> None:
    """Write the bigram of each candidate after each one before it, or -1, and its probability; both (k, k)."""
    for a in range(len(before)):
        if known[a] > 0:
            low, high = table.starts[before[a]], table.starts[before[a] + 1]
            for b in range(len(tokens)):
                if sight[b] > 0:
                    place = place_of(table.words, low, high, tokens[b])
                    bigrams[a, b] = place
                    chance[a, b] = table.chance[place] if place >= 0 else table.left[before[a]] * table.alone[tokens[b]]


@numba.njit(cache=True)
def _forward(table: Table, bigrams: Any, tokens: Any, sight: Any, chance: Any, weight: Any, found: Any) -> None:
    """Write the weights of pairs (before, now) into `found`, (k, k), given those of pairs (beyond, before)."""
    for a in range(len(tokens)):
        for z in range(len(tokens)):
            if weight[z, a] > 0:
                bigram = bigrams[z, a]
                left = table.third_left[bigram] if bigram >= 0 else 1.0
                for b in range(len(tokens)):
                    found[a, b] += weight[z, a] * left * chance[a, b]
                if bigram >= 0:
                    low, high = table.third_starts[bigram], table.third_starts[bigram + 1]
                    for b in range(len(tokens) if high > low else 0):
                        third = place_of(table.third_words, low, high, tokens[b]) if sight[b] > 0 else -1
                        if third >= 0:
                            found[a, b] += weight[z, a] * (table.third_chance[third] - left * chance[a, b])
        for b in range(len(tokens)):
            found[a, b] *= sight[b]


@numba.njit(cache=True)
def _backward(table: Table, bigrams: Any, tokens: Any, sight: Any, chance: Any, weight: Any, rest: Any) -> Any:
    """Return the weights of what follows pairs (beyond, before), (k, k), given `rest` of pairs (before, now)."""
    found = np.zeros(weight.shape)
    for a in range(len(tokens)):
        whole = 0.0
        for b in range(len(tokens)):
            whole += chance[a, b] * sight[b] * rest[a, b]
        for z in range(len(tokens)):
            if weight[z, a] > 0:
                bigram = bigrams[z, a]
                left = table.third_left[bigram] if bigram >= 0 else 1.0
                found[z, a] = left * whole
                if bigram >= 0:
                    low, high = table.third_starts[bigram], table.third_starts[bigram + 1]
                    for b in range(len(tokens) if high > low else 0):
                        third = place_of(table.third_words, low, high, tokens[b]) if sight[b] > 0 else -1
                        if third >= 0:
                            more = table.third_chance[third] - left * chance[a, b]
                            found[z, a] += more * sight[b] * rest[a, b]
    return found / max(found.max(), 1e-300)
