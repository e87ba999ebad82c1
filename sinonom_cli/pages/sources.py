"""List the pages that files hold, and open them: pictures, TIFF files of several pages, and PDF files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import MissingExtra, SinonomError
from sinonom_cli.pictures.loading import MOST_PIXELS, load_picture, opened_picture, page_frames
from sinonom_cli.storage.image_set import PICTURE_SUFFIXES
from sinonom_cli.storage.inputs import Item, Items, find_inputs
from sinonom_cli.storage.names import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

PDF = ".pdf"
RESOLUTION = 200.0
"""Resolution, in dots per inch, at which a page of a PDF is drawn: a character of 5 mm then has 40 pixels."""
LARGEST_SIDE = 6000
"""Longest side, in pixels, of a drawn page of a PDF."""
_PDFIUM = threading.Lock()
"""Lock around PDFium, which is not safe to be used in two threads at once."""


def find_pages(inputs: Sequence[str], limit: int | None, skip: Sequence[Path]) -> Items:
    """Return an item for each page of the files that the inputs name.

    The key of a page is its file's, and `<file>#<number>` where the file holds several pages. `data` is the page's
    name, which is unique, can be stored on every system and has no suffix; its number in the file, from 0; and the
    columns of its transcript, none here.

    Parameters
    ----------
    inputs : files, folders, globs or "-", as typed.
    limit : largest number of pages; None: all.
    skip : files and folders that the command writes, which are no input.

    Raises
    ------
    SinonomError
        If nothing is found.
    """
    files = find_inputs(inputs, {*PICTURE_SUFFIXES, PDF}, "pages", limit, skip=skip)
    found: list[Item] = []
    for item in files:
        count, fault = (1, item.fault) if item.fault else _pages_in(item.path)
        stem = PurePosixPath(item.key).with_suffix("").as_posix()
        for k in range(count):
            key, name = (f"{item.key}#{k + 1}", f"{stem}-{k + 1}") if count > 1 else (item.key, stem)
            found.append(replace(item, key=key, data=(name, k, ()), fault=fault))
    found = found[:limit]
    names = distinct({item.key: item.data[0] for item in found}, "")
    return Items([replace(item, data=(names[item.key], *item.data[1:])) for item in found], files.passed_over)


def load_page(path: Path, number: int) -> NDArray[np.uint8]:
    """Return a page as grey levels, (H, W) uint8, turned as its EXIF data say.

    Parameters
    ----------
    path : a picture or a PDF file.
    number : number of the page in the file, from 0.

    Raises
    ------
    SinonomError
        If it cannot be read, or has too many pixels.
    """
    return _drawn(path, number) if path.suffix.lower() == PDF else load_picture(path, True, number)


def _pages_in(path: Path) -> tuple[int, str]:
    """Return the number of pages in a file, and why they cannot be counted or "".

    The frames of an animation are no pages.
    """
    try:
        if path.suffix.lower() == PDF:
            with _PDFIUM:
                document = _opened(path)
                try:
                    count = len(document)
                finally:
                    document.close()
            return (count, "") if count else (1, "it has no pages")
        with opened_picture(path) as image:
            return len(page_frames(image)), ""
    except MissingExtra:
        raise
    except SinonomError as error:
        return 1, error.message
    except Exception:  # what is wrong with a picture is said when it is read
        return 1, ""


def _opened(path: Path) -> Any:
    """Open a PDF file; the caller holds the lock.

    Raises
    ------
    MissingExtra
        If pypdfium2 is not installed.
    """
    try:
        import pypdfium2
    except ImportError:
        raise MissingExtra("reading PDF files needs pypdfium2", "pip install 'sinonom[pdf]'") from None
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        reason = "it is protected by a password" if locked else "it cannot be read as a PDF"
        raise SinonomError(f"{path}: {reason}", "save it again without a password" if locked else "") from None
    except OSError as error:
        raise SinonomError(f"{path} cannot be read: {error.strerror or error}") from None


def _drawn(path: Path, number: int) -> NDArray[np.uint8]:
    """Draw a page of a PDF in grey on white, at `RESOLUTION` and at most `LARGEST_SIDE` pixels long."""
    with _PDFIUM:
        document = _opened(path)
        try:
            page = document[number]
            width, height = page.get_size()
            if not 0 < min(width, height) <= max(width, height) < MOST_PIXELS:
                raise SinonomError(f"page {number + 1} of {path} has no area")
            scale = min(RESOLUTION / 72, LARGEST_SIDE / max(width, height))
            picture = page.render(scale=scale, grayscale=True, fill_color=(255, 255, 255, 255)).to_numpy()
        finally:
            document.close()
    return np.ascontiguousarray(picture.reshape(picture.shape[:2]), np.uint8)
