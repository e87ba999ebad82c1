"""Test that Ray gives the same output as worker processes, with a real Ray of two cores that is started for these
tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from refused import refused
from tinybatch import content, make, texts

from sinonom_cli.errors import ExitCode

pytest.importorskip("ray", reason='Ray is not installed: pip install "sinonom[ray]"')


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Start one local Ray for all tests here, because starting takes seconds."""
    from sinonom_cli.parallel.ray_engine import _cluster

    with _cluster("", 2):
        yield


def test_the_bytes_of_ray_are_those_of_workers_and_failures_are_kept(tmp_path: Path, cluster: None) -> None:
    source = texts(tmp_path / "in", 20, bad="bad", odd="odd")
    here = make(source, tmp_path / "here")
    there = make(source, tmp_path / "there", engine="ray", workers=2)
    assert there.counts == {"items": 22, "images": 20, "failed": 2}
    assert here.counts == there.counts
    assert content(tmp_path / "here") == content(tmp_path / "there")


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL on this system")
def test_an_item_that_kills_its_worker_is_tried_again_and_fails_alone(tmp_path: Path, cluster: None) -> None:
    artifact = make(texts(tmp_path / "in", 5, crash="crash"), tmp_path / "out", engine="ray", workers=2)
    assert artifact.counts == {"items": 6, "images": 5, "failed": 1}
    assert "crash.txt,the library" in (tmp_path / "out" / "failures.csv").read_text(encoding="utf-8")


def test_a_full_disk_stops_ray_too(tmp_path: Path, cluster: None) -> None:
    source = texts(tmp_path / "in", 3, full="full")
    with refused(ExitCode.OUTPUT_IN_THE_WAY):
        make(source, tmp_path / "out", engine="ray")


def test_a_cluster_that_is_away_is_one_clear_line() -> None:
    from sinonom_cli.parallel import ray_engine

    ray = pytest.importorskip("ray")
    away = ConnectionError("Could not find any running Ray instance.\nPlease specify the one to connect to")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray, "is_initialized", lambda: False)
        patch.setattr(ray, "init", lambda **_: (_ for _ in ()).throw(away))
        with refused(ExitCode.BAD_INPUT, "far:6379"), ray_engine._cluster("far:6379", None):
            pass
