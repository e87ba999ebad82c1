"""Check errors by their class, their exit code, and the files, numbers and options that they name."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sinonom_cli.errors import ExitCode, SinonomError


@contextmanager
def refused(code: ExitCode, *named: object) -> "Iterator[pytest.ExceptionInfo[SinonomError]]":
    """Expect an error with this exit code and a message of one line; message and hint together name all of `named`."""
    with pytest.raises(SinonomError) as caught:
        yield caught
    assert caught.value.code == code
    assert "\n" not in caught.value.message
    said = f"{caught.value.message} {caught.value.hint}"
    assert [str(name) for name in named if str(name) not in said] == [], said


def naming(capsys: "pytest.CaptureFixture[str]", *named: object) -> str:
    """Return what was written to stderr since the last reading, and check that it names all of `named`."""
    said = capsys.readouterr().err
    assert [str(name) for name in named if str(name) not in said] == [], said
    return said
