import numpy as np
import pytest

from sinonom_cli.errors import BadInput
from sinonom_cli.layout.register import Registration, Spots, register

PITCH = 40.0


def places(columns: int = 10, rows: int = 16) -> np.ndarray:
    """Return the middles of characters, (n, 2), column by column."""
    x, y = np.meshgrid(np.arange(columns) * 1.3, np.arange(rows) * 1.0, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1) * PITCH + 100


def text(count: int, rng: np.random.Generator, vocabulary: int = 200) -> list[str]:
    """Return characters as frequent as in a text: few of them return often, and most are rare (Zipf, Mandelbrot)."""
    share = 1 / (np.arange(vocabulary) + 6)
    return [chr(0x4E00 + k) for k in rng.choice(vocabulary, count, p=share / share.sum())]


def moved(points: np.ndarray, degrees: float = 0.0, scale: float = 1.0, bend: float = 0.0) -> np.ndarray:
    """Return points after a bend, a turn and a change of scale; the bend moves the edges by `bend` pitches."""
    x, y = points.T
    across = (x - x.mean()) / np.ptp(x) * 2
    y = y + bend * PITCH * across**2
    angle = np.radians(degrees)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    return np.stack([cos * x - sin * y + 700, sin * x + cos * y - 300], axis=1)


def spots(points: np.ndarray, chars: list[str], rng: np.random.Generator, wrong: float = 0.0) -> Spots:
    """Return characters whose first name is another one for a share of them, with two more names that are chance."""
    others = text(3 * len(chars), rng)
    named = [others.pop() if rng.random() < wrong else char for char in chars]
    names = [[name, others.pop(), others.pop()] for name in named]
    return Spots(points=points, names=names, probabilities=[[0.7, 0.2, 0.1]] * len(names))


def test_a_turn_a_scale_and_a_shift_are_found_with_sixty_percent_of_wrong_names() -> None:
    rng = np.random.default_rng(1)
    here = places()
    there = moved(here, degrees=7.0, scale=2.5)
    chars = text(len(here), rng)
    found = register(spots(here, chars, rng, 0.6), spots(there, chars, rng))
    assert found is not None and found.reliable
    assert found.similarity.scale == pytest.approx(2.5, rel=0.01)
    assert found.similarity.angle == pytest.approx(7.0, abs=0.3)
    away = np.linalg.norm(found.points(here) - there, axis=1) / (2.5 * PITCH)
    assert away.max() < 0.2


def test_a_bent_page_is_followed_beyond_what_a_similarity_can() -> None:
    rng = np.random.default_rng(2)
    here = places()
    there = moved(here, degrees=-3.0, bend=1.5)
    chars = text(len(here), rng)
    found = register(spots(here, chars, rng, 0.4), spots(there + rng.normal(0, 2, there.shape), chars, rng))
    assert found is not None
    plain = np.linalg.norm(found.similarity.points(here) - there, axis=1) / PITCH
    away = np.linalg.norm(found.points(here) - there, axis=1) / PITCH
    assert plain.max() > 0.7 and away.max() < 0.4
    assert (found.pairs[:, 0] == found.pairs[:, 1]).all() and len(found.pairs) == len(here)


def test_missing_and_additional_characters_and_half_a_page_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    here = places()
    there = moved(here, scale=0.4)
    chars = text(len(here), rng)
    half = np.flatnonzero((here[:, 0] < 350) & (rng.random(len(here)) > 0.2))
    order = rng.permutation(len(there))[: int(0.85 * len(there))]
    found = register(
        spots(here[half], [chars[k] for k in half], rng, 0.4), spots(there[order], [chars[k] for k in order], rng, 0.2)
    )
    assert found is not None and found.reliable
    assert (half[found.pairs[:, 0]] == order[found.pairs[:, 1]]).all()
    assert len(found.pairs) == len(set(half) & set(order))


