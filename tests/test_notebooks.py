"""The notebooks of examples/ run from their first cell to their last, and are kept without outputs."""

import ast
import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tinytraining import draw

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALL = {"embedding": 8, "size": 32, "classes": 4, "images": 2, "val": 0.3, "workers": 0, "threads": 1}


def run_notebook(name: str, **parameters: Any) -> tuple[dict[str, Any], list[Any]]:
    """Run all cells of a notebook; return its names, and the values that its cells show.

    Parameters
    ----------
    parameters : names that are set anew after the cell with the tag `parameters`.
    """
    notebook = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    shown = []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == [] and cell["execution_count"] is None  # outputs are made only where it runs
        *body, last = ast.parse("".join(cell["source"])).body
        exec(compile(ast.Module(body, []), name, "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), name, "eval"), names))
        else:
            exec(compile(ast.Module([last], []), name, "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            assert set(parameters) <= set(names)
            names.update(parameters)
    return names, shown


def test_the_notebook_runs_from_meshes_to_answers() -> None:
    names, shown = run_notebook("notebook.ipynb")
    assert shown[0] == 30 and shown[-1] == (20, 128)
    assert any(hasattr(each, "_repr_png_") for each in shown) and any(hasattr(each, "_repr_html_") for each in shown)
    shutil.rmtree(names["work"])


@pytest.fixture
def drawn_nowhere() -> None:
    pytest.importorskip("torch")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")


def own_data(folder: Path) -> dict[str, Any]:
    """Make image sets of invented characters: one to learn from, one as depth images, and one to ask with."""
    sets = {name: draw(folder / name, hands=hands) for name, hands in (("train", 6), ("depth", 1), ("prints", 1))}
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        asked = sorted(sets["prints"].rglob("*.png"))
        rows = [(path.relative_to(sets["prints"]).as_posix(), path.parent.name) for path in asked]
        csv.writer(file).writerows([("query", "label"), *rows])
    return {"train": [sets["train"]], "depth": sets["depth"], "queries": sets["prints"], "truth": folder / "truth.csv"}


@pytest.mark.usefixtures("drawn_nowhere")
@pytest.mark.parametrize("whose", ["own", "what ships"])
def test_the_reports_tables_and_figures_are_made_of_what_ships_and_of_ones_own_data(
    whose: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = {"no metric learning": {"loss": "cross-entropy"}, "triplet, hard mining": {"loss": "triplet"}}
    own = own_data(tmp_path) if whose == "own" else None
    names, shown = run_notebook(
        "report.ipynb", own=own, work=tmp_path / "work", steps=2, options=SMALL, losses=losses, characters=5
    )
    out = capsys.readouterr().out
    for row in ("euclidean", "cosine", "kl", "cross-entropy", "no metric learning", "triplet, hard mining"):
        [line] = (line for line in out.splitlines() if line.startswith(f"{row} "))
        assert 0 <= float(line.removeprefix(row).split()[0]) <= 1
    assert "0.957" in out, "the report's figure stands beside ours"
    if whose == "own":  # the prints are the depth images: every network finds most of them
        assert min(names["first"]["euclidean"]) > 0.9
    assert shown[0] == (6 if whose == "own" else 5) and shown[1] == 2
    assert sum(type(each).__name__ == "Figure" for each in shown) == 3
    assert shown[-1]._repr_html_().count("<img ") == 5


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_is_a_valid_notebook(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.read(path, as_version=4))
