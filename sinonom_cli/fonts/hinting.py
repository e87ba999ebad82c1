"""Remove the hinting programs from fonts whose programs fail."""

import struct
from collections.abc import Iterator


def without_hinting(font: bytes) -> bytes:
    """Return a font file in which FreeType does not find the hinting programs and so skips them.

    The tables are renamed in the table directories, and `maxp` is set to say that no glyph has instructions
    (OpenType specification, maxp: maxSizeOfInstructions at byte 26).
    """
    changed = bytearray(font)
    for entry, tag, offset in _tables(font):
        if tag in (b"fpgm", b"prep"):
            changed[entry : entry + 4] = b"zz" + tag[2:]
        elif tag == b"maxp" and len(font) >= offset + 28:
            changed[offset + 26 : offset + 28] = b"\0\0"
    return bytes(changed)


def _tables(font: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield (position of the entry, tag, position of the table) for every face's table directory."""
    starts = [0]
    if font[:4] == b"ttcf":
        count = struct.unpack_from(">L", font, 8)[0]
        starts = list(struct.unpack_from(f">{count}L", font, 12))
    for start in starts:
        for number in range(struct.unpack_from(">H", font, start + 4)[0]):
            entry = start + 12 + 16 * number
            yield entry, font[entry : entry + 4], struct.unpack_from(">L", font, entry + 8)[0]
