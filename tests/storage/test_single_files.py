"""Test outputs of one file (sheets, reports, tables): only an older output of the same kind is overwritten."""

import shutil
from pathlib import Path

import pytest
from tinycommands import fonts, patches, sinonom
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli.errors import ExitCode

FILES = {
    "--sheet": ("query", "set", "--index", "db.faiss", "--sheet", "out.png"),
    "--scores": ("query", "set", "--index", "db.faiss", "--truth", "truth.csv", "--scores", "out.csv"),
    "--report": ("query", "set", "--index", "db.faiss", "--report", "out.html"),
    "sets --sheet": ("sets", "set", "--sheet", "out.png"),
    "crop --sheet": ("crop-nomnaocr", "patches", "crops", "--doubtful-below", 0, "--sheet", "out.png"),
    "fonts --output": ("fonts", "fonts", "--chars", "字", "--output", "out.csv"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a model, an index of a set, its truth, patches and fonts."""
    folder = tmp_path_factory.mktemp("house")
    tiny_model(folder / "model")
    tiny_pictures(folder / "set", [f"{number}.png" for number in range(3)])
    (folder / "truth.csv").write_text("query,label\n0.png,0.png\n", encoding="utf-8")
    fonts(folder / "fonts")
    patches(folder / "patches")
    assert sinonom("index", folder / "set", folder / "db.faiss", "--model", folder / "model", "-q") == 0
    return folder


@pytest.mark.parametrize("command", FILES.values(), ids=FILES)
def test_only_an_older_one_of_the_same_kind_is_written_over(
    made: Path, tmp_path: Path, command: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made, tmp_path / "house")
    monkeypatch.chdir(tmp_path / "house")
    out = Path(str(command[-1]))
    assert sinonom(*command, "-q") == 0
    first = out.read_bytes()
    assert sinonom(*command, "-q") == 0 and out.read_bytes() == first
    for theirs in (b"a user's", b"", b"file,reason\n"):
        out.write_bytes(theirs)
        assert sinonom(*command, "-q") == ExitCode.OUTPUT_IN_THE_WAY
        assert out.read_bytes() == theirs
    out.unlink()
    out.mkdir()
    assert sinonom(*command, "-q") == ExitCode.OUTPUT_IN_THE_WAY
    out.rmdir()
    out.symlink_to("nowhere/at/all")
    assert sinonom(*command, "-q") == ExitCode.OUTPUT_IN_THE_WAY
    assert out.is_symlink()


def test_a_sheet_that_is_asked_about_is_not_written_over(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made, tmp_path / "house")
    monkeypatch.chdir(tmp_path / "house")
    assert sinonom("sets", "set", "--sheet", "page.png", "-q") == 0
    before = Path("page.png").read_bytes()
    Path("link.png").symlink_to("page.png")
    for name in ("page.png", "link.png"):
        command = ("query", "page.png", "--index", "db.faiss", "--sheet", name, "-q")
        assert sinonom(*command) == ExitCode.OUTPUT_IN_THE_WAY
        assert Path("page.png").read_bytes() == before
    shutil.copyfile("truth.csv", "scores.csv")
    command = ("query", "set", "--index", "db.faiss", "--truth", "scores.csv", "--scores", "scores.csv", "-q")
    assert sinonom(*command) == ExitCode.OUTPUT_IN_THE_WAY
    assert Path("scores.csv").read_bytes() == Path("truth.csv").read_bytes()
