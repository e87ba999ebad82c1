"""The same seed gives the same bytes with any workers, threads and kernel of OpenBLAS, at the usual sizes."""

import ast
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tinycolumn import column, save
from tinyfont import build

import sinonom_cli

ROOT = Path(sinonom_cli.__file__).parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
REFERENCE = ("Haswell", "1", "0")
OTHERS = (("Haswell", "2", "0"), ("Prescott", "2", "2"))
"""Kernel (Haswell has fused multiply-add, Prescott does not), number of threads, number of workers."""

CHAIN = (
    ("synth-fonts", "fonts/hand.ttf", "data", "--degrade", "0,0.6"),
    ("carve", "data", "meshes"),
    ("carve", "data", "blocks", "--page", "--char-width", "40", "--limit", "2"),
    ("render", "meshes", "depth", "--depth16"),
    ("crop-nomnaocr", "nom", "crops", "--check", "--keep-doubtful"),
)
CODE = """
from sinonom_cli import cli
for command in {chain!r}:
    assert cli.run([*command, "--workers", "{workers}", "--quiet"]) == 0, command
"""


def run(folder: Path, code: str, kernel: str, threads: str) -> "subprocess.CompletedProcess[str]":
    settings = {**os.environ, **dict.fromkeys(THREADS, threads), "OPENBLAS_CORETYPE": kernel}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=settings, capture_output=True, encoding="utf-8", check=False
    )


def inputs(folder: Path) -> None:
    """Write a font of two characters, and a column of six with its transcript."""
    build(folder / "fonts" / "hand.ttf", chars="字日")
    patch = folder / "nom" / "Patches" / "book" / "p_0.jpg"
    patch.parent.mkdir(parents=True)
    save(column("日月一金木水").grey, patch)
    (folder / "nom" / "Patches" / "All.txt").write_text("book/p_0.jpg\t日月一金木水\n", encoding="utf-8")


def hashes(folder: Path) -> dict[str, str]:
    made = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in made}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, str], dict[str, str]]:
    """Return a function that runs the chain with a kernel, threads and workers, and returns the hashes of its files."""
    known: dict[tuple[str, str, str], dict[str, str]] = {}
    source = tmp_path_factory.mktemp("inputs")
    inputs(source)

    def make(kernel: str, threads: str, workers: str) -> dict[str, str]:
        if (kernel, threads, workers) not in known:
            folder = tmp_path_factory.mktemp(f"{kernel}-{threads}") / "bản khắc 𡦂"
            if run(source, "import numpy; numpy.ones((64, 64)) @ numpy.ones((64, 64))", kernel, threads).returncode:
                pytest.skip(f"this processor cannot run OpenBLAS's kernel for {kernel}")
            for path in source.rglob("*"):
                if path.is_file():
                    copy = folder / path.relative_to(source)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(path.read_bytes())
            ran = run(folder, CODE.format(chain=CHAIN, workers=workers), kernel, threads)
            assert ran.returncode == 0, ran.stderr
            known[kernel, threads, workers] = hashes(folder)
        return known[kernel, threads, workers]

    return make


@pytest.mark.parametrize(("kernel", "threads", "workers"), OTHERS)
def test_every_command_makes_the_same_bytes_whatever_blas_does(
    kernel: str, threads: str, workers: str, made: Callable[[str, str, str], dict[str, str]]
) -> None:
    usual, other = made(*REFERENCE), made(kernel, threads, workers)
    assert len([path for path in usual if path.endswith((".png", ".stl"))]) > 20
    assert set(usual) == set(other)
    assert [path for path, content in usual.items() if other[path] != content] == []


BLAS = {"dot", "vdot", "inner", "outer", "matmul", "tensordot", "linalg", "convolve", "correlate", "polyfit", "cov"}
ROWWISE = {"norm"}
"""Functions of numpy.linalg that call neither BLAS nor LAPACK if they get an axis."""
PROMISED = (
    *("crops", "layout", "fonts", "meshes", "parallel", "render", "search/indexing"),
    *(f"relief/{name}.py" for name in ("carve", "distance", "options", "physics", "plate", "strokes")),
    *(f"relief/block_{name}.py" for name in ("map", "mesh", "options", "plan", "shape")),
    *(f"relief/{name}.py" for name in ("char_width", "compose", "page_fields", "page_run", "whole_block")),
    "pictures/page_ink.py",
)


def products(path: Path) -> list[str]:
    """Return the lines of a file that multiply matrices and may call BLAS."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    rowwise = {
        id(call.func.value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ROWWISE
        and "axis" in {keyword.arg for keyword in call.keywords}
    }
    found = []
    for node in ast.walk(tree):
        named = isinstance(node, ast.Attribute) and node.attr in BLAS and id(node) not in rowwise
        if named or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult)):
            found.append(f"{path.name}:{node.lineno}")
    return found


@pytest.mark.parametrize("place", PROMISED)
def test_what_promises_bytes_multiplies_without_blas(place: str) -> None:
    paths = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
    assert paths
    assert [where for path in paths for where in products(path)] == []


def test_a_product_of_blas_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        "x = a @ b\ny = np.dot(a, b)\nz = np.linalg.norm(a)\nw = np.linalg.norm(a, axis=1)\n", encoding="utf-8"
    )
    assert products(path) == ["a.py:1", "a.py:2", "a.py:3"]
