"""The record of a model, read from JSON once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """The record of a complete model.

    Attributes
    ----------
    identity : SHA-256 of the weights, in hexadecimal; onnx_sha256 : that of the ONNX file.
    backbone, head : names of the network and of its head.
    embedding_size : dimension of the embeddings; axes : "principal" if their dimensions are sorted by variance, else
        None.
    size : side of the square input, in pixels.
    preprocessing : version of the preparation of pictures; None: not kept.
    stem_stride : stride of the backbone's first convolution, if it is not the backbone's own.
    distance : distance for which the embeddings are meant.
    labels : labels that the model was trained on, in the order of its classes.
    """

    identity: str
    onnx_sha256: str
    backbone: str
    head: str
    embedding_size: int
    axes: str | None
    size: int
    preprocessing: int | None
    stem_stride: int | None
    distance: str
    labels: tuple[str, ...]


def model_record(record: Mapping[str, Any]) -> ModelRecord:
    """Return the record of a complete model, whose fields `read_record` has checked.

    Parameters
    ----------
    record : JSON object of `artifact.json`.
    """
    return ModelRecord(
        identity=record["identity"],
        onnx_sha256=record["onnx_sha256"],
        backbone=record["backbone"],
        head=record["head"],
        embedding_size=record["embedding_size"],
        axes=record.get("axes"),
        size=record["input"]["size"],
        preprocessing=record["input"].get("preprocessing"),
        stem_stride=record.get("options", {}).get("stem_stride"),
        distance=record["distance"],
        labels=tuple(record["labels"]),
    )
