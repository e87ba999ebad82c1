"""Read and write models: weights and everything needed to use them.

A model is a folder of three files: `model.safetensors`, `model.onnx` (image in, embedding out, any batch size) and
`artifact.json`. It can be copied anywhere. Nothing in it is ever unpickled.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.assets import ASSETS
from sinonom_cli.errors import SinonomError, need
from sinonom_cli.storage.atomic import sha256_of, write_bytes
from sinonom_cli.storage.model_record import ModelRecord, model_record
from sinonom_cli.storage.record import Artifact, finish, read_record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT = ASSETS / "model"
CARD = ("backbone", "head", "embedding_size", "input", "distance", "labels", "trained_on")


@dataclass(frozen=True)
class Model:
    """A model on disk: its path and its record."""

    path: Path
    record: ModelRecord

    @property
    def identity(self) -> str:
        """SHA-256 of the weights, in hexadecimal."""
        return self.record.identity

    @property
    def onnx(self) -> Path:
        """Path of the ONNX file."""
        return self.path / "model.onnx"

    @property
    def size(self) -> int:
        """Side of the square input, in pixels."""
        return self.record.size

    @property
    def embedding_size(self) -> int:
        """Dimension of the embeddings."""
        return self.record.embedding_size

    @property
    def distance(self) -> str:
        """Distance for which the embeddings are meant."""
        return self.record.distance

    def tensor(self, name: str) -> "NDArray[np.float32] | None":
        """Read one of the weights by name, float32; None if there is none of that name.

        The safetensors format is: length of the header, header in JSON, bytes of the weights. Its library comes with
        the extra `train`, and is not needed for reading.
        """
        import numpy as np

        path = self.path / "model.safetensors"
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > path.stat().st_size:
                raise SinonomError(f"{path} is not the file that artifact.json names", "copy the whole model again")
            entry = json.loads(file.read(size)).get(name)
            if entry is None or entry["dtype"] != "F32":
                return None
            start, end = entry["data_offsets"]
            file.seek(8 + size + start)
            return np.frombuffer(file.read(end - start), "<f4").reshape(entry["shape"])


def read_model(path: Path | None = None) -> Model:
    """Read the model at `path`; None: `./model` if it exists, else the shipped default model.

    Raises
    ------
    SinonomError
        If the model does not exist or is not complete, or its files are not those that its record names.
    """
    if path is None:
        path = Path("model") if Path("model", "artifact.json").exists() else DEFAULT
    record = model_record(read_record(path, "model"))
    for name in ("model.safetensors", "model.onnx"):
        if not (path / name).is_file():
            raise SinonomError(f"{path} has no {name}", "copy the whole model again")
    for name, sha256 in (("model.safetensors", record.identity), ("model.onnx", record.onnx_sha256)):
        if sha256_of(path / name) != sha256:
            raise SinonomError(f"{path / name} is not the file that artifact.json names", "copy the whole model again")
    return Model(path, record)


def write_model(
    artifact: Artifact, tensors: dict[str, "NDArray[np.generic]"], onnx: bytes, card: dict[str, Any]
) -> Model:
    """Write weights, network and card, and finish the artifact.

    Parameters
    ----------
    artifact : result of `begin(path, "model", ...)`.
    tensors : weights by name, any shape, contiguous.
    onnx : the network as ONNX, from (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32.
    card : the fields named in `CARD`.
    """
    lacking = [name for name in CARD if name not in card]
    if lacking:
        raise ValueError(f"a model's card needs {', '.join(lacking)}")
    numpy_file = need("safetensors.numpy", "train")
    weights = artifact.path / "model.safetensors"
    write_bytes(weights, numpy_file.save(tensors))  # its save_file creates files that only their owner can read
    write_bytes(artifact.path / "model.onnx", onnx)
    hashes = {"identity": sha256_of(weights), "onnx_sha256": sha256_of(artifact.path / "model.onnx")}
    finish(artifact, **hashes, **card)
    return Model(artifact.path, model_record(artifact.record))
