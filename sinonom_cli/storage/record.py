"""Read and write the record of an output: its kind, how it was made, and whether it is complete.

A folder artifact keeps it in `artifact.json`, an index in `<index>.json`. It is written as `running` when the work
begins, and as `complete` after everything else is written.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinonom_cli import __version__
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.atomic import write_json
from sinonom_cli.storage.lock import LOCK, locked
from sinonom_cli.storage.overlap import refuse_overlap
from sinonom_cli.storage.record_fields import EVERY, OF_KIND, wrong_field

SCHEMA = 1
REMOVING = "removing"
"""Status of an artifact whose files are being removed; the next command removes the rest and starts from the
beginning."""

NAMES = {
    "imageset": "an image set",
    "meshset": "a mesh set",
    "model": "a model",
    "index": "an index",
    "localizer": "a localizer",
    "detector": "a detector",
    "reading": "a reading",
}


@dataclass
class Artifact:
    """An output on disk: its path, its record, and its state.

    `state` is "new" (nothing existed), "running" (begun earlier, to be resumed) or "complete".
    """

    path: Path
    record: dict[str, Any]
    state: str

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of items of each kind."""
        return self.record.get("counts", {})


def record_path(path: Path, kind: str) -> Path:
    """Return the path of the record of the artifact at `path`."""
    return path.with_name(path.name + ".json") if kind == "index" else path / "artifact.json"


def read_record(path: Path, kind: str) -> dict[str, Any]:
    """Read the record of a complete artifact.

    Raises
    ------
    SinonomError
        If there is no record, or it is of another kind or a newer schema, or not complete.
    """
    where, name = record_path(path, kind), NAMES.get(kind, kind)
    if not where.exists():
        missing = "does not exist" if not path.exists() else f"is not {name}: it has no {where.name}"
        raise SinonomError(f"{path} {missing}", f"make {name} with sinonom; see sinonom --help")
    record = _load(where)
    if record is None or record.get("kind") != kind:
        found = "something else" if record is None else NAMES.get(record.get("kind", ""), "something else")
        raise SinonomError(f"{path} is {found}, not {name}", f"give the path of {name}")
    if record["schema"] > SCHEMA:
        raise SinonomError(
            f"{path} was written by sinonom {record.get('tool_version')}, newer than this one",
            "pip install --upgrade sinonom",
        )
    if record.get("status") != "complete":
        raise SinonomError(f"{path} is not complete", "run the command that makes it again: it goes on")
    if wrong := wrong_field(record, OF_KIND.get(kind, {})):
        raise SinonomError(f"{where} is damaged: {wrong}", f"make {name} again, or copy all of it again")
    return record


@contextmanager
def writing(path: Path, kind: str, inputs: Iterable[Path]) -> Iterator[None]:
    """Reserve an output for this process while the block begins, makes and finishes it.

    Parameters
    ----------
    path, kind : as for `begin`.
    inputs : every file and folder that the command reads, including those that options name.

    Raises
    ------
    SinonomError
        With exit code 5, if the output is or holds an input, if something there was not made by this program, or if
        another process is writing it. Nothing has been changed in these cases.
    """
    from sinonom_cli.storage.removal import FAILURES, INDEX_FILES  # reading alone starts faster

    inputs = list(inputs)
    suffixes = ("", *INDEX_FILES.values(), FAILURES, ".json") if kind == "index" else ("",)
    for suffix in suffixes:
        refuse_overlap(path.with_name(path.name + suffix) if suffix else path, inputs)
    if _load(record_path(path, kind)) is None:
        refuse_foreign_output(path, kind)
    with locked(path, kind):
        yield