def test_a_text_of_few_characters_that_return_often_is_registered() -> None:
    rng = np.random.default_rng(4)
    here = places(8, 12)
    chars = text(len(here), rng, vocabulary=25)
    found = register(spots(here, chars, rng, 0.4), spots(moved(here, 5), chars, rng))
    assert found is not None and found.reliable
    assert (found.pairs[:, 0] == found.pairs[:, 1]).all()


@pytest.mark.parametrize("seed", range(4))
def test_another_text_on_the_same_grid_is_not_reliable(seed: int) -> None:
    rng = np.random.default_rng(seed)
    here = places(6, 12)
    found = register(spots(here, text(len(here), rng), rng), spots(here, text(len(here), rng), rng))
    assert found is None or (not found.reliable and found.agreement < 0.6)


def test_the_shares_of_common_names_are_those_of_a_count() -> None:
    rng = np.random.default_rng(5)
    here = places(5, 8)
    chars = text(len(here), rng)
    wrong = rng.permutation(len(here))[:12]
    known = [["誤"] if k in wrong else [char] for k, char in enumerate(chars)]
    one = Spots(points=here, names=known, probabilities=[[1.0]] * len(here))
    other = Spots(points=here, names=[[char] for char in chars], probabilities=[[1.0]] * len(here))
    found = register(one, other)
    assert found is not None and found.agreement == (len(here) - 12) / len(here)


def test_one_column_keeps_the_width_of_boxes() -> None:
    here = places(1, 12)
    chars = [chr(0x4E00 + k) for k in range(12)]
    one = Spots(points=here, names=[[char] for char in chars], probabilities=[[1.0]] * 12)
    other = Spots(points=here * 3, names=one.names, probabilities=one.probabilities)
    found = register(one, other)
    assert found is not None
    boxes = np.hstack([here - 15, here + 15])
    np.testing.assert_allclose(found.boxes(boxes), boxes * 3, atol=0.5)


def test_a_mirrored_print_is_not_registered_and_turned_over_by_the_caller_it_is() -> None:
    rng = np.random.default_rng(6)
    here = places(6, 12)
    chars = text(len(here), rng)
    mirror = np.array([-1.0, 1.0])
    found = register(spots(here * mirror, chars, rng), spots(here, chars, rng))
    assert found is None or not found.reliable
    found = register(spots(here * mirror * mirror, chars, rng), spots(here, chars, rng))
    assert found is not None and found.reliable


def test_the_registration_does_not_depend_on_the_order_of_the_points() -> None:
    rng = np.random.default_rng(7)
    here = places(6, 10)
    chars = text(len(here), rng)
    one, other = spots(here, chars, rng, 0.3), spots(moved(here, 4, bend=0.5), chars, rng)
    order = rng.permutation(len(here))
    again = Spots(
        points=here[order], names=[one.names[k] for k in order], probabilities=[one.probabilities[k] for k in order]
    )
    first, second = register(one, other), register(again, other)
    assert isinstance(first, Registration) and isinstance(second, Registration)
    np.testing.assert_allclose(second.points(here), first.points(here), atol=1e-6)


def test_too_few_characters_or_no_common_names_give_nothing() -> None:
    here = places(3, 4)
    one = Spots(points=here, names=[["一"]] * 12, probabilities=[[1.0]] * 12)
    other = Spots(points=here, names=[["二"]] * 12, probabilities=[[1.0]] * 12)
    assert register(one, other) is None
    few = Spots(points=here[:3], names=[["一"]] * 3, probabilities=[[1.0]] * 3)
    assert register(few, one) is None


def test_characters_in_one_place_or_without_names_are_refused() -> None:
    one = Spots(points=np.zeros((5, 2)), names=[["一"]] * 5, probabilities=[[1.0]] * 5)
    with pytest.raises(BadInput):
        register(one, one)
    with pytest.raises(BadInput):
        Spots(points=np.zeros((5, 2)), names=[["一"]] * 4, probabilities=[[1.0]] * 4)
