"""Encode pictures for a terminal, in the protocols of kitty and iTerm2 and in sixel (DEC 1983)."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

CHUNK = 4096
"""Largest number of bytes in one escape sequence of kitty's protocol."""
COLOURS = 32
"""Number of colours of a sixel picture."""


def protocol_of(environment: Mapping[str, str]) -> str | None:
    """Return the protocol that a terminal understands, by its environment variables; None if none is known.

    Inside tmux and screen the result is None, because they pass pictures on only if their settings say so.
    """
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if term.startswith(("tmux", "screen")) or "TMUX" in environment:
        return None
    if "KITTY_WINDOW_ID" in environment or term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm", "mintty") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    if term.startswith(("foot", "mlterm", "yaft", "contour")) or "sixel" in term or "WT_SESSION" in environment:
        return "sixel"
    return None


def escaped(image: Image.Image, protocol: str) -> str:
    """Return the escape sequences that show a picture when they are printed.

    Parameters
    ----------
    image : RGB picture.
    protocol : "kitty", "iterm" or "sixel".
    """
    if protocol == "sixel":
        return _sixel(image)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    coded = base64.b64encode(buffer.getvalue()).decode("ascii")
    if protocol == "iterm":
        return f"\033]1337;File=inline=1;size={len(buffer.getvalue())};width={image.width}px:{coded}\a"
    parts = [coded[start : start + CHUNK] for start in range(0, len(coded), CHUNK)]
    told = ["a=T,f=100,"] + [""] * (len(parts) - 1)
    more = [1] * (len(parts) - 1) + [0]
    return "".join(f"\033_G{first}m={on};{part}\033\\" for first, on, part in zip(told, more, parts, strict=True))


def _sixel(image: Image.Image) -> str:
    """Encode a picture in bands of six rows; each band has a line of characters for each of its colours."""
    drawn = image.quantize(COLOURS, dither=Image.Dither.NONE)
    pixels = np.asarray(drawn)
    palette = np.array(drawn.getpalette(), np.int64).reshape(-1, 3)
    height, width = pixels.shape
    parts = [f'\033P0;1q"1;1;{width};{height}']
    parts += [f"#{n};2;" + ";".join(str(round(v * 100 / 255)) for v in palette[n]) for n in range(pixels.max() + 1)]
    for top in range(0, height, 6):
        band = pixels[top : top + 6]
        bits = (1 << np.arange(len(band)))[:, None]
        lines = [f"#{n}{_runs(((band == n) * bits).sum(axis=0) + 63)}" for n in np.unique(band).tolist()]
        parts.append("$".join(lines) + "-")
    return "".join([*parts, "\033\\"])


def _runs(codes: np.ndarray) -> str:
    """Return character codes, (width,) integers, as text; longer runs are written as `!COUNT` and the character."""
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lengths = np.diff(starts, append=len(codes)).tolist()
    text = (chr(code) for code in codes[starts].tolist())
    return "".join(f"!{n}{c}" if n > 3 else c * n for c, n in zip(text, lengths, strict=True))
