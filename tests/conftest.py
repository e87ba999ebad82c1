"""Fixtures that every room's tests share."""

import os
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


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test with no switch set and no SINONOM_* of the caller's environment."""
    console.reset()
    for name in list(os.environ):
        if name.startswith("SINONOM_"):
            monkeypatch.delenv(name)
