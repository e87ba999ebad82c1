"""A program that imports this package keeps its own settings of Pillow, numpy and `warnings`."""

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.networks import preprocess
from sinonom_cli.pictures.loading import load_picture, opened_picture

IMPORT_ALL = """
import contextlib, importlib, logging, pkgutil, random, socket, warnings
import numpy as np
from PIL import Image, ImageFile
for name in ("torch", "torchvision", "timm", "ultralytics", "pymilvus", "ray", "open3d"):
    with contextlib.suppress(Exception):  # a change that these packages make is theirs
        importlib.import_module(name)
import sinonom_cli


def state():
    return {
        "MAX_IMAGE_PIXELS": Image.MAX_IMAGE_PIXELS,
        "LOAD_TRUNCATED_IMAGES": ImageFile.LOAD_TRUNCATED_IMAGES,
        "MAXBLOCK": ImageFile.MAXBLOCK,
        "open": Image.open,
        "filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "errors": np.geterr(),
        "printed": str(np.get_printoptions()),
        "drawn": np.random.get_state()[1].tolist(),
        "random": random.getstate(),
        "level": logging.getLogger().level,
        "timeout": socket.getdefaulttimeout(),
    }


Image.MAX_IMAGE_PIXELS = 12_345
np.seterr(divide="raise")
before = state()
for module in pkgutil.walk_packages(sinonom_cli.__path__, "sinonom_cli."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            print("without", module.name, error)
after = state()
print("changed", [name for name in before if before[name] != after[name]])
"""


def test_importing_every_module_changes_no_global_setting(tmp_path: Path) -> None:
    root = Path(preprocess.__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root), "YOLO_CONFIG_DIR": str(tmp_path), "YOLO_OFFLINE": "true"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True, env=environment
    )
    assert "changed []" in done.stdout, done.stdout


def large(path: Path) -> Path:
    Image.new("1", (9_500, 9_500), 1).save(path)
    return path


def test_a_large_picture_is_read_without_a_warning_and_leaves_the_filters(tmp_path: Path) -> None:
    path, before = large(tmp_path / "to lớn.png"), Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        filters = list(warnings.filters)
        with opened_picture(path) as image:
            assert image.size == (9_500, 9_500)
        assert warnings.filters == filters
    assert not said and before == Image.MAX_IMAGE_PIXELS


def test_a_program_that_makes_errors_of_warnings_reads_large_pictures(tmp_path: Path) -> None:
    path = large(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with opened_picture(path) as image:
            assert image.width == 9_500


def test_a_programs_own_limit_is_kept_and_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    with pytest.raises(SinonomError, match="0.002 million") as caught:
        load_picture(path)
    assert caught.value.code == ExitCode.BAD_INPUT


def test_threads_that_read_pictures_leave_the_filters_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.arange(4096, dtype=np.uint16).astype(np.uint8).reshape(64, 64)).save(path)
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [load_picture(path) for _ in range(200)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
