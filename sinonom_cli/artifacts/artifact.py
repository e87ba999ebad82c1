"""The record that every output carries: what it is, how it was made, and whether it is complete.

A folder artifact keeps it in `artifact.json`, an index in `<index>.json`. It is written once as `running` when
the work begins and as `complete` after everything else is in place.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinonom_cli import __version__
from sinonom_cli.artifacts.files import write_json
from sinonom_cli.artifacts.record_fields import EVERY, OF_KIND, wrong_field
from sinonom_cli.errors import ExitCode, SinonomError

SCHEMA = 1

NAMES = {
    "imageset": "an image set",
    "meshset": "a mesh set",
    "model": "a model",
    "index": "an index",
    "localizer": "a localizer",
}

OWNED = (
    "images",
    "depth",
    "meshes",
    "resume",
    "metadata.csv",
    "failures.csv",
    "doubtful.csv",
    "items.csv",
    "journal.jsonl",
    "metrics.csv",
    "curves.png",
    "model.safetensors",
    "model.onnx",
    "localizer.onnx",
    "artifact.json",
)
"""What a folder artifact may hold of ours; `--overwrite` deletes nothing else."""


@dataclass
class Artifact:
    """An output on disk: its path, its record, and how far it is.

    `state` is "new" (nothing was there), "running" (begun earlier, to be resumed) or "complete".
    """

    path: Path
    record: dict[str, Any]
    state: str

    @property
    def counts(self) -> dict[str, int]:
        """How many items there are, of which kind."""
        return self.record.get("counts", {})


def record_path(path: Path, kind: str) -> Path:
    """Return where the record of the artifact at `path` lies."""
    return path.with_name(path.name + ".json") if kind == "index" else path / "artifact.json"


def read_record(path: Path, kind: str) -> dict[str, Any]:
    """Read the record of a complete artifact.

    Raises
    ------
    SinonomError
        If there is none, it is of another kind, from a newer schema, or not complete.
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
        raise SinonomError(f"{where} is damaged: {wrong}", f"make {name} again, or copy it again whole")
    return record


def begin(path: Path, kind: str, options: dict[str, Any], inputs: dict[str, Any], overwrite: bool = False) -> Artifact:
    """Begin an artifact, or find out that it is begun or complete already.

    Parameters
    ----------
    path : the folder (or, for an index, the file) to make.
    kind : "imageset", "meshset", "model", "index", ...
    options : everything that changes what is written; JSON types only.
    inputs : identities of what it is made from; JSON types only; compared by the caller.
    overwrite : replace what is there, if it is an artifact of the same kind.

    Raises
    ------
    SinonomError
        With exit code 5, if something is in the way: a file or folder that is not ours, another kind of
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
    old = _load(where) if where.exists() else None
    if old is None:
        _refuse_what_is_not_ours(path, kind)
    elif old.get("kind") != kind:
        found = NAMES.get(old.get("kind", ""), "something else")
        raise _in_the_way(f"{path} is {found}, not {NAMES.get(kind, kind)}", "another output")
    elif overwrite:
        remove(path, kind)
        old = None
    elif old.get("options") != options:
        shown = difference(old.get("options", {}), options)
        raise _in_the_way(f"{path} was made with other options: {shown}", "--overwrite, or another output")
    if old is not None:
        return Artifact(path, old, "complete" if old.get("status") == "complete" else "running")
    write_json(where, record)
    return Artifact(path, record, "new")


def finish(artifact: Artifact, **fields: Any) -> Artifact:
    """Write the record as complete, with `fields` added; do this last."""
    artifact.record = {**artifact.record, **fields, "tool_version": __version__, "status": "complete"}
    write_json(record_path(artifact.path, artifact.record["kind"]), artifact.record)
    artifact.state = "complete"
    return artifact


def reopen(artifact: Artifact) -> None:
    """Mark a complete artifact as running again, because there is more to do."""
    artifact.record = {**artifact.record, "status": "running"}
    write_json(record_path(artifact.path, artifact.record["kind"]), artifact.record)
    artifact.state = "running"


def remove(path: Path, kind: str) -> None:
    """Delete an artifact of ours, and nothing beside it that a user may have put there."""
    if kind == "index":
        for suffix in ("", ".rows.csv", ".rows.starts", ".vectors", ".failures.csv", ".next.json", ".json"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return
    for name in OWNED:
        entry = path / name
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return in words which options differ: `size 64 there, 96 asked`."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return "; ".join(f"{key} {_short(old.get(key))} there, {_short(new.get(key))} asked" for key in keys)


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _load(where: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(where.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return None
    ours = isinstance(record, dict) and record.get("tool") == "sinonom" and not wrong_field(record, EVERY)
    return record if ours else None


def _in_the_way(message: str, hint: str) -> SinonomError:
    return SinonomError(message, hint, ExitCode.OUTPUT_IN_THE_WAY)


def _refuse_what_is_not_ours(path: Path, kind: str) -> None:
    if kind == "index":
        for taken in (path, record_path(path, kind)):
            if taken.exists():
                raise _in_the_way(f"{taken} is there and was not made by sinonom", "another output")
        return
    if path.exists() and not path.is_dir():
        raise _in_the_way(f"{path} is a file, and the output is a folder", "another output")
    if path.is_dir() and any(path.iterdir()):
        raise _in_the_way(f"{path} is not empty and was not made by sinonom", "a new folder as output")
