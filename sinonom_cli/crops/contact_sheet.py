"""Draw columns with their cuts on a contact sheet, for a human to check."""

import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from sinonom_cli import messages
from sinonom_cli.crops.crop_column import CropColumn, Done
from sinonom_cli.crops.transcripts import ILLEGIBLE
from sinonom_cli.errors import SinonomError
from sinonom_cli.reports.contact_sheet import FAINT, INK, fitted, sheet_font, write_sheet
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.own_tables import read_table

ZOOM, CROP, EDGE, HEAD, WIDEST = 2, 40, 8, 30, 1800
"""Scale of a patch; side of a crop, margin, height of captions and greatest width of the sheet, in its pixels."""
TALLEST = 1600
"""Greatest length of the longer side of a patch or page on the sheet, in pixels; larger ones are reduced."""
SURE, DOUBTFUL, CUT = (0, 130, 60), (210, 0, 0), (90, 120, 255)


def chosen(items: Sequence[Item], out: Path, count: int, seed: int, worst: bool) -> list[Item]:
    """Return the columns to draw: a random sample or, if `worst`, those with the least confident characters."""
    usable = [item for item in items if not item.data.fault]
    if not worst:
        return random.Random(seed).sample(usable, min(count, len(usable)))
    least: dict[str, float] = {}
    for table in (out / "metadata.csv", out / "doubtful.csv"):
        for row in read_table(table)[1] if table.exists() else ():
            name = row["source"]
            least[name] = float(row["confidence"])

    def sureness(item: Item) -> float:
        line = item.data
        numbers = range(line.first, line.first + len(line.transcript))
        return min((least.get(f"{line.picture}#{k}", 1.0) for k in numbers), default=1.0)

    return sorted(usable, key=sureness)[:count]


def draw_sheet(path: Path, items: Sequence[Item], work: CropColumn) -> None:
    """Cut columns again and draw each beside its crops; columns that cannot be cut are left out.

    Cuts are blue. The box of a character's ink is green or, if the character is doubtful, red.

    Raises
    ------
    SinonomError
        If no column can be cut, or a file that is not such a sheet lies at `path`.
    """
    panels = []
    for item in items:
        try:
            panels.append(_panel(item, work.cut(item), work.doubtful_below))
        except SinonomError as error:
            messages.detail(f"{item.key}: {error.message}")
    if not panels:
        raise SinonomError("there is nothing to draw: none of the chosen columns could be cut", "give another --seed")
    write_sheet(path, _laid_out(panels))


def _panel(item: Item, done: Done, doubtful_below: float) -> Image.Image:
    zoom = min(ZOOM, TALLEST / max(done.grey.shape))
    tall, side = (max(1, round(zoom * pixels)) for pixels in done.grey.shape)
    panel = Image.new("RGB", (side + CROP + 2 * EDGE, tall + HEAD + EDGE), "white")
    draw, font = ImageDraw.Draw(panel), sheet_font()
    picture = Image.fromarray(done.grey).resize((side, tall), Image.Resampling.BICUBIC)
    panel.paste(picture, (0, HEAD))
    for row in done.edges:
        y = HEAD + round(zoom * row)
        draw.line([(0, y), (side, y)], fill=CUT)
    free = HEAD
    for piece in done.pieces:
        if piece.crop is None:
            continue
        x0, y0, x1, y1 = (round(zoom * value) for value in piece.crop.box)
        doubtful = piece.confidence < doubtful_below and piece.char not in ILLEGIBLE
        draw.rectangle((x0, HEAD + y0, max(x0, x1 - 1), HEAD + max(y0, y1 - 1)), outline=DOUBTFUL if doubtful else SURE)
        # The crop stands beside its character, or lower where the crop above would overlap it.
        y = max(free, HEAD + (y0 + y1 - CROP) // 2)
        panel.paste(Image.fromarray(piece.crop.picture).resize((CROP, CROP)), (side + 2, y))
        free = y + CROP + 1
    sure = [piece.confidence for piece in done.pieces if piece.char not in ILLEGIBLE]
    draw.text((0, 0), fitted(item.key.rpartition("/")[2][-14:], font, panel.width - 2), fill=FAINT, font=font)
    text = f"{len(done.pieces)}: {min(sure, default=1.0):.2f}"
    draw.text((0, 14), text, fill=DOUBTFUL if min(sure, default=1.0) < doubtful_below else INK, font=font)
    return panel


def _laid_out(panels: list[Image.Image]) -> Image.Image:
    rows: list[list[Image.Image]] = [[]]
    for panel in panels:
        if rows[-1] and sum(other.width for other in rows[-1]) + panel.width > WIDEST:
            rows.append([])
        rows[-1].append(panel)
    width = max(sum(panel.width for panel in row) for row in rows)
    page = Image.new("RGB", (width + EDGE, sum(max(panel.height for panel in row) for row in rows) + EDGE), "white")
    y = EDGE
    for row in rows:
        x = EDGE
        for panel in row:
            page.paste(panel, (x, y))
            x += panel.width
        y += max(panel.height for panel in row)
    return page
