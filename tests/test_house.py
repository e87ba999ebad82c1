"""The code keeps its rules: which package may import which, and that --help loads nothing heavy."""

import ast
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sinonom_cli

ROOT = Path(sinonom_cli.__file__).parent
HEAVY = (
    "torch",
    "torchvision",
    "open3d",
    "faiss",
    "ultralytics",
    "timm",
    "numpy",
    "numba",
    "PIL",
    "rich",
    "onnxruntime",
    "pydantic",
)
LIGHT = {"typer", "sinonom_cli"}


def imported(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def test_imports_run_downwards() -> None:
    """Check the contracts that are in pyproject.toml."""
    checker = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [checker, "--no-cache"], cwd=ROOT.parent, capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT.parent), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0 and " 0 broken" in done.stdout, done.stdout + done.stderr


def test_an_import_that_runs_upwards_would_be_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "sinonom_cli", ignore=shutil.ignore_patterns("assets", "__pycache__"))
    shutil.copytree(
        ROOT / "assets", tmp_path / "sinonom_cli" / "assets", ignore=lambda _, names: set(names) - {"__init__.py"}
    )
    shutil.copy(ROOT.parent / "pyproject.toml", tmp_path)
    (tmp_path / "sinonom_cli" / "storage" / "upwards.py").write_text(
        "import sinonom_cli.search.index\n", encoding="utf-8"
    )
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=tmp_path, capture_output=True,
        encoding="utf-8", check=False, env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode != 0 and "sinonom_cli.storage.upwards" in done.stdout


COMMANDS = sorted((ROOT / "commands").glob("[!_]*.py"))


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_command_file_imports_nothing_heavy_at_its_top(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    packages = {name.split(".")[0] for name in imported(top)}
    assert packages - set(sys.stdlib_module_names) <= LIGHT


@pytest.mark.parametrize("arguments", ["--help", "version", "render --help", "train --help", "query --help"])
def test_help_loads_nothing_heavy(arguments: str) -> None:
    code = (
        f"import sys; from sinonom_cli.cli import run; code = run({arguments.split()!r})\n"
        f"assert code == 0, code; loaded = [m for m in {HEAVY!r} if m in sys.modules]; assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_command_loads_no_other_command() -> None:
    code = (
        "import sys; from sinonom_cli.cli import run; run(['query', '--help'])\n"
        "print({name for name in sys.modules if name.startswith('sinonom_cli.commands.')})"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8").stdout
    assert ast.literal_eval(shown.splitlines()[-1]) == {"sinonom_cli.commands.query"}


def test_nothing_names_the_machine_it_was_written_on() -> None:
    for path in ROOT.parent.rglob("*"):
        if path.suffix in {".py", ".md", ".sh", ".toml"} and ".venv" not in path.parts:
            text = path.read_text(encoding="utf-8")
            for root in ("tmp", "work", "root", "home", "opt"):
                assert f'"/{root}/' not in text, path
                assert f" /{root}/" not in text, path


SCRIPTS = sorted(path for folder in ("docs", "benchmarks", "tools") for path in (ROOT.parent / folder).glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_scripts_ask_the_package_for_what_it_has(script: Path) -> None:
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("sinonom_cli"):
            continue
        module = importlib.import_module(str(node.module))
        for name in node.names:
            is_module = hasattr(module, "__path__") and importlib.util.find_spec(f"{node.module}.{name.name}")
            assert hasattr(module, name.name) or is_module, f"{node.module} has no {name.name}"
