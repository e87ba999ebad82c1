"""Fixtures that all tests share, and the option `--no-skips`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinonom_cli import console

DATA = os.environ.get("SINONOM_DATA", Path(__file__).parent.parent.parent / "shared" / "data")

NO_DATA = "no real data"
NOT_TO_BE_INSTALLED = (NO_DATA, "this processor cannot")
"""Reasons of skips that `--no-skips` allows, because no package installs the data or another processor."""


LONG = {"train", "test_chain.py", "test_engines.py", "test_examples.py", "test_extending.py", "test_kill.py"}
LONG |= {
    "test_ways_in.py",
    "test_networks.py",
    "test_notebooks.py",
    "test_open_files.py",
    "test_ray_engine.py",
    "test_same_bytes.py",
}
"""Folders and files whose tests take long. They run first, so that no process waits at the end for a long test of
another one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="Fail if a test was skipped because a package is missing.")


def skipped(config: pytest.Config) -> list[str]:
    """Return the test and the reason of each skip that `--no-skips` does not allow."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter and config.getoption("--no-skips") else []
    return [
        f"{r.nodeid}: {r.longrepr[2]}"
        for r in reports
        if not any(reason in r.longrepr[2] for reason in NOT_TO_BE_INSTALLED)
    ]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in skipped(config):
        terminalreporter.write_line(f"--no-skips: {line}", red=True)


@pytest.fixture
def shared_data() -> Path:
    """Return the folder of real prints, font lists and the benchmark (`SINONOM_DATA`); skip the test if absent."""
    root = Path(DATA)
    if not root.is_dir():
        pytest.skip(f"{NO_DATA}: set SINONOM_DATA (looked in {root})")
    return root


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run all tests without the caller's SINONOM_* variables, and with a separate cache."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in list(os.environ):
            if name.startswith("SINONOM_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("SINONOM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    """Start every test with the default settings of the console."""
    console.reset()
    with console.attached():  # tests that call the library see its messages as a command shows them
        yield
