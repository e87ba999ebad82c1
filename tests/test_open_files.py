"""No file is replaced or deleted while this process has it open or mapped, because Windows forbids it."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_kill import fonts, meshes, patches, pictures
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode
from sinonom_cli.search import index_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="open files are listed as Linux does")


def in_use(path: str) -> bool:
    """Return whether this process has a file open or mapped."""
    real = os.path.realpath(path)
    if real.endswith(".lock"):  # on Windows, lock files are closed before they are removed
        return False
    if not os.path.isfile(real):  # noqa: PTH113
        return False
    opened = {os.path.realpath(entry.path) for entry in os.scandir("/proc/self/fd")}
    return real in opened or real in Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape")


@pytest.fixture
def as_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make deleting and replacing fail for files in use, as on Windows."""

    def checked(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*paths: Any, **options: Any) -> Any:
            if options.get("dir_fd") is None and options.get("src_dir_fd") is None:
                for path in paths[:2]:
                    if isinstance(path, str | bytes | os.PathLike) and in_use(os.fsdecode(path)):
                        raise PermissionError(13, "the process has it open", os.fsdecode(path))
            return function(*paths, **options)

        return call

    for name in ("replace", "rename", "unlink", "remove"):
        monkeypatch.setattr(os, name, checked(getattr(os, name)))


def run(*typed: object) -> int:
    return cli.run([str(word) for word in (*typed, "-q")])


@pytest.mark.parametrize("make", [meshes, fonts, patches, pictures], ids=["render", "fonts", "crops", "carve"])
def test_sets_are_made_and_made_anew(make: Callable[[Path], list[str]], tmp_path: Path, as_on_windows: None) -> None:
    (tmp_path / "in").mkdir()
    command = [*make(tmp_path / "in" / "all"), tmp_path / "out", "--limit", 3, "--workers", 0]
    if make is fonts:
        command[command.index("--chars") + 1] = "一丁"
    assert run(*command) == ExitCode.DONE
    assert run(*command, "--overwrite") == ExitCode.DONE


@pytest.mark.parametrize("kind", ["flat", "fp16", "hnsw", "ivf-sq8", "pq-refine"])
def test_an_index_is_made_added_to_taken_from_and_made_anew(
    kind: str, tmp_path: Path, as_on_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_files, "WHOLE", 1)  # every file is mapped
    tiny_model(tmp_path / "model")
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32))
    tiny_pictures(tmp_path / "asked", ["0.png"])
    common = (tmp_path / "db.faiss", "--model", tmp_path / "model", "--workers", 0)
    assert run("index", tmp_path / "a.npy", *common, "--type", kind) == ExitCode.DONE
    assert run("index", tmp_path / "b.npy", *common, "--add") == ExitCode.DONE
    assert run("index", tmp_path / "db.faiss", "--remove", "#3") == ExitCode.DONE
    ask = ("query", tmp_path / "asked", "--index", tmp_path / "db.faiss", "--model", tmp_path / "model")
    for _ in range(2):
        written = ("--sheet", tmp_path / "s.png", "--scores", tmp_path / "s.csv", "--report", tmp_path / "r.html")
        (tmp_path / "truth.csv").write_text("query,label\n0.png,a#0\n", encoding="utf-8")
        assert run(*ask, "--truth", tmp_path / "truth.csv", *written) == ExitCode.DONE
    assert run("index", tmp_path / "a.npy", *common, "--type", kind, "--overwrite") == ExitCode.DONE


def test_a_model_is_trained_goes_on_and_is_trained_anew(tmp_path: Path, as_on_windows: None) -> None:
    pytest.importorskip("torch")
    for label in range(4):
        tiny_pictures(tmp_path / "data" / f"U+{0x4E00 + label:X}", [f"{label}-{i}.png" for i in range(4)], seed=label)
    command = ["train", "--data", tmp_path / "data", "--output", tmp_path / "m", "--size", 32, "--embedding", 8]
    command += ["--classes", 2, "--images", 2, "--steps", 2, "--workers", 0, "--device", "cpu"]
    assert run(*command) == ExitCode.DONE
    assert run(*command, "--overwrite") == ExitCode.DONE
    shutil.rmtree(tmp_path / "m")
