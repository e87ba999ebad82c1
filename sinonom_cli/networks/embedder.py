"""Embed pictures with ONNX Runtime, for index and query; torch is never imported."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError, need
from sinonom_cli.networks.preprocess import VERSION
from sinonom_cli.storage.model_folder import Model


def session_of(onnx: str | bytes, threads: int) -> Any:
    """Open an ONNX network on the CPU.

    Parameters
    ----------
    onnx : file name, or the bytes of the network.
    threads : number of threads that one call may use; 0: as many as there are cores.

    Raises
    ------
    Exception
        Any exception, if it is not a network, or a name of its inputs or outputs is not UTF-8.
    """
    # ONNX Runtime's builds for Linux and Windows may send reports to their maker; it reads this when it is loaded.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    runtime = need("onnxruntime", "all")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = runtime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    for value in (*session.get_inputs(), *session.get_outputs()):
        _ = value.name, value.shape  # names in a damaged file may not be UTF-8, which is seen only here
    return session


AT_ONCE = 16
"""Number of pictures that go through the network together: the values between its layers then stay in the caches. With
256 pictures it took a quarter longer; the embeddings are the same."""


class Embedder:
    """Model that is ready to embed pictures.

    Parameters
    ----------
    model : model from `read_model`.
    threads : number of threads that one call may use; 0: as many as there are cores.

    Raises
    ------
    SinonomError
        If the model's network cannot be opened, or its input or output is not as its record says.
    """

    def __init__(self, model: Model, threads: int = 1) -> None:
        made = model.record.preprocessing
        if made != VERSION:
            raise SinonomError(
                f"{model.path} learnt from pictures prepared in another way ({made}) than they are now ({VERSION})",
                "train it again with sinonom train, or use the version of sinonom that made it",
            )
        self.model = model
        try:
            self._session = session_of(str(model.onnx), threads)
        except SinonomError:
            raise
        except Exception as error:  # ONNX Runtime has a dozen exception classes, none of them public
            first = str(error).strip().partition("\n")[0]
            raise SinonomError(
                f"{model.onnx} is not a network that ONNX Runtime can open: {first}", "copy the whole model again"
            ) from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or not _fits(inputs[0].shape, (None, 1, model.size, model.size)):
            raise SinonomError(
                f"{model.onnx} does not take (N, 1, {model.size}, {model.size}) pictures, as its record says",
                "copy the whole model again",
            )
        if not _fits(outputs[0].shape, (None, model.embedding_size)):
            raise SinonomError(
                f"{model.onnx} does not give embeddings of length {model.embedding_size}, as its record says",
                "copy the whole model again",
            )
        self._input = inputs[0].name
        self._output = outputs[0].name

    def embed(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed pictures that `prepare` made.

        Parameters
        ----------
        batch : (N, S, S) float32 in [0, 1], 1 = ink; N may be 0.

        Returns
        -------
        (N, D) float32.
        """
        pictures = np.ascontiguousarray(batch, dtype=np.float32)[:, None]
        embeddings = np.empty((len(batch), self.model.embedding_size), np.float32)
        for start in range(0, len(batch), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            embeddings[part] = self._session.run([self._output], {self._input: pictures[part]})[0]
        return embeddings


def shortened(embeddings: NDArray[np.float32], length: int | None) -> NDArray[np.float32]:
    """Return the first dimensions of embeddings that are sorted by variance (see `train/principal_axes.py`).

    Parameters
    ----------
    embeddings : (N, D) float32 of length 1.
    length : number of dimensions to keep; None, D or more: all.

    Returns
    -------
    (N, length) float32 of length 1; `embeddings` itself if all dimensions are kept.
    """
    if length is None or embeddings.shape[1] <= length:
        return embeddings
    first = embeddings[:, :length]
    return first / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)


def _fits(shape: Sequence[Any], wanted: Sequence[int | None]) -> bool:
    """Return whether a network's shape allows the wanted one; None in `wanted` is a dimension that must be free."""
    if len(shape) != len(wanted):
        return False
    return all(
        not isinstance(got, int) if want is None else not isinstance(got, int) or got == want
        for got, want in zip(shape, wanted, strict=True)
    )
