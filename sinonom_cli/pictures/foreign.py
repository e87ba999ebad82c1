"""Identify a file that is not a picture in a supported format, by its first bytes."""

from pathlib import Path

HEAD = 512

_BEGINNINGS = (
    (b"%PDF-", "a PDF: pdftoppm, or a viewer, saves its pages as PNG"),
    (b"%!PS", "PostScript: save it as PNG"),
    (b"AT&TFORM", "DjVu: save its pages as PNG"),
    (b"8BPS", "a Photoshop file: save it as PNG"),
    (b"\xff\x0a", "JPEG XL: save it as PNG"),
    (b"\0\0\0\x0cJXL ", "JPEG XL: save it as PNG"),
    (b"\0\0\1\0", "an icon: save it as PNG"),
    (b"v/1\x01", "OpenEXR: save it as TIFF"),
    (b"#?RADIANCE", "Radiance HDR: save it as TIFF"),
    (b"\x93NUMPY", "a numpy array"),
    (b"PK\x03\x04", "an archive, or a document: take the pictures out of it"),
    (b"Rar!", "an archive: take the pictures out of it"),
    (b"7z\xbc\xaf", "an archive: take the pictures out of it"),
    (b"ply", "a mesh: sinonom render makes a picture of it"),
    (b"glTF", "a mesh: sinonom render makes a picture of it"),
    (b"solid ", "a mesh: sinonom render makes a picture of it"),
)
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF: save it as PNG or JPEG"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "HEIC: save it as PNG or JPEG"),
    **dict.fromkeys((b"mif1", b"msf1", b"heif"), "HEIF: save it as PNG or JPEG"),
    b"crx ": "a raw photo of a camera: save it as TIFF or JPEG",
}
"""Names of formats by the brand of a box file (ISO 14496-12)."""


def known_as(path: Path) -> str:
    """Return the format of a file and what to do with it; "" if the file is unknown or cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return ""
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[place : place + 4] for place in range(16, int.from_bytes(head[:4], "big"), 4))]
        exact = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
        # mif1 only says that the file holds pictures; other brands give their kind.
        return next((name for name in exact if not name.startswith("HEIF")), exact[0] if exact else "a video")
    if b"<svg" in head.lower():
        return "SVG: save it as PNG"
    return next((name for beginning, name in _BEGINNINGS if head.startswith(beginning)), "")
