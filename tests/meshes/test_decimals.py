"""Test the parser of decimal numbers: to the last bit, it reads what Python's float() and numpy read."""

import random
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from sinonom_cli.meshes.decimals import numbers
from sinonom_cli.meshes.mesh_text import numbers_in

SPELLINGS = [
    "0", "-0", "+0.0", "0e0", "0e999999999999", "00000000000000000000000.5", "1.", ".5", "-.5e1", "+1.5E+003", "1e22",
    "1e23", "9007199254740993", "9007199254740992.5", "123456789012345678", "9999999999999999999",
    "18446744073709551615", "0.1", "0.30000000000000004", "1.7976931348623157e308", "2.2250738585072014e-308",
    "8.5e-46", "3.4028236e38", "1.00000017881393432617187499", "1.000000000000000000000000000000000001", "5e-20",
    "7450580596923828125e-27", "nan", "NaN", "-nan", "inf", "-INF", "Infinity", "-infinity",
    "0.000000000000000000000000000000012345678901234567",
]  # fmt: skip
OTHERS = ["", " ", "\t\n\v\f\r ", "1e400", "-1e400", "1e-400", "4.9e-324", "2.2250738585072011e-308"]
NOT_NUMBERS = [
    "x",
    "1x",
    ".",
    "-",
    "+-1",
    "1e",
    "1e+",
    "--1",
    "1_000",
    "0x10",
    "1,5",
    "1d3",
    "1 two",
    "na",
    "infi",
    "1#",
]


def spellings(count: int) -> Iterator[str]:
    """Yield random numbers as programs print them: shortest, fixed, with exponents, with too many digits."""
    rng = random.Random(0)
    for _ in range(count):
        value = rng.choice((rng.gauss(0, 1), rng.uniform(-400, 400), rng.gauss(0, 1) * 10 ** rng.uniform(-40, 40)))
        digits = rng.randrange(20)
        yield rng.choice((f"{value!r}", f"{value:.{digits}f}", f"{value:.{digits}e}", f"{value:.{digits + 1}g}"))


def between_doubles(count: int) -> Iterator[str]:
    """Yield numbers exactly in the middle between two doubles, and those nearest to them, with 19 digits or fewer."""
    rng = random.Random(1)
    while count:
        low = rng.randrange(2**52, 2**53)
        middle = Fraction(2 * low + 1, 2) * Fraction(2) ** rng.randrange(-4, 11)
        for places in range(3):
            if (middle * 10**places).denominator == 1 and middle * 10**places < 10**19:
                whole = int(middle * 10**places)
                yield from (f"{whole + near}e-{places}" for near in (-1, 0, 1))
                count -= 1
                break


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_number_is_that_of_python(text: str) -> None:
    found, plain = numbers(np.frombuffer(text.encode(), np.uint8), 1)
    assert plain
    np.testing.assert_array_equal(found, [float(text)])
    assert np.isnan(found[0]) or np.signbit(found[0]) == text.startswith("-")


def test_random_numbers_are_those_of_python_to_the_last_bit() -> None:
    words = [*spellings(60_000), *between_doubles(3_000)]
    want = np.array([float(word) for word in words])
    found, plain = numbers(np.frombuffer(" ".join(words).encode(), np.uint8), 1)
    assert plain and found.tobytes() == want.tobytes()
    with np.errstate(over="ignore"):
        assert found.astype(np.float32).tobytes() == np.array([np.float32(value) for value in want]).tobytes()


def test_numbers_with_dozens_of_digits_are_those_of_python() -> None:
    rng = random.Random(2)
    words = ["".join(rng.choices("0123456789", k=rng.randrange(20, 60))) for _ in range(3_000)]
    words = [f"{word[: rng.randrange(1, 20)]}.{word}e{rng.randrange(-50, 10)}" for word in words]
    for word in words:
        assert numbers_in(word.encode())[0] == float(word), word
    np.testing.assert_array_equal(numbers_in(" ".join(words).encode()), [float(word) for word in words])


@pytest.mark.parametrize("text", OTHERS)
def test_numbers_beyond_normal_doubles_and_no_numbers_are_those_of_python(text: str) -> None:
    np.testing.assert_array_equal(numbers_in(f"1 {text} 2".encode()), [1.0, *map(float, text.split()), 2.0])


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_no_number_is_not_read_as_one(text: str) -> None:
    assert not numbers(np.frombuffer(f"1 {text}".encode(), np.uint8), 1)[1]


def test_damaged_numbers_are_read_or_refused_as_numpy_does() -> None:
    rng = random.Random(3)
    read = 0
    for word in spellings(4_000):
        letters = list(f" {word} 7")
        for _ in range(rng.randrange(3)):
            letters[rng.randrange(len(letters))] = rng.choice("0123456789+-.eEnaif \t\r\v\0x,")
        text = "".join(letters)
        found, plain = numbers(np.frombuffer(text.encode(), np.uint8), 1)
        try:
            want = [float(part) for part in text.encode().split()]
        except ValueError:
            assert not plain, text
        else:
            np.testing.assert_array_equal(numbers_in(text.encode()), want, text)
            if plain:
                read += 1
                np.testing.assert_array_equal(found, want, text)
    assert read > 2_000
