"""Test models: a folder whose three files do not belong together is refused."""

import shutil
from pathlib import Path

import pytest
from refused import refused
from tinymodel import tiny_model

from sinonom_cli.errors import ExitCode
from sinonom_cli.storage.model_folder import read_model


@pytest.mark.parametrize("name", ["model.safetensors", "model.onnx"])
def test_a_file_that_is_not_the_models_own_is_refused(tmp_path: Path, name: str) -> None:
    model = tiny_model(tmp_path / "model")
    copy = tmp_path / "bản sao"
    shutil.copytree(model.path, copy)
    assert read_model(copy).identity == model.identity
    (copy / name).write_bytes((copy / name).read_bytes() + b"\0")
    with refused(ExitCode.BAD_INPUT, copy / name):
        read_model(copy)
    (copy / name).unlink()
    with refused(ExitCode.BAD_INPUT, copy, name):
        read_model(copy)


def test_a_folder_that_is_no_model_says_so(tmp_path: Path) -> None:
    with refused(ExitCode.BAD_INPUT, tmp_path / "nowhere"):
        read_model(tmp_path / "nowhere")
    with refused(ExitCode.BAD_INPUT, tmp_path):
        read_model(tmp_path)
