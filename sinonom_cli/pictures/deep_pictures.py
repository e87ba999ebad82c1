"""Height maps where depth images and prints are wanted, by `query` and `index`: told by how deep their pixels are."""

from collections.abc import Sequence
from pathlib import Path

from sinonom_cli import console

LOOKED_AT = 64
"""Pictures whose headers are read; a folder holds pictures of one kind."""
_PNG, _DEPTH, _GREY = b"\x89PNG\r\n\x1a\n", 24, 25


def warn_of_height_maps(paths: Sequence[Path]) -> None:
    """Say in one line which pictures have 16 bits or a float a pixel: height maps have, and hardly any print."""
    deep = [path for path in paths[:LOOKED_AT] if _is_deep(path)]
    if deep:
        which = f"{deep[0]} and {len(deep) - 1} more have" if len(deep) > 1 else f"{deep[0]} has"
        console.warn(
            f"{which} more than 8 bits a pixel. Height maps are no pictures of characters yet: make depth images of "
            "them with sinonom render MAPS OUT --pixel MM"
        )


def _is_deep(path: Path) -> bool:
    """Return whether a picture has one channel of more than 8 bits."""
    if not path.is_file():  # a pipe would be waited for
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
    except Exception:  # who reads the picture says what is wrong with it
        return False
    return False
