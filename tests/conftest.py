"""Fixtures that every room's tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinonom_cli import console

DATA = os.environ.get("SINONOM_DATA", Path(__file__).parent.parent.parent / "shared" / "data")


@pytest.fixture
def shared_data() -> Path:
    """Folder of real prints, fonts lists and the benchmark (`SINONOM_DATA`); skips where it is absent."""
    root = Path(DATA)
    if not root.is_dir():
        pytest.skip(f"no real data: set SINONOM_DATA (looked in {root})")
    return root


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run all tests without SINONOM_* of the caller's environment, and with a cache of their own."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in list(os.environ):
            if name.startswith("SINONOM_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("SINONOM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def fresh_settings() -> None:
    """Start every test with no switch set."""
    console.reset()
