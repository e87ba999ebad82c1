"""Check whether an existing index was made from the pictures that exist now."""

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
    """Refuse to continue an index that was made from other pictures, or from these before they changed.

    Parameters
    ----------
    field : name of the record's field that says what the index was made from.

    Raises
    ------
    SinonomError
        With exit code 5; for a complete index, the message names the first different picture.
    """
    was, now = artifact.record.get(field, {}), {"pictures": len(entries), "sha256": identity(entries)}
    if was.get("changed"):
        raise SinonomError(
            f"{artifact.path} was changed by --add or --remove after it was made",
            "use --add for new and changed pictures, or --overwrite to make it again",
            ExitCode.OUTPUT_IN_THE_WAY,
        )
    if was != now:
        raise SinonomError(
            f"{artifact.path} was made from other pictures: {was.get('pictures')} then, {now['pictures']} now"
            + _first_other(artifact, entries),
            "use --overwrite, or another output",
            ExitCode.OUTPUT_IN_THE_WAY,
        )


def _first_other(artifact: Artifact, entries: Sequence[Entry]) -> str:
    """Return the end of a message: the first picture that has changed, is gone or is new; "" if it is unknown."""
    record = index_record(artifact.record) if artifact.state == "complete" else None
    marks = read_marks(artifact.path, record) if record and not record.store else None
    if record is None or marks is None:
        return ""
    rows = read_rows(artifact.path, record)
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