def begin(
    path: Path,
    kind: str,
    options: dict[str, Any],
    inputs: dict[str, Any],
    overwrite: bool = False,
    *,
    writes: Iterable[str] = (),
    only_look: bool = False,
) -> Artifact:
    """Begin an artifact, or determine that it is already begun or complete.

    Parameters
    ----------
    path : the folder (or, for an index, the file) to make.
    kind : "imageset", "meshset", "model", "index", ...
    options : everything that affects the output; JSON types only.
    inputs : identities of the inputs; JSON types only; the caller compares them.
    overwrite : whether to replace an existing artifact of the same kind. Its files are removed here; the caller has
        already checked that the command can work.
    writes : files that will be written into the folder; they must not exist yet, except as files of a replaced
        artifact.
    only_look : whether to return the state that the artifact will have without changing anything.

    Raises
    ------
    SinonomError
        With exit code 5, if something is in the way: a file or folder not made by this program, another kind of
        artifact, or one made with other options (the difference is shown).
    """
    options = json.loads(json.dumps(options))
    record = {
        "kind": kind,
        "schema": SCHEMA,
        "tool": "sinonom",
        "tool_version": __version__,
        "status": "running",
        "options": options,
        "inputs": inputs,
    }
    where = record_path(path, kind)
    old = _load(where)
    if old is None:
        refuse_foreign_output(path, kind)
    elif old.get("kind") != kind:
        found = NAMES.get(old.get("kind", ""), "something else")
        raise _in_the_way(f"{path} is {found}, not {NAMES.get(kind, kind)}", "choose another output")
    elif overwrite or old.get("status") == REMOVING:
        _refuse_what_somebody_put_there(path, kind, old, writes)
        if not only_look:
            from sinonom_cli.storage.removal import remove

            write_json(where, {**old, "status": REMOVING})  # a kill from here on leaves no complete artifact
            remove(path, kind, old)
        old = None
    elif old.get("options") != options:
        shown = difference(old.get("options", {}), options)
        raise _in_the_way(f"{path} was made with other options: {shown}", "use --overwrite, or another output")
    if old is not None:
        return Artifact(path, old, "complete" if old.get("status") == "complete" else "running")
    if not only_look:
        write_json(where, record)
    return Artifact(path, record, "new")


def finish(artifact: Artifact, **fields: Any) -> Artifact:
    """Write the record as complete, with `fields` added; do this last."""
    artifact.record = {**artifact.record, **fields, "tool_version": __version__, "status": "complete"}
    write_json(record_path(artifact.path, artifact.record["kind"]), artifact.record)
    artifact.state = "complete"
    return artifact


def reopen(artifact: Artifact) -> None:
    """Mark a complete artifact as running again, because more work follows."""
    artifact.record = {**artifact.record, "status": "running"}
    write_json(record_path(artifact.path, artifact.record["kind"]), artifact.record)
    artifact.state = "running"


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return the options that differ, in words: `size is 64 there and 96 here`."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return "; ".join(f"{key} is {_short(old.get(key))} there and {_short(new.get(key))} here" for key in keys)


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _load(where: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(where.read_text(encoding="utf-8", errors="surrogateescape"))
    except (ValueError, OSError, RecursionError):
        return None
    ours = isinstance(record, dict) and record.get("tool") == "sinonom" and not wrong_field(record, EVERY)
    return record if ours else None


def _in_the_way(message: str, hint: str) -> SinonomError:
    return SinonomError(message, hint, ExitCode.OUTPUT_IN_THE_WAY)


def refuse_foreign_output(path: Path, kind: str) -> None:
    """Refuse to make an artifact where something exists that has no record of this program.

    Raises
    ------
    SinonomError
        With exit code 5.
    """
    if kind == "index":
        from sinonom_cli.storage.removal import FAILURES, INDEX_FILES, is_table

        suffixes = ("", ".json", *INDEX_FILES.values(), FAILURES)
        for suffix in suffixes:
            taken = path.with_name(path.name + suffix)
            if os.path.lexists(taken) and not is_table(path, suffix):
                raise _in_the_way(f"{taken} exists and was not made by sinonom", "choose another output")
        return
    if os.path.isdir(path):  # noqa: PTH112  # False for a name that no disk accepts
        if any(name != LOCK for name in os.listdir(path)):  # noqa: PTH208
            raise _in_the_way(f"{path} is not empty and was not made by sinonom", "give a new folder as output")
    elif os.path.exists(path):  # noqa: PTH110
        raise _in_the_way(f"{path} is a file, but the output must be a folder", "choose another output")
    elif os.path.islink(path):  # noqa: PTH114
        raise _in_the_way(f"{path} is a link to something that does not exist", "choose another output")


def _refuse_what_somebody_put_there(path: Path, kind: str, record: dict[str, Any], writes: Iterable[str]) -> None:
    """Refuse to replace an artifact if that would overwrite a file that its record does not name."""
    from sinonom_cli.storage.removal import FAILURES, INDEX_FILES, owned

    root = path.parent if kind == "index" else path
    if kind == "index":
        writes = (path.name + suffix for suffix in (*INDEX_FILES.values(), FAILURES))
    there = [name for name in writes if os.path.lexists(root / name)]
    if there:
        refuse_files(root, set(there).difference(owned(path, kind, record)))


def refuse_files(root: Path, names: Iterable[str]) -> None:
    """Refuse to overwrite files, named relative to a folder, that were not made by this program; none: do nothing."""
    first = min(names, default=None)
    if first is not None:
        hint = "move it elsewhere, or choose another output"
        raise _in_the_way(f"{root / first} exists and was not made by sinonom", hint)
