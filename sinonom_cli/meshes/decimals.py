"""Read decimal numbers in text exactly, as Python's float() does, at memory speed (compiled).

Numbers of up to 15 digits are an integer times or divided by a power of ten that a double holds exactly (Clinger 1990).
All others are rounded by the algorithm of Eisel and Lemire (Lemire, "Number parsing at a gigabyte per second", 2021),
which needs no further digits for up to 19 of them (Mushtak and Lemire, "Fast number parsing without fallback", 2023).
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

MOST_DIGITS = 19
"""Largest number of decimal digits that always fit into 64 bits."""
LEAST_POWER, MOST_POWER = -342, 308
"""Powers of ten between which an integer of 64 bits times that power can be a double other than 0 and infinity."""
EXACT_POWER = 22
"""Largest power of ten that a double holds exactly."""
_LONGEST = 1 << 20
"""Exponents stop growing here: such numbers are 0 or infinite, and are left to others."""


def _powers_of_five() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the 128 leading bits of each power of five, high and low; rounded up below 5^0, and down from there."""
    high, low = [], []
    for power in range(LEAST_POWER, MOST_POWER + 1):
        five = 5 ** abs(power)
        if power < 0:
            shift = five.bit_length() + 127 if power >= -27 else 2 * five.bit_length() + 128
            bits = 2**shift // five + 1
        else:
            bits = five << 128
        bits >>= bits.bit_length() - 128
        high.append(bits >> 64)
        low.append(bits & (2**64 - 1))
    return np.array(high, np.uint64), np.array(low, np.uint64)


_HIGH, _LOW = _powers_of_five()
_TENS = np.array([10.0**power for power in range(EXACT_POWER + 1)])
_ZERO, _ONE, _TEN, _HALF_WORD = np.uint64(0), np.uint64(1), np.uint64(10), np.uint64(32)
_LOW_WORD, _NINE_BITS = np.uint64(2**32 - 1), np.uint64(2**9 - 1)
_WHOLE = np.uint64(2**53)
"""Below it, every whole number is a double."""
_HIDDEN = np.uint64(2**52)
"""Leading bit of a double's fraction, which is not stored."""


@numba.njit(cache=True)
def is_space(byte: int) -> bool:
    """Return whether a byte is ASCII white space, line ends included."""
    return byte == 32 or 9 <= byte <= 13


@numba.njit(cache=True)
def number(text: Any, at: int) -> Any:
    """Read the plain decimal number that begins at byte `at`.

    Parameters
    ----------
    text : (N,) uint8.

    Returns
    -------
    value : float64, the double nearest to the number; NaN and infinities are numbers.
    end : index of the byte after the number; -1 if there is no number, or one that cannot be rounded here (more than 19
        digits that matter, or outside of normal doubles). The caller checks that a number may end there.
    """
    end = len(text)
    negative = at < end and text[at] == 45
    if at < end and (text[at] == 45 or text[at] == 43):
        at += 1
    start, mantissa = at, _ZERO
    while at < end and 48 <= text[at] <= 57:
        mantissa = mantissa * _TEN + np.uint64(text[at] - 48)
        at += 1
    digits, power = at - start, 0
    if at < end and text[at] == 46:
        at += 1
        first = at
        while at < end and 48 <= text[at] <= 57:
            mantissa = mantissa * _TEN + np.uint64(text[at] - 48)
            at += 1
        power = first - at
        digits -= power
    if digits == 0:
        return _word(text, start, negative)
    last = at
    if at < end and (text[at] == 69 or text[at] == 101):
        exponent, at = _exponent(text, at + 1)
        if at < 0:
            return 0.0, -1
        power += exponent
    rest = _ZERO
    if digits > MOST_DIGITS:
        mantissa, dropped, rest = _leading(text, start, last)
        power += dropped
    if mantissa < _WHOLE and -EXACT_POWER <= power <= EXACT_POWER and rest == _ZERO:
        whole = np.float64(mantissa)
        value = whole / _TENS[-power] if power < 0 else whole * _TENS[power]
    elif mantissa == _ZERO:
        value = 0.0
    else:
        value = _rounded(mantissa, power)
        if value < 0.0 or (rest != _ZERO and value != _rounded(mantissa + _ONE, power)):
            return 0.0, -1
    return -value if negative else value, at


@numba.njit(cache=True)
def _exponent(text: Any, at: int) -> Any:
    """Return the whole number at byte `at` and the index after it; index -1 if there is none."""
    end, negative = len(text), False
    if at < end and (text[at] == 45 or text[at] == 43):
        negative = text[at] == 45
        at += 1
    start, exponent = at, 0
    while at < end and 48 <= text[at] <= 57:
        exponent = min(10 * exponent + text[at] - 48, _LONGEST)
        at += 1
    return -exponent if negative else exponent, at if at > start else -1


