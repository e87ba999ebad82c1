"""Read mesh files as bytes, and text in them: any encoding, any line end, and numbers as programs and countries write
them."""

import codecs
import re
from pathlib import Path
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


def bytes_of(path: Path) -> "NDArray[np.uint8]":
    """Return the bytes of a file, (N,) uint8, read-only.

    The file is not mapped into memory: if another program shortened it meanwhile, that would end this process.
    """
    import numpy as np

    return np.frombuffer(path.read_bytes(), np.uint8)


def usual_text(content: "NDArray[np.uint8]") -> "NDArray[np.uint8] | None":
    """Return a text that contains ASCII as it is, without the mark of UTF-8, if it has one.

    None: the content may be UTF-16, UTF-32 or no text, and `plain_text` has to look at it. Line ends are kept.
    """
    head = content[:512].tobytes()
    if b"\0" in head or head[:1] in _MARKS:
        return None
    return content[3:] if head.startswith(codecs.BOM_UTF8) else content


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


def numbers_in(text: "bytes | NDArray[np.uint8]", count: int = -1) -> "NDArray[np.float64]":
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
    whole = text if isinstance(text, bytes) else text.tobytes()
    mended = _NO_NUMBER.sub(b"nan", whole) if b"#" in whole or b"(" in whole else whole
    mended = _FORTRAN.sub(b"e", mended) if b"d" in mended or b"D" in mended else mended
    # If points occur as well, commas can only be separators.
    commas = [mended.replace(b",", instead) for instead in (b".", b" ") if instead == b" " or b"." not in mended]
    for candidate in commas if b"," in mended else [mended] if mended != whole else []:
        try:
            return _plain_numbers(candidate, count)
        except ValueError:
            continue
    raise first


def _plain_numbers(text: "bytes | NDArray[np.uint8]", count: int) -> "NDArray[np.float64]":
    import numpy as np

    from sinonom_cli.meshes.decimals import numbers

    content = np.frombuffer(text, np.uint8)
    most = (len(content) + 1) // 2
    found, plain = numbers(content, min(count, most) if count >= 0 else most // 4)
    if not plain:
        found = _other_numbers(content.tobytes())
    if count not in (-1, len(found)):
        raise ValueError(f"{len(found):,} numbers instead of {count:,}")
    return found


def _other_numbers(text: bytes) -> "NDArray[np.float64]":
    """Return numbers that are not plain to `decimals`: with dozens of digits, or beyond normal doubles."""
    import warnings

    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, sep=" ") if text.strip() else np.zeros(0)
        except DeprecationWarning:
            raise ValueError("something that is not a number stands in place of a number") from None
