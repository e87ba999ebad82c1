"""Test locks: of two commands with the same output the second is refused; a killed process blocks no later command."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tinybatch import make, texts
from tinycommands import meshes, sinonom
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.lock import lock_path, locked
from sinonom_cli.storage.record import writing

HOLD = """
import sys
from pathlib import Path
from sinonom_cli.storage.lock import locked
with locked(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path, kind: str) -> "subprocess.Popen[str]":
    """Start another process that holds the lock until its stdin is closed."""
    command = [sys.executable, "-c", HOLD, str(path), kind]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_a_second_command_is_refused_at_once_and_the_output_stays_as_it_is(tmp_path: Path) -> None:
    arguments, _ = meshes(tmp_path / "in")
    out = tmp_path / "out"
    assert sinonom(*arguments, out, "-q") == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    process = holder(out, "imageset")
    try:
        for more in ((), ("--overwrite",), ("--mirror", "--overwrite")):
            assert sinonom(*arguments, out, *more, "-q") == ExitCode.OUTPUT_IN_THE_WAY
    finally:
        process.communicate()
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert sinonom(*arguments, out, "--mirror", "--overwrite", "-q") == 0


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_what_a_killed_process_leaves_blocks_nobody_and_goes(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    process = holder(out, "imageset")
    process.kill()
    process.communicate()
    assert lock_path(out, "imageset").exists()
    make(source, out)
    assert not lock_path(out, "imageset").exists()


def test_of_a_lock_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "deep" / "out", "model"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "deep" / "db.faiss", "index"):
        (tmp_path / "deep" / "db.faiss").touch()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["db.faiss"]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove open files")
def test_a_lock_on_a_file_that_is_gone_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sinonom_cli.storage import lock

    looked = []
    still = lock._is_still

    def removed_meanwhile(path: Path, before: os.stat_result) -> bool:
        looked.append(path)
        if len(looked) == 1:
            path.unlink()  # as the lock's last holder does
        return still(path, before)

    monkeypatch.setattr(lock, "_is_still", removed_meanwhile)
    with locked(tmp_path, "model"):
        assert len(looked) == 2 and lock_path(tmp_path, "model").exists()
        with pytest.raises(SinonomError), locked(tmp_path, "model"):
            pass


def test_a_foreign_folder_is_not_even_locked(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work", encoding="utf-8")
    before = tmp_path.stat().st_mtime_ns
    with pytest.raises(SinonomError) as caught, writing(tmp_path, "model", []):
        pass
    assert caught.value.code == ExitCode.OUTPUT_IN_THE_WAY
    assert tmp_path.stat().st_mtime_ns == before


def test_an_index_is_locked_whatever_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    names = [f"{number}.png" for number in range(12)]
    tiny_pictures(tmp_path / "set", names)
    tiny_pictures(tmp_path / "more", ["a.png"], seed=1)
    assert sinonom("index", "set", "db.faiss", "-q") == 0
    (tmp_path / "truth.csv").write_text("query,label\n" + "".join(f"{name},{name}\n" for name in names))
    before = {path: path.read_bytes() for path in tmp_path.glob("db.faiss*")}
    process = holder(tmp_path / "db.faiss", "index")
    try:
        for command in (
            ("index", "set", "db.faiss", "--overwrite"),
            ("index", "more", "db.faiss", "--add"),
            ("index", "db.faiss", "--remove", "0.png"),
            ("query", "set", "--index", "db.faiss", "--truth", "truth.csv", "--calibrate"),
        ):
            assert sinonom(*command, "-q") == ExitCode.OUTPUT_IN_THE_WAY, command
    finally:
        process.communicate()
    assert {path: path.read_bytes() for path in tmp_path.glob("db.faiss*")} == before
    assert sinonom("index", "more", "db.faiss", "--add", "-q") == 0
    assert not list(tmp_path.glob(".*.lock"))


@pytest.mark.parametrize("kind", ["imageset", "index"])
def test_where_nothing_can_be_written_or_a_file_is_in_the_way(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "dead").symlink_to(tmp_path / "nowhere")
    for out in (tmp_path / "file" / "out", tmp_path / "dead" / "out", tmp_path / ("n" * 300)):
        with pytest.raises(SinonomError) as caught, writing(out, kind, []):
            pass
        assert caught.value.code == ExitCode.OUTPUT_IN_THE_WAY
    assert not (tmp_path / "nowhere").exists()
