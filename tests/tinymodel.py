"""Make a tiny real model for tests with onnx, without training: flatten, fixed random projection, unit length."""

from pathlib import Path

import numpy as np
import pytest

from sinonom_cli.networks.preprocess import VERSION
from sinonom_cli.storage.model_folder import Model, write_model
from sinonom_cli.storage.record import begin


def tiny_model(
    path: Path,
    size: int = 16,
    dimension: int = 8,
    seed: int = 0,
    unit: bool = True,
    distance: str = "euclidean",
    classes: int = 0,
) -> Model:
    """Write a model that maps (N, 1, size, size) to (N, dimension).

    Parameters
    ----------
    seed : seed of the projection; another seed makes another model.
    unit : scale embeddings to unit length.
    classes : number of classes; above 0, a second output is the softmax of logits that are linear in the embedding.
    """
    onnx = pytest.importorskip("onnx", reason="onnx makes the tests' model; pip install sinonom[train]")
    pytest.importorskip("safetensors", reason="models are stored with it; pip install sinonom[train]")
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(seed).standard_normal((size * size, dimension)).astype(np.float32)
    name = "raw" if unit else "embedding"
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], [name]),
    ]
    if unit:
        nodes.append(helper.make_node("LpNormalization", ["raw"], ["embedding"], axis=1, p=2))
    tensors, outputs = {"weights": weights}, [("embedding", dimension)]
    if classes:
        tensors["classify.weight"] = (weights[:classes] * 0.05).copy()
        tensors["classify.bias"] = weights[classes : 2 * classes, 0].copy()
        outputs.append(("classes", classes))
        nodes.append(helper.make_node("Gemm", ["embedding", "classify.weight", "classify.bias"], ["logits"], transB=1))
        nodes.append(helper.make_node("Softmax", ["logits"], ["classes"], axis=1))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, size, size])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", length]) for name, length in outputs],
        [numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(network)
    card = {
        "backbone": "none",
        "head": "projection",
        "embedding_size": dimension,
        "input": {"size": size, "preprocessing": VERSION},
        "distance": distance,
        "labels": [],
        "trained_on": [],
    }
    artifact = begin(path, "model", {"seed": seed, "size": size, "unit": unit}, {})
    return write_model(artifact, tensors, network.SerializeToString(deterministic=True), card)


def tiny_pictures(folder: Path, names: list[str], seed: int = 0, side: int = 24) -> list[Path]:
    """Write one picture of dark random strokes on white for each name; each name has another picture."""
    from PIL import Image, ImageDraw

    paths = []
    for number, name in enumerate(names):
        rng = np.random.default_rng((seed, number))
        image = Image.new("L", (side, side), 255)
        draw = ImageDraw.Draw(image)
        for _ in range(4):
            x0, y0, x1, y1 = rng.integers(3, side - 3, 4).tolist()
            draw.line((x0, y0, x1, y1), fill=0, width=2)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
        paths.append(path)
    return paths
