"""ONNX Runtime embeds pictures with a model on disk as torch does."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from refused import refused  # noqa: E402
from tinymodel import tiny_model  # noqa: E402

from sinonom_cli.errors import ExitCode, SinonomError  # noqa: E402
from sinonom_cli.layout.detect import Detector  # noqa: E402
from sinonom_cli.layout.detector import Localizer  # noqa: E402
from sinonom_cli.networks.directmap import DirectMapNet  # noqa: E402
from sinonom_cli.networks.embedder import Embedder  # noqa: E402
from sinonom_cli.networks.onnx_export import export_onnx  # noqa: E402
from sinonom_cli.networks.preprocess import VERSION  # noqa: E402
from sinonom_cli.storage.model_folder import read_model, write_model  # noqa: E402
from sinonom_cli.storage.record import begin  # noqa: E402

SIDE, LENGTH = 32, 12


def written(path, network, embedding_size=LENGTH, size=SIDE):
    card = {
        "backbone": "directmap",
        "head": "linear",
        "embedding_size": embedding_size,
        "input": {"size": size, "preprocessing": VERSION},
        "distance": "euclidean",
        "labels": [],
        "trained_on": [],
    }
    tensors = {name: value.contiguous().numpy() for name, value in network.state_dict().items()}
    return write_model(begin(path, "model", {}, {}, False), tensors, export_onnx(network, SIDE)[0], card)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DirectMapNet(SIDE, LENGTH).eval()


@pytest.fixture(scope="module")
def model(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("bản khắc 𡦂") / "my model"
    written(path, network)
    return read_model(path)


@pytest.mark.parametrize("count", [1, 2, 65])
@pytest.mark.parametrize("threads", [0, 1, 2])
def test_embeddings_are_torchs_whatever_the_batch_and_threads(model, network, count, threads):
    pictures = np.random.default_rng(count).random((count, SIDE, SIDE), dtype=np.float32)
    got = Embedder(model, threads).embed(pictures)
    with torch.no_grad():
        wanted = network(torch.from_numpy(pictures)[:, None]).numpy()
    assert got.dtype == np.float32
    assert got.shape == (count, LENGTH)
    assert np.abs(got - wanted).max() < 1e-5


def test_no_pictures_have_no_embeddings(model):
    assert Embedder(model, 1).embed(np.zeros((0, SIDE, SIDE), np.float32)).shape == (0, LENGTH)


def test_a_network_that_is_not_what_its_record_says_is_refused(network, tmp_path):
    for options, words in (({"embedding_size": 13}, "length 13"), ({"size": 48}, "48, 48")):
        model = written(tmp_path / words, network, **options)
        with pytest.raises(SinonomError, match=words) as caught:
            Embedder(model, 1)
        assert caught.value.code == ExitCode.BAD_INPUT


@pytest.mark.parametrize("damage", [b"", b"no network at all"])
def test_a_damaged_network_is_refused_in_one_line(network, tmp_path, damage):
    model = written(tmp_path / "model", network)
    whole = model.onnx.read_bytes()
    for content in (damage, whole[: len(whole) // 2]):
        model.onnx.write_bytes(content)
        with pytest.raises(SinonomError) as caught:
            Embedder(model, 1)
        assert str(model.onnx) in caught.value.message
        assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "opened",
    [lambda model: Embedder(model, 1), lambda model: Detector(model.onnx), lambda model: Localizer(model.onnx)],
    ids=["embedder", "detector", "localizer"],
)
def test_a_network_with_names_that_are_not_utf_8_is_refused(opened, tmp_path):
    tiny_model(tmp_path / "model")
    model = read_model(tmp_path / "model")
    content = model.onnx.read_bytes()
    assert content.count(b"embedding") >= 2
    model.onnx.write_bytes(content.replace(b"embedding", b"embeddi\xe6g"))
    with refused(ExitCode.BAD_INPUT, model.onnx):
        opened(model)


def test_embedding_loads_no_torch(model):
    code = """
import json, sys
from pathlib import Path
import numpy as np
from sinonom_cli.storage.model_folder import read_model
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.preprocess import prepare
vectors = Embedder(read_model(Path(sys.argv[1])), 1).embed(np.stack([prepare(np.eye(40, dtype=np.uint8) * 255, 32)]))
heavy = {"torch", "open3d", "faiss", "timm", "numba", "onnx"}
print(json.dumps([list(vectors.shape), sorted(heavy & set(sys.modules))]))
"""
    done = subprocess.run([sys.executable, "-c", code, str(model.path)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[1, LENGTH], []]


def test_a_model_of_another_preparation_is_refused(model):
    older = replace(model, record=replace(model.record, preprocessing=0))
    with refused(ExitCode.BAD_INPUT, model.path, VERSION) as caught:
        Embedder(older)
    assert caught.value.code == ExitCode.BAD_INPUT
