"""Tests run side by side: long ones first, and a skip in any process is seen."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent / "conftest.py"


def ran(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder with a copy of conftest.py."""
    shutil.copy(CONFTEST, folder)
    settings = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False, env=settings)


def test_long_tests_run_first(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name in ("blocks.py", "kill.py", "writing.py"):
        (tmp_path / f"test_{name}").write_text("def test_it(): pass\n", encoding="utf-8")
    (tmp_path / "train" / "test_steps.py").write_text("def test_it(): pass\n", encoding="utf-8")
    listed = ran(tmp_path, "--collect-only", "-q").stdout.splitlines()
    names = [Path(line.partition("::")[0]).name for line in listed if "::" in line]
    assert sorted(names[:2]) == ["test_kill.py", "test_steps.py"]
    assert names[2:] == ["test_blocks.py", "test_writing.py"]


def test_a_skip_in_one_of_two_processes_fails_where_everything_should_be_installed(tmp_path: Path) -> None:
    pytest.importorskip("xdist", reason='tests run side by side with pytest-xdist; pip install "sinonom[test]"')
    text = "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n):\n"
    text += "    if n == 3: pytest.skip('no libusb')\n"
    (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
    both = ran(tmp_path, "-n", "2", "--dist", "worksteal", "--no-skips")
    assert both.returncode == 1 and "no libusb" in both.stdout
    assert ran(tmp_path, "-n", "2", "--dist", "worksteal").returncode == 0
