"""Describe image sets one by one, and draw a sheet of them."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.reports.describe_sets import Description, describe
from sinonom_cli.reports.set_text import show
from sinonom_cli.storage.image_set import ImageSet, read_imageset
from sinonom_cli.storage.walk import pages_of

LOOKED_AT = 1_000
"""Number of pictures whose sizes are read by default, which takes about a second on a slow disk."""


def run(paths: Sequence[Path], sheet: Path | None, all_sizes: bool, seed: int, *, as_json: bool) -> None:
    """Print what each set holds.

    Raises
    ------
    SinonomError
        With exit code 4, if a path is not a complete set; with 5, if the path of the sheet is another file; with 6, if
        pictures are missing or damaged.
    """
    from sinonom_cli.reports.contact_sheet import refuse_other_than_sheet

    if sheet:
        refuse_other_than_sheet(sheet)
    found: list[tuple[ImageSet, Description]] = []
    for path in (inner for given in paths for inner in _within(given)):
        images = read_imageset(path, skip=pages_of(sheet))
        description = describe(images, None if all_sizes else LOOKED_AT)
        show(description, as_json)
        # A sheet needs the rows later; without a sheet, up to a million rows are freed before the next set is read.
        found.append((images if sheet else replace(images, pictures=[]), description))
    if sheet:
        from sinonom_cli.reports.set_sheet import draw

        draw(sheet, [images for images, _ in found], seed)
        messages.say(f"some of their pictures: {sheet}")
    bad = [description for _, description in found if description.bad]
    if bad:
        raise SinonomError(
            f"{bad[0].path}: {len(bad[0].bad)} of {bad[0].looked_at} pictures looked at are missing or damaged; "
            f"the first is {bad[0].bad[0]}",
            "copy the whole set again, or make it again with --overwrite",
            ExitCode.SOME_FAILED,
        )


def _within(path: Path) -> list[Path]:
    """Return the sets in a folder such as `data/`; if the path is a set itself or holds no sets, return the path."""
    if not os.path.isdir(path) or (path / "artifact.json").exists():  # noqa: PTH112  # a long name
        return [path]
    return sorted(record.parent for record in path.glob("*/artifact.json")) or [path]
