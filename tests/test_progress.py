"""Progress in a log says how fast a command is, also if one item takes longer than a second."""

import re

import pytest

from sinonom_cli import console, messages


@pytest.mark.parametrize(("seconds", "shown"), [(30.0, "30 s"), (0.05, "20.0 a second")])
def test_a_log_says_items_a_second_or_seconds_an_item(
    seconds: float, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    clock = [100.0]
    monkeypatch.setattr(messages, "say", said.append)
    monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 0)
    with console.progress(3, "blocks") as bar:
        clock[0] += seconds
        bar.advance()
    assert len(said) == 1 and re.search(rf"\b1 of 3, {shown}", said[0])
