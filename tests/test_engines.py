"""`--engine ray` gives the same bytes as `--workers`, in every stage that has it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tinybatch import content
from tinycolumn import column, save
from tinyfont import build
from tinymodel import tiny_model

from sinonom_cli import cli

pytest.importorskip("ray", reason='Ray is not installed: pip install "sinonom[ray]"')

STAGES = {
    "synth-fonts": ("fonts/hand.ttf", "data", "--strokes", "0"),
    "carve": ("data", "meshes", "--limit", 3),
    "render": ("meshes", "depth", "--size", 32),
    "crop-nomnaocr": ("nom", "crops"),
    "index": ("depth", "db.faiss", "--model", "model", "--batch-size", 2),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Start one local Ray cluster for all tests here, because a start takes seconds."""
    from sinonom_cli.parallel.ray_engine import _cluster

    with _cluster("", 2):
        yield


def test_every_stage_makes_the_same_bytes(tmp_path: Path, cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in" / "bản khắc 𡦂"
    build(source / "fonts" / "hand.ttf", chars="字日月")
    tiny_model(source / "model")
    (source / "nom" / "Patches" / "book").mkdir(parents=True)
    save(column("日月一金木水").grey, source / "nom" / "Patches" / "book" / "p_0.jpg")
    (source / "nom" / "Patches" / "All.txt").write_text("book/p_0.jpg\t日月一金木水\n", encoding="utf-8")
    for name, options in (("here", ("--workers", 0)), ("there", ("--workers", 2, "--engine", "ray"))):
        folder = tmp_path / name / source.name
        shutil.copytree(source, folder)
        monkeypatch.chdir(folder)  # relative paths: Ray's workers must find them too
        for stage, arguments in STAGES.items():
            assert cli.run([stage, *map(str, (*arguments, *options))]) == 0, stage
    here, there = content(tmp_path / "here"), content(tmp_path / "there")
    assert len([path for path in here if path.endswith((".png", ".stl", ".faiss"))]) > 10
    assert here == there


def test_an_engine_that_is_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["render", "a.stl", "out", "--engine", "spark"]) == 2
    assert "spark" in capsys.readouterr().err
