"""On a new machine, make names the missing part of Python, pytest reports skipped tests, and nothing is left behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tinymodel import tiny_model

ROOT = Path(__file__).parent.parent
MAKE = shutil.which("make")


def made(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a new folder with copies of the files that it needs."""
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return subprocess.run([str(MAKE), *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False)


def python_without(module: str, path: Path) -> Path:
    """Write a script that runs Python without one module."""
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{path.parent}/nothing" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    (path.parent / "nothing").mkdir()
    (path.parent / "nothing" / f"{module}.py").write_text("raise ModuleNotFoundError", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(MAKE is None or os.name != "posix", reason="no make")
@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_says_which_package_brings_virtual_environments(target: str, tmp_path: Path) -> None:
    python = python_without("ensurepip", tmp_path / "python3")
    ran = made(tmp_path / "bản khắc in", target, f"PYTHON={python}")
    assert ran.returncode != 0
    assert "python3-venv" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    assert not (tmp_path / "bản khắc in" / ".venv").exists()


@pytest.mark.skipif(MAKE is None, reason="no make")
@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_says_before_a_long_step_what_it_does_and_how_long_it_takes(target: str, tmp_path: Path) -> None:
    lines = made(tmp_path / "made", "--dry-run", target).stdout.splitlines()
    told = [number for number, line in enumerate(lines) if "echo" in line and "==" in line]
    for command in ("-m venv", "pip install", "sinonom demo" if target == "demo" else "-m pytest"):
        step = next(number for number, line in enumerate(lines) if command in line and "echo" not in line)
        said = lines[max(number for number in told if number < step)]
        assert "minute" in said or "second" in said


@pytest.mark.parametrize(
    ("body", "option", "code"),
    [
        ("pass", "--no-skips", 0),
        ("pytest.skip('no libusb')", "--no-skips", 1),
        ("pytest.skip('no libusb')", "-q", 0),
        ("pytest.skip('no real data: set SINONOM_DATA')", "--no-skips", 0),
    ],
)
@pytest.mark.parametrize("where", ["a test", "a module"])
def test_a_skip_fails_where_everything_should_be_installed(
    body: str, option: str, code: int, where: str, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    indented = body.replace("')", "', allow_module_level=True)") if where == "a module" else "pass"
    text = f"import pytest\n{indented}\ndef test_one():\n    {body}\n"
    (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
    # Without this file, a skipped module would leave no test, for which pytest has exit code 5.
    (tmp_path / "test_other.py").write_text("def test_two():\n    pass\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", option, str(tmp_path)]
    plain = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False, env=plain)
    assert ran.returncode == code, ran.stdout
    assert ("no libusb" in ran.stdout) == (code == 1)


UNWRITABLE = """
import os
from pathlib import Path
os.access = lambda path, mode: not mode & os.W_OK
from sinonom_cli.relief import distance
import numpy as np
distance.distance_to(np.eye(4, dtype=bool))
folder = Path(os.environ["NUMBA_CACHE_DIR"])
assert list(folder.rglob("*.nbi"))
assert folder.stat().st_mode & 0o777 == 0o700 or os.name == "nt"
print(folder)
"""


def test_a_package_that_a_user_may_not_write_to_works_without_a_home() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", UNWRITABLE]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env=environment)
    assert not Path(ran.stdout.strip()).exists(), "it is left behind"


EMBED = """
import sys
from pathlib import Path
from sinonom_cli.storage.model_folder import read_model
from sinonom_cli.networks.embedder import Embedder
import numpy as np
Embedder(read_model(Path(sys.argv[1]))).embed(np.zeros((1, 16, 16), np.float32))
"""


def test_onnx_runtime_reports_nothing_and_leaves_nothing_in_the_home(tmp_path: Path) -> None:
    tiny_model(tmp_path / "model")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)}
    for name in ("HOME", "TMPDIR"):
        (tmp_path / name).mkdir()
        environment[name] = str(tmp_path / name)
    subprocess.run([sys.executable, "-c", EMBED, str(tmp_path / "model")], check=True, env=environment)
    left = [path for name in ("HOME", "TMPDIR") for path in (tmp_path / name).rglob("*") if path.is_file()]
    assert [path for path in left if path.suffix not in (".nbi", ".nbc")] == []
