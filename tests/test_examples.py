"""The examples run unchanged, and the README is short."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
BASH = shutil.which("bash") if os.name == "posix" else None  # on Windows, bash needs an installed Linux


def example(name: str, out: Path) -> "subprocess.CompletedProcess[str]":
    """Run an example script, which writes to a folder, with the `sinonom` of these tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(BASH), str(ROOT / "examples" / name), str(out)],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, "PATH": path},
    )


@pytest.mark.skipif(BASH is None, reason="no bash")
def test_quickstart_finds_the_carving_of_the_character_it_asks_for(tmp_path: Path) -> None:
    ran = example("quickstart.sh", tmp_path / "bản khắc")
    answer = json.loads(ran.stdout.splitlines()[-1])
    assert answer["results"][0]["char"] == "字"
    assert (tmp_path / "bản khắc" / "answer.png").exists()


@pytest.mark.skipif(BASH is None, reason="no bash")
@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.sh")), ids=lambda p: p.name)
def test_an_example_is_a_script_that_can_be_run(script: Path) -> None:
    subprocess.run([str(BASH), "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)


def test_the_readme_begins_with_the_two_commands_and_is_read_in_two_minutes() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"\A# sinonom\n\n    make demo .*\n    make test ", text)
    assert len(text.splitlines()) <= 100


def test_the_notebook_runs_from_meshes_to_answers(capsys: pytest.CaptureFixture[str]) -> None:
    notebook = json.loads((ROOT / "examples" / "notebook.ipynb").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    shown = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None  # outputs are made only where it runs
            *body, last = ast.parse("".join(cell["source"])).body
            exec(compile(ast.Module(body, []), "notebook", "exec"), names)
            if isinstance(last, ast.Expr):
                shown.append(eval(compile(ast.Expression(last.value), "notebook", "eval"), names))
            else:
                exec(compile(ast.Module([last], []), "notebook", "exec"), names)
    assert shown[0] == 30 and shown[-1] == (20, 128)
    assert any(hasattr(each, "_repr_png_") for each in shown) and any(hasattr(each, "_repr_html_") for each in shown)
    shutil.rmtree(names["work"])
