"""Convert the pictures given to the Python interface (paths, arrays, Pillow pictures) to files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from sinonom_cli.errors import BadInput, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from sinonom_cli.storage.inputs import Item

    Picture: TypeAlias = str | Path | NDArray[np.uint8] | Image


def named_as_given(item: Item, reason: str) -> str:
    """Return why a picture could not be used, with the name that the user gave instead of a temporary file's name."""
    return reason.replace(str(item.path), item.key)


@contextmanager
def as_items(images: Any) -> Iterator[list[Item]]:
    """Yield pictures as items with a file; pictures in memory are written to a folder that is removed afterwards."""
    from sinonom_cli.storage.inputs import Item

    given = list(images) if isinstance(images, list | tuple) else [images]
    with TemporaryDirectory(prefix="sinonom-") as folder:
        items = []
        for place, image in enumerate(given):
            if isinstance(image, str | Path):
                items.append(Item(f"{image}", Path(image)))
            else:
                items.append(Item(f"picture {place + 1}", _written(image, Path(folder) / f"{place}", place + 1)))
        yield items


def load(image: str | Path) -> NDArray[np.uint8]:
    """Return a picture file as the program sees it: (H, W) uint8 grey, turned as its EXIF data say.

    Raises
    ------
    BadInput
        If it cannot be read.
    """
    from sinonom_cli.pictures.loading import load_picture

    return load_picture(Path(image), True)


def paths_of(given: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return paths that may be given as one or as several."""
    return [Path(path) for path in ([given] if isinstance(given, str | Path) else given)]


def size_of(image: str | Path) -> tuple[int, int]:
    """Return the width and height that a picture file claims, in pixels, without decoding it.

    Raises
    ------
    BadInput
        If it is no picture of a format that the program opens.
    """
    from sinonom_cli.pictures.loading import opened_picture, reason_of

    try:
        with opened_picture(Path(image)) as opened:
            return opened.size
    except Exception as error:  # Pillow raises nearly anything on bad bytes
        reason = reason_of(Path(image), error)
        raise BadInput(f"{image} {reason}", "give a whole PNG, JPEG, TIFF, WebP or BMP") from error


def _written(image: Any, path: Path, number: int) -> Path:
    """Write a picture in memory to a lossless file and return its path."""
    import numpy as np
    from PIL import Image

    if not isinstance(image, Image.Image):
        array = np.asarray(image)
        colour = array.ndim == 3 and array.shape[2] in (3, 4)
        if array.dtype != np.uint8 or not (array.ndim == 2 or colour) or 0 in array.shape:
            raise UsageError(
                f"picture {number}: an array of shape {array.shape} and type {array.dtype} is not an image",
                "give (H, W), (H, W, 3) or (H, W, 4) of uint8",
            )
        image = Image.fromarray(np.ascontiguousarray(array))
    lossless = image.mode in ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")
    path = path.with_suffix(".png" if lossless else ".tif")
    try:
        image.save(path)
    except Exception as error:
        raise BadInput(f"picture {number}: {error}", "give a Pillow picture that can be saved") from error
    return path
