"""The commands that work through a batch share their options."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from sinonom_cli import cli

BATCHES = ("render", "cut", "read", "carve", "synth-fonts", "crop-nomnaocr", "index")
SHARED = ("workers", "engine", "limit", "overwrite", "fail_fast", "max_failures", "json", "quiet", "verbose")
BETWEEN = {"workers": 3, "engine": "ray:h:1", "overwrite": True, "fail_fast": True, "max_failures": 7}


def declared(name: str) -> dict[str, Any]:
    group = typer.main.get_command(cli.make_app([name]))
    return {each.name: each for each in group.commands[name].params}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_command_has_every_shared_option_with_the_same_help(name: str) -> None:
    first, mine = declared("render"), declared(name)
    for option in SHARED:
        assert (mine[option].opts, mine[option].help) == (first[option].opts, first[option].help)
    order = [option for option in mine if option in SHARED]
    assert order == list(SHARED) or (name == "crop-nomnaocr" and sorted(order) == sorted(SHARED))


def test_each_option_of_a_batch_reaches_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.stl").write_bytes(b"")
    seen: dict[str, Any] = {}

    def fill(out: Path, **given: Any) -> SimpleNamespace:
        seen.update(vars(given["batch"]), items=len(given["items"]))
        raise KeyboardInterrupt

    monkeypatch.setattr("sinonom_cli.parallel.batch.fill", fill)
    typed = ["--workers", "3", "--engine", "ray:h:1", "--overwrite", "--fail-fast", "--max-failures", "7"]
    assert cli.run(["cut", str(tmp_path), str(tmp_path / "out"), *typed]) == 130
    assert seen == BETWEEN | {"items": 1}
