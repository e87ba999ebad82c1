"""Names in context, against sums over all texts."""

import itertools
import time

import numpy as np

from sinonom_cli.pages.context import SURE, Context, Weights
from sinonom_cli.pages.ngrams import count

TEXT = "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏閏餘成歲律呂調陽雲騰致雨露結爲霜天地日月"


def chance(lines: list[str], history: str, char: str) -> float:
    """Return the probability of a character after two others, by modified Kneser-Ney, from lines; "^" is the start."""
    thirds = [("^" + line)[i : i + 3] for line in lines for i in range(len(line) - 1)]
    seconds = [("^" + line)[i : i + 2] for line in lines for i in range(len(line))]
    preceded = {pair: len({third[0] for third in thirds if third[1:] == pair}) for pair in set(seconds)}
    for pair in set(seconds):
        if pair[0] == "^":
            preceded[pair] = seconds.count(pair)
    firsts = {c: len({pair[0] for pair in preceded if pair[1] == c}) for c in set("".join(lines))}
    levels = [({t: thirds.count(t) for t in set(thirds)}, history), (preceded, history[1:]), (firsts, "")]
    return _level(levels, char)


def _level(levels: list[tuple[dict[str, int], str]], char: str) -> float:
    if not levels:
        return 1 / 30_000
    table, history = levels[0]
    below = _level(levels[1:], char)
    n = [sum(value == k for value in table.values()) for k in range(5)]
    taken = [0.0, 0.5, 0.5, 0.5]
    if n[1] and n[2] and n[3]:
        share = n[1] / (n[1] + 2 * n[2])
        taken = [0.0, *(k - (k + 1) * share * n[k + 1] / n[k] for k in (1, 2, 3))]
        taken = [min(max(part, 0.01 if k else 0), k - 0.01 if k else 0) for k, part in enumerate(taken)]
    after = {key: value for key, value in table.items() if key[: len(history)] == history}
    total = sum(after.values())
    if not total:
        return below
    own = after.get(history + char, 0)
    left = sum(taken[min(value, 3)] for value in after.values()) / total
    return max(own - taken[min(own, 3)], 0) / total + left * below


def all_texts(lines: list[str], candidates: list[list[tuple[str, float]]], weights: Weights) -> np.ndarray:
    """Return the share of each candidate by a sum over all texts."""
    shares = np.zeros((len(candidates), max(map(len, candidates))))
    for text in itertools.product(*(range(len(several)) for several in candidates)):
        history, weight = "^", 1.0
        for several, rank in zip(candidates, text, strict=True):
            char, probability = several[rank]
            seen = history[-2:].rjust(2, "?")  # Nothing was counted after "?".
            weight *= probability**weights.sight * chance(lines, seen, char) ** weights.text
            history += char
        for place, rank in enumerate(text):
            shares[place, rank] += weight
    return shares / shares.sum(axis=1, keepdims=True)


def test_probabilities_in_context_equal_a_sum_over_all_texts() -> None:
    rng = np.random.default_rng(3)
    lines = [TEXT[start : start + 6] for start in range(0, len(TEXT), 6)] + ["天地玄", "日月盈昃", "天地日"]
    context = Context(count([[line] for line in lines]), Weights(sight=0.9, text=0.7, form=0.0, unseen=0.0))
    for _ in range(5):
        candidates = []
        for _ in range(5):
            chars = rng.choice(list(TEXT + "龍"), 4, replace=False)
            candidates.append([(str(char), float(p)) for char, p in zip(chars, rng.dirichlet(np.ones(4)), strict=True)])
        candidates = [several if max(p for _, p in several) <= SURE else several[:2] for several in candidates]
        found = context.decode(candidates)
        sums = found.sum(axis=1)
        assert np.allclose(sums, [sum(p for _, p in several) for several in candidates])
        assert np.allclose(found / sums[:, None], all_texts(lines, candidates, context.weights), atol=1e-9)


def test_an_unseen_character_keeps_a_larger_share_with_a_larger_weight() -> None:
    lines = [TEXT[start : start + 6] for start in range(0, len(TEXT), 6)]
    candidates = [[("天", 0.5), ("龍", 0.5)], [("龘", 0.6), ("地", 0.4)]]
    shares = [
        Context(count([[line] for line in lines]), Weights(unseen=unseen)).decode(candidates)[1, 0]
        for unseen in (0.0, 1e-4, 1e-2)
    ]
    assert shares[0] < shares[1] < shares[2] < 0.6


def test_a_page_of_300_characters_takes_little_time() -> None:
    rng = np.random.default_rng(5)
    context = Context(count([[TEXT]]))
    chars = list(TEXT)
    candidates = [
        [(str(char), float(p)) for char, p in zip(rng.choice(chars, 20), rng.dirichlet(np.ones(20)), strict=True)]
        for _ in range(300)
    ]
    context.decode(candidates)  # Compiles, or reads compiled functions.
    started = time.process_time()
    context.decode(candidates)
    assert time.process_time() - started < 0.2  # 0.05 s on a machine with nothing else to do
