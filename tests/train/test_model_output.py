"""`sinonom train` deletes nothing of the user's in an existing output, and only one training at a time uses it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tinybatch import content
from tinymodel import tiny_pictures

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode

pytest.importorskip("torch")

QUICK = ("--loss", "lda", "--steps", "100", "--embedding", "2", "--size", "32", "--val", "0", "--workers", "0", "-q")
QUICK += ("--threads", "1")


def drawn(folder: Path) -> Path:
    tiny_pictures(folder / "set", [f"U+5B{50 + k}/{hand}.png" for k in range(4) for hand in range(3)])
    return folder / "set"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return drawn(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of the pictures in `data`, made once; tests change only copies of it."""
    folder = tmp_path_factory.mktemp("trained")
    assert train(drawn(folder), folder / "model") == 0
    return folder / "model"


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "model"))


def test_a_copy_of_a_model_is_complete(data: Path, model: Path, trained: Path) -> None:
    assert train(data, model) == 0
    assert content(model) == content(trained)


def train(data: Path, model: Path, *more: object) -> int:
    return cli.run(["train", "--data", str(data), "--output", str(model), *QUICK, *map(str, more)])


def test_overwrite_keeps_what_a_user_has_put_into_a_model(data: Path, model: Path, tmp_path: Path) -> None:
    theirs = dict.fromkeys(("README.md", "resume/diary.txt", "images/mine.png", "model.pt"), b"a user's")
    for name, content_of in theirs.items():
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(content_of)
    (model / "resume" / "last.safetensors").write_bytes(b"of a killed run")
    assert train(data, model, "--seed", 1, "--overwrite") == 0
    assert train(data, tmp_path / "fresh", "--seed", 1) == 0
    assert content(model) == content(tmp_path / "fresh") | theirs


@pytest.mark.parametrize(
    "wrong", [("--data", "nowhere"), ("--cache", "{file}"), ("--device", "cuda:99"), ("--steps", "2")]
)
def test_a_training_that_cannot_begin_leaves_the_old_model(
    data: Path, model: Path, tmp_path: Path, wrong: tuple[str, str]
) -> None:
    before = content(model)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    options = [option.format(file=tmp_path / "file") for option in wrong]
    assert train(data, model, *options, "--seed", 1, "--overwrite") in (2, 3, 4, 5)
    assert content(model) == before


def test_a_model_that_holds_what_it_would_learn_from_is_refused(data: Path, model: Path) -> None:
    before = content(model)
    weights = model / "model.safetensors"
    for more in (("--weights", weights), ("--teacher", model), ("--teacher", model / "model.onnx")):
        asked = ("--loss", "triplet", *more, "--overwrite")
        assert train(data, model, *asked) == ExitCode.OUTPUT_IN_THE_WAY
        assert content(model) == before
    data.rename(model / "set")
    assert train(model / "set", model, "--overwrite") == ExitCode.OUTPUT_IN_THE_WAY
    assert before.items() <= content(model).items()


def test_a_second_training_into_one_output_is_refused(data: Path, tmp_path: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from sinonom_cli.storage.lock import locked\n"
        "with locked(Path(sys.argv[1]), 'model'): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / "model")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        assert train(data, tmp_path / "model") == ExitCode.OUTPUT_IN_THE_WAY
        process.communicate()
    assert train(data, tmp_path / "model") == 0
    assert not (tmp_path / "model" / ".sinonom.lock").exists()


def test_pictures_replaced_in_place_are_other_data(data: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    options = ("--cache", tmp_path / "cache")
    assert train(data, model, *options) == 0
    path = data / "U+5B51" / "1.png"
    before, status = content(model), path.stat()
    for picture in data.rglob("*.png"):
        os.utime(picture, (1_000_000_000, 1_000_000_000))
    assert train(data, model, *options) == 0
    other = (data / "U+5B50" / "0.png").read_bytes()
    path.write_bytes(other.ljust(status.st_size, b"\0")[: max(status.st_size, len(other))])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    for cache in ("cache", "another"):
        assert train(data, model, "--cache", tmp_path / cache) == ExitCode.OUTPUT_IN_THE_WAY
    assert content(model) == before
    record = json.loads((model / "artifact.json").read_text(encoding="utf-8"))
    (model / "artifact.json").write_text(json.dumps({**record, "status": "running"}), encoding="utf-8")  # as if killed
    assert train(data, model, *options) == ExitCode.OUTPUT_IN_THE_WAY
    assert train(data, model, *options, "--overwrite") == 0
    assert train(data, tmp_path / "fresh", "--cache", tmp_path / "new") == 0
    assert content(model) == content(tmp_path / "fresh")
