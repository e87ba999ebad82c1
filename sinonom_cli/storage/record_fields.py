"""Define the fields of records and check their types once, when a record is read from disk."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

Distance = Literal["euclidean", "cosine", "kl", "cross-entropy"]
DISTANCES: tuple[str, ...] = get_args(Distance)
"""Names of the distances between embeddings."""

Check = Callable[[Any], bool]

LARGEST = 2**53
"""Largest whole number that every JSON reader represents exactly."""

LARGEST_SIZE = 2**16
"""Largest dimension of an embedding, side of a picture and number of candidates; real ones are far smaller."""

_ABSENT = object()


def _text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _size(value: Any) -> bool:
    return _count(value) and 1 <= value <= LARGEST_SIZE


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _counts(value: Any) -> bool:
    return _table(value) and all(map(_count, value.values()))


def _distance(value: Any) -> bool:
    return value in DISTANCES


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


EVERY: dict[str, Check] = {
    "kind": _text,
    "schema": _count,
    "status": _text,
    "tool_version?": _text,
    "options?": _table,
    "inputs?": _table,
    "counts?": _counts,
}
"""Fields of every record. A name that ends in "?" is optional; a dot leads into a nested table."""

OF_KIND: dict[str, dict[str, Check]] = {
    "index": {
        "options.sets?": _texts,
        "options.prototypes?": _or_null(_size),
        "dimension": _size,
        "unit": _flag,
        "distance": _distance,
        "preprocessing?": _count,
        "model.identity": _text,
        "model.path": _or_null(_text),
        "type?": _text,
        "factory?": _text,
        "candidates?": _size,
        "vectors.bytes?": _count,
        "marks.bytes?": _count,
        "store.uri?": _text,
        "store.collection?": _text,
        "store.digest?": _text,
        "calibration?": _or_null(_table),
        "seen?": lambda value: _table(value) and all(map(_text, value.values())),
    },
    "model": {
        "identity": _text,
        "onnx_sha256": _text,
        "backbone": _text,
        "head": _text,
        "embedding_size": _size,
        "input.size": _size,
        "distance": _distance,
        "labels": _texts,
        "trained_on": lambda value: isinstance(value, list),
    },
    "imageset": {"faces?": _table},
}
"""Further fields of complete records, by kind."""


def wrong_field(record: Mapping[str, Any], fields: Mapping[str, Check]) -> str | None:
    """Return what is wrong with the first field that is missing or of the wrong type; None if all are correct."""
    for name, check in fields.items():
        value: Any = record
        for part in name.removesuffix("?").split("."):
            if value is _ABSENT:
                break
            if not isinstance(value, dict):
                return f"{name.rpartition('.')[0]!r} is {_short(value)}"
            value = value.get(part, _ABSENT)
        if value is _ABSENT:
            if not name.endswith("?"):
                return f"it has no {name!r}"
        elif not check(value):
            return f"{name.removesuffix('?')!r} is {_short(value)}"
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
