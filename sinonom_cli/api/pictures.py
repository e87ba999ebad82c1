"""Convert the pictures given to the Python interface (paths, arrays, Pillow pictures) to files."""

from __future__ import annotations

from collections.abc import Iterator
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
