"""Warn of height maps given to `query` and `index` in place of depth images or prints; their bit depth shows them."""

from collections.abc import Sequence
from pathlib import Path

from sinonom_cli import messages

LOOKED_AT = 64
"""Number of pictures whose headers are read; all pictures in a folder are usually of one kind."""
_PNG, _DEPTH, _GREY = b"\x89PNG\r\n\x1a\n", 24, 25


def warn_of_height_maps(paths: Sequence[Path]) -> None:
    """Warn in one line of pictures with 16 bits or a float per pixel: height maps have them, prints hardly ever."""
    deep = [path for path in paths[:LOOKED_AT] if _is_deep(path)]
    if deep:
        which = f"{deep[0]} and {len(deep) - 1} more have" if len(deep) > 1 else f"{deep[0]} has"
        messages.warn(
            f"{which} more than 8 bits per pixel. If these are height maps, make depth images of them first: "
            "sinonom render MAPS OUT --pixel MM"
        )


def _is_deep(path: Path) -> bool:
    """Return whether a picture has one channel of more than 8 bits."""
    if not path.is_file():  # opening a pipe would wait without end
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_GREY + 1)
        if head.startswith(_PNG):
            return head[_DEPTH:] == b"\x10\0"
        if head[:4] in (b"II*\0", b"MM\0*"):
            from sinonom_cli.pictures.loading import is_deep, opened_picture

            with opened_picture(path) as image:
                return is_deep(image)
    except Exception:  # reading the picture raises the error that the user sees
        return False
    return False
