"""Read text from mesh files: any encoding, any line end, and numbers as programs and countries write them."""

import codecs
import re
from typing import TYPE_CHECKING

from sinonom_cli.storage.tables import encoding_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MARKS = (b"\xff", b"\xfe")
"""First bytes of the byte order marks of UTF-16 and UTF-32."""
_NO_NUMBER = re.compile(rb"[+-]?\d*\.?#(?:IND|QNAN|SNAN|INF)\d*|[+-]?nan\(\w*\)", re.IGNORECASE)
"""Text that C libraries print for NaN and infinities: `-1.#IND`, `1.#QNAN0`, `-nan(ind)`."""
_FORTRAN = re.compile(rb"(?<=[\d.])[dD](?=[+-]?\d)")


def plain_text(content: bytes) -> bytes:
    """Return text as UTF-8 without a byte order mark and with line feeds as line ends; binary content unchanged.

    Parameters
    ----------
    content : text in UTF-8, UTF-16, UTF-32 (this one with a mark), or any encoding that contains ASCII; or binary
        content.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    encoding = encoding_of(content[:256]) if b"\0" in content[:4] or content[:1] in _MARKS else "utf-8"
    if encoding != "utf-8":
        text = content.decode(encoding, "replace").removeprefix("\ufeff")
        if text[:3].isascii() and text[:1].isprintable():
            content = text.encode()
    if b"\0" not in content[:512] and b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content


def numbers_in(text: bytes, count: int = -1) -> "NDArray[np.float64]":
    """Return the numbers in a text, separated by white space, (N,) float64; NaN and infinities are numbers.

    If the text is not made of plain numbers, decimal commas, commas between numbers, Fortran's exponents (1D-3) and
    Windows' forms of NaN are read as well.

    Raises
    ------
    ValueError
        If the text holds something else, or, where `count` is given, a different number of numbers.
    """
    try:
        return _plain_numbers(text, count)
    except ValueError as error:
        first = error
    mended = _NO_NUMBER.sub(b"nan", text) if b"#" in text or b"(" in text else text
    mended = _FORTRAN.sub(b"e", mended) if b"d" in mended or b"D" in mended else mended
    # If points occur as well, commas can only be separators.
    commas = [mended.replace(b",", instead) for instead in (b".", b" ") if instead == b" " or b"." not in mended]
    for candidate in commas if b"," in mended else [mended] if mended != text else []:
        try:
            return _plain_numbers(candidate, count)
        except ValueError:
            continue
    raise first


def _plain_numbers(text: bytes, count: int) -> "NDArray[np.float64]":
    import warnings

    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            numbers = np.fromstring(text, sep=" ") if text.strip() else np.zeros(0)
        except DeprecationWarning:
            raise ValueError("something that is not a number stands in place of a number") from None
    if count not in (-1, len(numbers)):
        raise ValueError(f"{len(numbers):,} numbers instead of {count:,}")
    return numbers
