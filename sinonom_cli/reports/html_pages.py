"""What the self-contained HTML pages share: templates that escape all text, and pictures as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from jinja2 import Template


def template(folder: str, name: str) -> Template:
    """Return a template of a folder of `reports`, which escapes all text and refuses names that it is not given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("sinonom_cli.reports", folder)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(name)


def jpeg_uri(image: Image.Image, longest: int, quality: int) -> str:
    """Return a picture as the data URI of a JPEG whose longest side has at most `longest` pixels."""
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def jpeg_uri_of(path: Path, longest: int, quality: int) -> str:
    """Return a picture file as `jpeg_uri` does, in colour; "" if it cannot be read."""
    try:
        with Image.open(path) as image:
            return jpeg_uri(image.convert("RGB"), longest, quality)
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""
