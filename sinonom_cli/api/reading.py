"""Read pages from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.api.pictures import as_items, named_as_given, paths_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.pages.reading import Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from sinonom_cli.api.pictures import Picture
    from sinonom_cli.layout.given_corrections import Given


@dataclass(frozen=True, kw_only=True)
class Page(Reading):
    """A page that was read: the fields of `pages.reading.Reading`, its text, and its picture.

    Attributes
    ----------
    picture : (H, W) uint8, grey, as it is shown.
    """

    picture: NDArray[np.uint8] = field(repr=False)

    def __str__(self) -> str:
        return self.text

    def image(self) -> Image:
        """Return the page as a Pillow image, its characters outlined, numbered and named."""
        from PIL import Image

        from sinonom_cli.pages.run import overlay

        return Image.fromarray(overlay(self, self.picture))

    def json(self) -> str:
        """Return the page as the JSON that `sinonom read` writes."""
        from sinonom_cli.pages.exports.json_file import json_file

        return json_file(self)

    def _repr_png_(self) -> bytes:
        import io

        buffer = io.BytesIO()
        self.image().save(buffer, "PNG")
        return buffer.getvalue()


def read(
    page: Picture,
    *,
    number: int = 1,
    direction: str = "vertical",
    mirrored: bool | None = None,
    turned: int | None = None,
    char_height: float | None = None,
    reject: bool = False,
    context: bool = True,
    corrections: str | Path | Sequence[str | Path] = (),
) -> Page:
    """Read a page of Hán-Nôm text, as `sinonom read` does.

    Parameters
    ----------
    page : path of a picture or a PDF file, (H, W) or (H, W, 3) uint8 array, or Pillow picture.
    number : number of the page in a TIFF or PDF file, from 1.
    direction : "vertical" or "horizontal".
    mirrored, turned : how the picture lies: whether it is a mirror image, and by how many degrees (0, 90, 180, 270) it
        must be turned clockwise; None: found.
    char_height : height of an ordinary character, pixels; None: found.
    reject : give no name to characters that match no known one.
    context : judge names by look-alikes on the page and by neighbours too.
    corrections : files of corrections that people made in `sinonom serve`, or their folders; `page` is a path then.

    Returns
    -------
    The page: `text`, a column a line; `columns()`; `characters`, each with box, outline and five names; `image()`.

    Raises
    ------
    BadInput
        If the picture cannot be read or shows no page of Hán-Nôm text, or the corrections are of other pages.

    Examples
    --------
    >>> import numpy as np
    >>> from PIL import Image
    >>> import sinonom_cli as sinonom
    >>> from sinonom_cli.assets import GLYPHS
    >>> files = sorted((GLYPHS / "yuji" / "images").glob("*/*.png"))[23:32]
    >>> cells = [np.pad(np.asarray(Image.open(file).convert("L")), 8, constant_values=255) for file in files]
    >>> page = sinonom.read(np.hstack([np.vstack(cells[k : k + 3]) for k in (6, 3, 0)]))
    >>> print(page)
    南及史
    各名吏
    命喃四
    >>> page.characters[0].names[0].char, page.characters[0].column
    ('南', 1)
    """
    from sinonom_cli.pages.laid import PageOptions
    from sinonom_cli.pages.read_page import see_page
    from sinonom_cli.pages.sources import load_page

    options = PageOptions(
        direction=_direction(direction),
        mirrored=mirrored,
        turned=turned,
        size=char_height,
        reject=reject,
        context=context,
    )
    with as_items(page) as (item,):
        try:
            grey = load_page(item.path, number - 1)
            name, given = Path(item.key).stem, None
            if corrections:
                name, given = _given(page, number, corrections)
            seen = see_page(
                grey, page=name, source=item.key, options=options, corrections=given, path=item.path if given else None
            )
        except SinonomError as error:
            raise type(error)(named_as_given(item, error.message), error.hint) from None
    return Page(**vars(seen.reading), picture=grey)


def _given(page: Picture, number: int, corrections: str | Path | Sequence[str | Path]) -> tuple[str, Given]:
    """Return the name that `sinonom read` gives to a page, and its corrections."""
    from sinonom_cli.errors import UsageError
    from sinonom_cli.layout.given_corrections import given_corrections
    from sinonom_cli.pages.sources import find_pages

    if not isinstance(page, str | Path):
        raise UsageError("corrections belong to a file, not to a picture in memory", "give the path of the page")
    item = find_pages([str(page)], None, ())[number - 1]
    name = str(item.data[0])
    return name, given_corrections(paths_of(corrections), [item], "pages")[name]


def _direction(direction: str) -> Any:
    from sinonom_cli.errors import UsageError

    if direction not in ("vertical", "horizontal"):
        raise UsageError(f"direction {direction!r} is unknown", "give 'vertical' or 'horizontal'")
    return direction
