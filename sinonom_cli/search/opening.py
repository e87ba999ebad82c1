"""Open the index to search, and find the model that it was made with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.networks.preprocess import VERSION
from sinonom_cli.search.index import Index, read_index
from sinonom_cli.search.index_record import index_record
from sinonom_cli.search.integrity import quoted, remake
from sinonom_cli.storage.model_folder import DEFAULT, Model, read_model
from sinonom_cli.storage.model_record import model_record
from sinonom_cli.storage.record import read_record

CHARACTERS = DEFAULT.parent / "characters.faiss"
"""Path of the index of characters that ships; it was made with the default model."""
INSTALL = "pip install --force-reinstall sinonom"


def open_index(path: Path | None) -> Index:
    """Open the given index, or the index of characters that ships.

    Raises
    ------
    SinonomError
        With exit code 2, if none is given and none ships; 4, if it is damaged or its pictures were prepared in another
        way.
    """
    if path is None and not CHARACTERS.exists():
        raise UsageError(
            "no index given, and no index of characters ships with this version",
            "sinonom query IMAGE --index db.faiss; sinonom index SET db.faiss makes one",
        )
    try:
        index = read_index(CHARACTERS if path is None else path)
    except SinonomError as error:
        if path is not None:
            raise
        raise SinonomError(error.message, INSTALL, error.code) from error  # the user cannot make this index again
    made = index.record.preprocessing
    if made != VERSION:
        raise SinonomError(
            f"{index.path} holds pictures prepared in another way ({made}) than queries are now ({VERSION})",
            INSTALL if path is None else remake(index.path, index.record),
        )
    return index


def shipped_characters() -> Index:
    """Return the index of characters that ships; each process opens it once.

    Raises
    ------
    SinonomError
        As `open_index` does.
    """
    return _opened(CHARACTERS)


@lru_cache(1)
def _opened(path: Path) -> Index:
    """Open the index of characters; its path is an argument so that another one is not mistaken for it."""
    return open_index(None)


def is_shipped(model: Model) -> bool:
    """Return whether the index of characters that ships is of this model, so that its embeddings can be compared."""
    return CHARACTERS.exists() and index_record(read_record(CHARACTERS, "index")).model_identity == model.identity


def model_of(index: Index, given: Path | None) -> Model:
    """Return the model that an index was made with: the given one, or the first that fits.

    The models tried are the one at the path in the index's record, `./model`, and the default model that ships.

    Raises
    ------
    SinonomError
        If the given model is another one, or if none of the models tried is the right one.
    """
    was = index.model_path or DEFAULT
    if given is not None:
        model = read_model(given)
        if model.identity != index.model_identity and index.path == CHARACTERS:
            raise SinonomError(
                f"the characters that ship were embedded with the model that ships ({index.model_identity[:12]}), "
                f"not with {given} ({model.identity[:12]})",
                "leave out --model, or make an index of characters for it: "
                f"sinonom index SET chars.faiss --prototypes 3 --model {quoted(given)}, then --index chars.faiss",
            )
        if model.identity != index.model_identity:
            raise SinonomError(
                f"{index.path} was made with the model {was} ({index.model_identity[:12]}), "
                f"not with {given} ({model.identity[:12]})",
                f"{remake(index.path, index.record)} --model {quoted(given)}",
            )
        return model
    for place in (was, Path("model"), DEFAULT):
        try:
            fits = model_record(read_record(place, "model")).identity == index.model_identity
        except SinonomError:
            continue
        if fits:
            return read_model(place)
    if index.path == CHARACTERS:
        raise SinonomError(f"{index.path} and {DEFAULT}, which ship together, do not fit each other", INSTALL)
    raise SinonomError(
        f"{index.path} was made with the model {was} ({index.model_identity[:12]}), which is not there any more",
        f"use --model with the path of that model, or {remake(index.path, index.record)}",
    )
