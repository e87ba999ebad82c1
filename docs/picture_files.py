"""Run commands for the pictures of the documentation, and save the pictures small."""

from pathlib import Path

from PIL import Image

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode


def run(*words: object) -> None:
    """Run a command as it is typed; items of a batch may fail."""
    print("sinonom", *words)
    code = cli.run([*map(str, words), "--quiet"])
    if code not in (ExitCode.DONE, ExitCode.SOME_FAILED):
        raise SystemExit(code)


def save(picture: Image.Image, path: Path, *, colours: int = 96, width: int | None = None, lines: bool = False) -> None:
    """Write a picture as PNG with few colours.

    Parameters
    ----------
    picture : the picture, in colour or grey.
    path : where it is written.
    colours : number of colours that are kept.
    width : greatest width, in pixels; a wider picture is reduced.
    lines : keep the colours of thin lines, at the cost of steps between greys.
    """
    picture = picture.convert("RGB")
    if width is not None and picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    method = Image.Quantize.FASTOCTREE if lines else Image.Quantize.MEDIANCUT
    picture.quantize(colours, method, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
