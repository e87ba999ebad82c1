"""The look-alikes of a character on its page vote on its name."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sinonom_cli.characters import label_of
from sinonom_cli.layout.order import Placed
from sinonom_cli.pages.context import SURE
from sinonom_cli.pages.look_alikes import APART, FARTHEST, TEMPERATURE, with_look_alikes
from sinonom_cli.pages.places import names_in_context
from sinonom_cli.search.naming import Name


def names(**chances: float) -> list[Name]:
    return [Name(label=label_of(char), char=char, distance=1.0, probability=chance) for char, chance in chances.items()]


def at_angles(*degrees: float) -> NDArray[np.float32]:
    """Return embeddings on a circle."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_an_occurrence_that_is_clear_names_one_that_is_not() -> None:
    found = with_look_alikes([names(已=0.5, 巳=0.45), names(巳=0.9, 已=0.05)], at_angles(0, 10))
    assert [several[0].char for several in found] == ["巳", "巳"]


def test_votes_are_weighed_as_the_formula_says() -> None:
    rng = np.random.default_rng(3)
    chars = "天地玄黃宇宙洪荒"
    given = []
    for _ in range(12):
        several = rng.choice(list(chars), 5, replace=False)
        chances = 0.97 * rng.dirichlet(np.ones(5))
        given.append(names(**dict(zip(map(str, several), map(float, chances), strict=True))))
    vectors = at_angles(*rng.uniform(0, 120, 12))
    found = with_look_alikes(given, vectors)
    for i, several in enumerate(given):
        expected = {}
        for name in several:
            votes = np.exp(-APART / TEMPERATURE)
            for j, others in enumerate(given):
                energy = float(((vectors[i] - vectors[j]) ** 2).sum())
                if j != i and energy < FARTHEST:
                    chance = sum(other.probability for other in others if other.char == name.char)
                    votes += np.exp(-energy / TEMPERATURE) * chance
            expected[name.char] = name.probability * votes
        share = sum(name.probability for name in several) / sum(expected.values())
        assert {name.char: name.probability for name in found[i]} == pytest.approx(
            {char: chance * share for char, chance in expected.items()}, rel=1e-5
        )
        chances_after = [name.probability for name in found[i]]
        assert chances_after == sorted(chances_after, reverse=True)


def test_a_character_without_look_alikes_keeps_its_names() -> None:
    given = [names(已=0.5, 巳=0.45), names(巳=0.9, 已=0.05), []]
    assert with_look_alikes(given, np.array([[1, 0], [0, 1], [0, 0]], np.float32)) == given
    assert with_look_alikes([], np.zeros((0, 128), np.float32)) == []


def test_a_name_surer_than_the_limit_votes_and_is_never_overruled() -> None:
    sure = names(已=SURE + 0.005, 巳=0.01)
    many = [names(巳=0.97, 已=0.01)] * 20
    found = with_look_alikes([sure, *many, names(巳=0.5, 已=0.45)], np.tile(at_angles(0), (22, 1)))
    assert found[0] == sure
    lone = with_look_alikes([sure, names(巳=0.5, 已=0.45)], np.tile(at_angles(0), (2, 1)))
    assert lone[1][0].char == "已"


def test_look_alikes_vote_whatever_the_order_of_the_characters() -> None:
    given = [names(已=0.5, 巳=0.45), names(巳=0.9, 已=0.05), names(己=0.6, 已=0.3), names(已=0.7, 己=0.2)]
    vectors = at_angles(0, 10, 25, 32)
    found = with_look_alikes(given, vectors)
    for place, several in enumerate(with_look_alikes(given[::-1], vectors[::-1])[::-1]):
        assert {name.char: name.probability for name in several} == pytest.approx(
            {name.char: name.probability for name in found[place]}
        )


def test_look_alikes_of_a_page_vote_across_its_columns_before_the_neighbours() -> None:
    places = [Placed(index=k, column=k + 1, place=1, part="text", box=(0.0, 0.0, 9.0, 9.0)) for k in range(3)]
    unknown = [names(𪚥=0.5, 𪚦=0.45), names(𪚦=0.9, 𪚥=0.05), names(𪚥=0.5, 𪚦=0.45)]
    found = names_in_context(places, unknown, at_angles(0, 10, 90))
    assert [several[0].char for several in found] == ["𪚦", "𪚦", "𪚥"]
