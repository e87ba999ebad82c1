"""Export a torch module to an ONNX network, and check the network against the module."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from sinonom_cli.errors import need
from sinonom_cli.networks.embedder import session_of

OPSET = 18
"""Version of the ONNX operator set; ONNX Runtime opens it since 1.14."""

MOST_DIFFERENCE = 1e-4


def export_onnx(
    module: nn.Module, size: int, outputs: Sequence[str] = ("embedding",), step: int | None = None
) -> tuple[bytes, float]:
    """Export a network and check it in ONNX Runtime.

    Parameters
    ----------
    module : maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32, or to several such tensors. The module itself
        stays unchanged: a copy goes to the CPU.
    size : side of the input in pixels, S.
    outputs : names of the network's outputs.
    step : the network takes pictures of any height and width that are multiples of this; None: only S x S.

    Returns
    -------
    The bytes of the network, with input "image" and any N; and its greatest difference from torch on 1, 3 and 8
    pictures.

    Raises
    ------
    ArithmeticError
        If that difference is more than `MOST_DIFFERENCE`.
    """
    module = copy.deepcopy(module).cpu().float().eval()
    onnx_bytes = _export(module, size, outputs, step)
    difference = _difference(module, onnx_bytes, size, outputs)
    if not difference <= MOST_DIFFERENCE:
        raise ArithmeticError(f"the ONNX network differs from torch by {difference:.2g}")
    return onnx_bytes, difference


def _export(module: nn.Module, size: int, outputs: Sequence[str], step: int | None) -> bytes:
    need("onnxscript", "train")
    onnx = need("onnx", "train")
    example = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    free: dict[int, Any] = {0: torch.export.Dim("batch")}
    if step:
        free |= {axis: step * torch.export.Dim(name, min=2) for axis, name in ((2, "rows"), (3, "columns"))}
    quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with quiet[0], quiet[1], warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=["image"],
                output_names=list(outputs),
                dynamic_shapes=(free,),
                verbose=False,
            )
    finally:
        logging.disable(disabled)
    model = program.model_proto
    _forget_origin(model)
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def _forget_origin(model: Any) -> None:
    """Remove names of source files and versions, so that the same module gives the same bytes on every machine."""
    graph = model.graph
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del value.metadata_props[:]
    for thing in (model, graph):
        del thing.metadata_props[:]
    model.producer_version = ""
    del graph.value_info[:]


def _difference(module: nn.Module, onnx_bytes: bytes, size: int, outputs: Sequence[str]) -> float:
    session = session_of(onnx_bytes, 1)
    generator = torch.Generator().manual_seed(1)
    worst = 0.0
    for count in (1, 3, 8):
        pictures = torch.rand(count, 1, size, size, generator=generator)
        with torch.inference_mode():
            given = module(pictures)
        wanted = [given] if len(outputs) == 1 else given
        for got, want in zip(session.run(list(outputs), {"image": pictures.numpy()}), wanted, strict=True):
            if got.shape != want.shape:
                raise ArithmeticError(f"the ONNX network gives {got.shape}, torch {tuple(want.shape)}")
            # The relative difference counts for values above 1, which unnormalised features may have.
            worst = max(worst, float((np.abs(got - want.numpy()) / np.maximum(1, np.abs(want.numpy()))).max()))
    return worst
