"""Files appear completely or not at all, and what stands in the way is said in one line."""

from pathlib import Path

import pytest
from refused import refused

from sinonom_cli.errors import ExitCode
from sinonom_cli.storage.atomic import write_text


@pytest.mark.parametrize("below", ["a.txt", "deep/a.txt"])
def test_a_file_where_a_folder_should_be_is_said_and_kept(tmp_path: Path, below: str) -> None:
    (tmp_path / "bản khắc").write_text("mine")
    with refused(ExitCode.OUTPUT_IN_THE_WAY, tmp_path / "bản khắc", "folder"):
        write_text(tmp_path / "bản khắc" / below, "new")
    assert (tmp_path / "bản khắc").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1
