"""Draw the curves of a training as `curves.png`, and write TensorBoard events if TensorBoard is installed."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from sinonom_cli.reports.contact_sheet import FAINT, INK, sheet_font, write_sheet

WIDTH, HEIGHT = 640, 150
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 22, 18
PANELS = (
    ("loss (black), of it the teacher's part (grey)", ("loss", "teacher")),
    ("share not in order yet (black), mean distance (grey)", ("active", "spread")),
    ("held out, MRR@5: other prints (black), same print (grey)", ("val_mrr@5", "val_mrr@5_same_print")),
)
SHADES = (INK, (160, 160, 160))


def draw_curves(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Draw the lines of `metrics.csv` in three panels: the loss, the progress of learning, and the validation.

    Parameters
    ----------
    rows : lines with the columns of `metrics_log.METRICS_COLUMNS`; empty cells are left out.
    """
    page = Image.new("RGB", (WIDTH, HEIGHT * len(PANELS)), (255, 255, 255))
    draw, font = ImageDraw.Draw(page), sheet_font()
    last = max((int(row["step"]) for row in rows), default=1)
    for number, (title, names) in enumerate(PANELS):
        curves = [[(int(row["step"]), float(row[name])) for row in rows if row.get(name)] for name in names]
        curves = [[point for point in curve if math.isfinite(point[1])] for curve in curves]
        values = [value for curve in curves for _, value in curve]
        low, high = min([0.0, *values]), max([*values, 1e-9])
        box = (LEFT, number * HEIGHT + TOP, WIDTH - RIGHT, (number + 1) * HEIGHT - BOTTOM)
        draw.rectangle(box, outline=FAINT)
        draw.text((LEFT, number * HEIGHT + 6), title, fill=INK, font=font)
        draw.text((4, box[1] - 4), f"{high:.3g}", fill=FAINT, font=font)
        draw.text((4, box[3] - 8), f"{low:.3g}", fill=FAINT, font=font)
        draw.text((box[2] - 50, box[3] + 2), f"step {last}", fill=FAINT, font=font)
        for shade, curve in reversed(list(zip(SHADES, curves, strict=True))):
            points = [
                (
                    box[0] + (box[2] - box[0]) * step / last,
                    box[3] - (box[3] - box[1]) * (value - low) / (high - low),
                )
                for step, value in curve
            ]
            for x, y in points if len(points) < 30 else []:
                draw.rectangle((x - 1, y - 1, x + 1, y + 1), fill=shade)
            if len(points) > 1:
                draw.line(points, fill=shade, width=1)
    write_sheet(path, page)


def events(folder: Path, begun: int) -> Any:
    """Return a writer of TensorBoard events that purges those after step `begun`; None without TensorBoard."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=begun + 1)
