"""The workflow runs on every promised system and Python version, and uses only programs that all of them have."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SYSTEMS = {"ubuntu-latest", "windows-latest", "macos-latest"}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@pytest.fixture
def jobs() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["jobs"])


@pytest.mark.parametrize("job", ["base", "all"])
def test_base_and_all_run_on_every_system_and_python(job: str, jobs: dict[str, Any]) -> None:
    matrix = jobs[job]["strategy"]["matrix"]
    assert set(matrix["os"]) == SYSTEMS
    assert matrix["python"] == PYTHONS, "numbers of YAML lose the zero of 3.10"
    for step in jobs[job]["steps"]:
        words = step.get("run", "").split()
        assert not {"make", "bash", "apt-get", "brew", "sudo"} & set(words)
        assert words[:1] in ([], ["python"], ["sinonom"])


def test_one_job_runs_what_is_run_here(jobs: dict[str, Any]) -> None:
    assert any("bash .ci/run" in step.get("run", "") for step in jobs["everything"]["steps"])


def test_every_target_that_the_workflow_makes_exists(jobs: dict[str, Any]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    runs = [step.get("run", "").split() for job in jobs.values() for step in job["steps"]]
    made = [words[1] for words in runs if words[:1] == ["make"]]
    assert {"docs", "dist"} <= set(made) <= set(targets)