@numba.njit(cache=True)
def _leading(text: Any, at: int, end: int) -> Any:
    """Return the 19 leading digits, the number of digits after them that count as zeros, and whether one is not 0."""
    mantissa, taken, dropped, rest = _ZERO, 0, 0, _ZERO
    while at < end:
        if text[at] != 46:
            digit = np.uint64(text[at] - 48)
            if taken == MOST_DIGITS:
                dropped, rest = dropped + 1, rest | digit
            elif taken or digit != _ZERO:
                mantissa, taken = mantissa * _TEN + digit, taken + 1
        at += 1
    return mantissa, dropped, rest


@numba.njit(cache=True)
def _word(text: Any, at: int, negative: bool) -> Any:
    """Read NaN or an infinity, spelt nan, inf or infinity in small or capital letters."""
    if _spells(text, at, 110, 97, 110):
        return np.nan, at + 3
    if _spells(text, at, 105, 110, 102):
        long = _spells(text, at + 3, 105, 110, 105) and _spells(text, at + 5, 105, 116, 121)
        return -np.inf if negative else np.inf, at + 8 if long else at + 3
    return 0.0, -1


@numba.njit(cache=True)
def _spells(text: Any, at: int, a: int, b: int, c: int) -> bool:
    """Return whether the three letters at byte `at` are these small letters, or their capitals."""
    return at + 3 <= len(text) and text[at] | 32 == a and text[at + 1] | 32 == b and text[at + 2] | 32 == c


@numba.njit(cache=True)
def _rounded(mantissa: Any, power: int) -> float:
    """Return the double nearest to mantissa * 10**power; -1 if it is not a normal double."""
    if power < LEAST_POWER or power > MOST_POWER:
        return -1.0
    zeros, word = 0, mantissa
    for step in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(64 - step) == _ZERO:
            word, zeros = word << np.uint64(step), zeros + step
    high, low = _product(word, _HIGH[power - LEAST_POWER])
    if high & _NINE_BITS == _NINE_BITS:  # the next 64 bits of the power may carry into the bits that matter
        carry = _product(word, _LOW[power - LEAST_POWER])[0]
        low += carry
        if low < carry:
            high += _ONE
    upper = high >> np.uint64(63)
    shift = upper + np.uint64(9)
    bits = high >> shift
    exponent = ((217706 * power) >> 16) + 63 + np.int64(upper) - zeros + 1023
    if exponent <= 0:
        return -1.0
    if low <= _ONE and -4 <= power <= 23 and bits & np.uint64(3) == _ONE and bits << shift == high:
        bits &= ~_ONE  # exactly between two doubles: the even one
    bits = (bits + (bits & _ONE)) >> _ONE
    if bits == _WHOLE:
        bits, exponent = bits >> _ONE, exponent + 1
    if exponent >= 2047:
        return -1.0
    pattern = np.uint64((bits ^ _HIDDEN) | (np.uint64(exponent) << np.uint64(52)))
    return pattern.view(np.float64)


@numba.njit(cache=True)
def _product(a: Any, b: Any) -> Any:
    """Return the product of two 64-bit numbers: its high and its low 64 bits."""
    a0, a1, b0, b1 = a & _LOW_WORD, a >> _HALF_WORD, b & _LOW_WORD, b >> _HALF_WORD
    middle = a1 * b0 + (a0 * b0 >> _HALF_WORD)
    other = a0 * b1 + (middle & _LOW_WORD)
    return a1 * b1 + (middle >> _HALF_WORD) + (other >> _HALF_WORD), a * b


@numba.njit(cache=True)
def numbers(text: Any, capacity: int) -> Any:
    """Read numbers separated by white space.

    Parameters
    ----------
    text : (N,) uint8.
    capacity : number of numbers for which there is room at first.

    Returns
    -------
    values : (M,) float64.
    plain : False if something in the text is not a plain number; `values` then ends before it.
    """
    values, count, at, end = np.empty(max(capacity, 16)), 0, 0, len(text)
    while True:
        while at < end and is_space(text[at]):
            at += 1
        if at == end:
            return values[:count], True
        value, at = number(text, at)
        if at < 0 or (at < end and not is_space(text[at])):
            return values[:count], False
        if count == len(values):
            more = np.empty(2 * count)
            more[:count] = values
            values = more
        values[count] = value
        count += 1
