"""Whether an index that is there was made from the pictures that are there."""

from __future__ import annotations

from collections.abc import Sequence

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.search.index_files import failures_path
from sinonom_cli.search.index_record import index_record
from sinonom_cli.search.indexing.entries import Entry, identity
from sinonom_cli.search.integrity import read_marks, read_rows
from sinonom_cli.storage.own_tables import rows_of
from sinonom_cli.storage.record import Artifact


def refuse_changed(artifact: Artifact, entries: Sequence[Entry], field: str) -> None:
    """Refuse to go on with an index that was made from other pictures, or from these before they changed.

    Parameters
    ----------
    field : of the record, that says what it was made from.

    Raises
    ------
    SinonomError
        With exit code 5; of a complete index it names the first picture.
    """
    was, now = artifact.record.get(field, {}), {"pictures": len(entries), "sha256": identity(entries)}
    if was.get("changed"):
        raise SinonomError(
            f"{artifact.path} has been added to, or taken from, since it was made",
            "--add for what it does not hold, --overwrite to make it again",
            ExitCode.OUTPUT_IN_THE_WAY,
        )
    if was != now:
        raise SinonomError(
            f"{artifact.path} was made from other pictures: {was.get('pictures')} then, {now['pictures']} now"
            + _first_other(artifact, entries),
            "--overwrite, or another output",
            ExitCode.OUTPUT_IN_THE_WAY,
        )


def _first_other(artifact: Artifact, entries: Sequence[Entry]) -> str:
    """Return in words which picture a complete index holds otherwise, or which it holds alone; "" if it cannot tell."""
    marks = read_marks(artifact.path, index_record(artifact.record)) if artifact.state == "complete" else None
    if marks is None:
        return ""
    rows = read_rows(artifact.path, index_record(artifact.record))
    held = {f"{row.set}/{row.item}": mark.tobytes() for row, mark in zip(rows, marks, strict=True)}
    there = {entry.key: entry.mark for entry in entries}
    for words, keys in (
        ("changed", [key for key in held if there.get(key, held[key]) != held[key]]),
        ("gone", [key for key in held if key not in there]),
        ("new", [key for key in there if key not in held]),
    ):
        if keys:
            return f"; {words}: {len(keys)}, the first is {keys[0]}"
    return ""


def failed_before(artifact: Artifact) -> set[str]:
    """Return the keys of the pictures that could not be indexed."""
    path = failures_path(artifact.path)
    if not artifact.counts.get("failed") or not path.exists():
        return set()
    return {row["file"] for row in rows_of(path)}
