"""Compare the pictures per second of `sinonom synth-fonts`, with degradation and PNG writing, with the 2024 report.

For every character, the report's method opens the font with fontTools, looks the character up, draws it with Pillow and
writes it. Both methods draw the same faces and characters in one run. The report's method is measured before and after
sinonom, on few characters. Other programs on the machine change user time little, but wall-clock time much.

Run: `python benchmarks/synth_fonts.py [FONT...]` (by default, four faces of Debian's packages).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import Column, publish, result_option

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from sinonom_cli.storage.image_set import read_imageset  # noqa: E402

FONTS = (
    "truetype/lxgw-wenkai/LXGWWenKai-Bold.ttf",
    "truetype/hanazono/HanaMinA.ttf",
    "opentype/noto/NotoSerifCJK-Bold.ttc",
    "truetype/cwtex/cwfs.ttf",
)
OURS, THEIRS = 1500, 10
WORKERS = 2

REPORT = """
import sys
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont
chars, out, *paths = sys.argv[1:]
for number, path in enumerate(paths):
    for char in chars:
        font = TTFont(path, fontNumber=0)
        if ord(char) not in font.getBestCmap():
            continue
        picture = Image.new("L", (64, 64), 255)
        ImageDraw.Draw(picture).text((32, 32), char, font=ImageFont.truetype(path, 56), fill=0, anchor="mm")
        picture.save(f"{out}/{number}-{ord(char):X}.png")
"""


def seconds(command: list[str]) -> tuple[float, float]:
    """Return the seconds that a command takes, on the clock and in user time, including its workers."""
    before, started = os.times(), time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    taken, after = time.perf_counter() - started, os.times()
    return taken, after.children_user - before.children_user


def report(fonts: list[str], chars: str, folder: Path) -> tuple[float, float, int]:
    """Draw as the report did; return seconds on the clock, seconds of user time and the number of pictures."""
    folder.mkdir()
    clock, processor = seconds([sys.executable, "-c", REPORT, chars[:THEIRS], str(folder), *fonts])
    return clock, processor, len(list(folder.iterdir()))


def ours(fonts: list[str], chars: str, out: Path, options: list[str]) -> tuple[float, float, int]:
    """Draw with `sinonom synth-fonts`; return seconds on the clock, seconds of user time and number of pictures."""
    command = [sys.executable, "-m", "sinonom_cli", "synth-fonts", *fonts, str(out), "--chars", chars]
    clock, processor = seconds([*command, "--workers", str(WORKERS), *options])
    return clock, processor, len(read_imageset(out).pictures)


def main(fonts: list[str], result: Path | None) -> None:
    """Publish the pictures per second and user time per picture of both methods, and the ratios."""
    from sinonom_cli.fonts.charset import charset_asked

    charset = charset_asked("nomnaocr", "", [])
    assert charset is not None
    chars = "".join(charset.chars[:OURS])
    fonts = fonts or [f"/usr/share/fonts/{name}" for name in FONTS if Path("/usr/share/fonts", name).is_file()]
    if not fonts:
        sys.exit("none of Debian's fonts is here: give font files")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours(
            fonts[:1], chars[:8], folder / "warm", ["--degrade", "0,0.6"]
        )  # compiles everything before the measurement
        theirs = report(fonts, chars, folder / "theirs")
        kinds = {
            "three stroke weights, clean and worn": ["--degrade", "0,0.6"],
            "one picture a glyph, worn": ["--strokes", "0", "--degrade", "0.6"],
        }
        found = {kind: ours(fonts, chars, folder / str(k), options) for k, (kind, options) in enumerate(kinds.items())}
        again = report(fonts, chars, folder / "again")
    clock, processor, count = (one + other for one, other in zip(theirs, again, strict=True))
    one, one_busy = clock / count, processor / count
    lines = [("the report's way", count, 1 / one, 1000 * one_busy, 1.0, 1.0)]
    for kind, (wall, busy, pictures) in found.items():
        each, user = wall / pictures, busy / pictures
        lines.append((kind, pictures, 1 / each, 1000 * user, one / each, one_busy / user))
    publish(
        result,
        "`synth-fonts` draws glyphs many times as fast as a program that opens the font for every character.",
        [
            Column("way"),
            Column("pictures", ","),
            Column("a second", ",.0f"),
            Column("ms of user time each", ".2f"),
            Column("times as fast on the clock", ",.0f"),
            Column("in user time", ",.0f"),
        ],
        lines,
        peer="a loop that opens the font with fontTools for every character and draws with Pillow, as the report did",
        notes=f"{len(fonts)} fonts, {len(chars):,} characters, {WORKERS} workers, start included.",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("fonts", nargs="*", help="font files; by default, four faces of Debian's packages")
    result_option(parser)
    given = parser.parse_args()
    main(given.fonts, given.result)
