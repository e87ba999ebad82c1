"""Say what is doubtful about a whole set of crops."""

from contextlib import suppress
from pathlib import Path

from sinonom_cli import messages
from sinonom_cli.crops.label_check import read_reader
from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.storage.record import Artifact
from sinonom_cli.storage.tables import Table

SAMPLE, FEWEST = 64, 20
"""Largest number of crops that are looked at, and smallest number from which anything is concluded."""
LOOKS_ALIKE = 0.5
"""Factor of the confidence (see `Likeness`) above which a crop looks like its character."""
AGREE = 0.5
"""Share of these below which the names are doubted. Of right transcripts of NomNaOCR, 0.95 of the crops look like their
character; with the transcripts of other patches of about equal length, none does."""


def say_what_was_left_out(artifact: Artifact) -> None:
    """Say how many characters are doubtful and not in the set; warn if these are more than those in it."""
    kept, doubtful = (artifact.counts.get(name, 0) for name in ("images", "doubtful"))
    if doubtful:
        tell = messages.warn if doubtful > kept else messages.say
        tell(f"doubtful characters, left out: {doubtful:,} of {kept + doubtful:,}; doubtful.csv gives the reasons")


def warn_of_other_text(out: Path) -> None:
    """Warn if most crops of a set look like other characters than those that name them.

    The number of characters may fit a wrong transcript, so that its cuts are not doubtful.

    Parameters
    ----------
    out : the image set.
    """
    rows = [row.cells for row in Table(out / "metadata.csv", ("file_name", "char"), names=True) if row.cells["char"]]
    rows = [rows[len(rows) * k // SAMPLE] for k in range(SAMPLE)] if len(rows) > SAMPLE else rows
    if len(rows) < FEWEST:
        return
    with suppress(SinonomError):  # without the model that ships, nothing is compared
        pictures = [load_picture(out / row["file_name"]) for row in rows]
        found = [one for one in read_reader()(pictures, [row["char"] for row in rows]) if one is not None]
        agree = sum(one.factor > LOOKS_ALIKE for one in found)
        if len(found) >= FEWEST and agree < AGREE * len(found):
            messages.warn(
                f"of {len(found)} characters that were looked at, only {agree} look like what names them: are these "
                "the transcripts of these pictures? --check finds the others"
            )
