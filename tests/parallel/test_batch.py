"""Test batches: whole files, the same bytes, resuming after a kill; one bad item does not stop the others."""

import csv
import errno
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refused import refused
from tinybatch import content, make, texts

from sinonom_cli.errors import ExitCode
from sinonom_cli.parallel.batch import close, item_rng
from sinonom_cli.parallel.work import attempt
from sinonom_cli.storage import atomic
from sinonom_cli.storage.atomic import save_png
from sinonom_cli.storage.image_set import check, read_imageset
from sinonom_cli.storage.inputs import Item


def test_the_same_bytes_whatever_the_number_of_workers(tmp_path: Path) -> None:
    source = texts(tmp_path / "in", none="none", bad="bad")
    make(source, tmp_path / "one")
    make(source, tmp_path / "two", workers=2)
    one = content(tmp_path / "one")
    assert one == content(tmp_path / "two")
    assert sorted(one)[0] == "artifact.json"
    assert len([name for name in one if name.endswith(".png")]) == 12


def test_a_set_is_read_back_as_it_was_made(tmp_path: Path) -> None:
    make(texts(tmp_path / "in"), tmp_path / "out")
    images = read_imageset(tmp_path / "out")
    check(images)
    assert [p.item for p in images.pictures] == [f"bản khắc 𡦂/{i:03}.png" for i in range(12)]
    assert {p.label for p in images.pictures} == {"U+5B57"}
    (tmp_path / "out" / images.pictures[3].file_name).unlink()
    with refused(ExitCode.BAD_INPUT, "003.png"):
        check(images)


def test_one_bad_item_is_a_row_in_failures_and_the_rest_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = make(texts(tmp_path / "in", bad="bad", odd="odd"), tmp_path / "out")
    assert artifact.counts == {"items": 14, "images": 12, "failed": 2}
    with (tmp_path / "out" / "failures.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["file", "reason"],
            ["bad.txt", "nothing to see in this file"],
            ["odd.txt", "KeyError: 'oops'"],
        ]
    with refused(ExitCode.SOME_FAILED, "2 of 14"):
        close(artifact, as_json=False)
    assert capsys.readouterr().out.strip() == str(tmp_path / "out")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_an_item_that_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    artifact = make(texts(tmp_path / "in", 8, crash="crash"), tmp_path / "out", workers=2)
    assert artifact.counts == {"items": 9, "images": 8, "failed": 1}
    assert "crash.txt,the library" in (tmp_path / "out" / "failures.csv").read_text(encoding="utf-8")


def test_a_rerun_tries_failures_again_and_leaves_the_rest(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in", bad="bad"), tmp_path / "out"
    make(source, out)
    first = out / "images" / "bản khắc 𡦂" / "000.png"
    before = first.stat().st_mtime_ns
    (source / "bad.txt").write_text("good now", encoding="utf-8")
    artifact = make(source, out)
    assert artifact.counts == {"items": 13, "images": 13, "failed": 0}
    assert not (out / "failures.csv").exists()
    assert first.stat().st_mtime_ns == before
    make(source, tmp_path / "unbroken")
    assert content(out) == content(tmp_path / "unbroken")


def test_the_same_command_on_a_complete_output_does_nothing(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    assert make(source, out).state == "complete"
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before


def test_other_options_are_refused_with_the_difference(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    with refused(ExitCode.OUTPUT_IN_THE_WAY, "seed is 0", "1 here"):
        make(source, out, seed=1)
    make(source, out, seed=1, overwrite=True)
    make(source, tmp_path / "fresh", seed=1)
    assert content(out) == content(tmp_path / "fresh")


def test_inputs_that_changed_are_refused_not_mixed(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    (source / "bản khắc 𡦂" / "003.txt").write_text("another text", encoding="utf-8")
    with refused(ExitCode.OUTPUT_IN_THE_WAY, "1 changed", "0 gone", "bản khắc 𡦂/003.txt"):
        make(source, out)
    make(source, out, overwrite=True)


def test_new_inputs_are_added_to_a_complete_set(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    (source / "a new one.txt").write_text("new", encoding="utf-8")
    assert make(source, out).counts["images"] == 13
    make(source, tmp_path / "fresh")
    assert content(out) == content(tmp_path / "fresh")


def test_overwrite_deletes_nothing_of_the_users(tmp_path: Path) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    make(source, out)
    (out / "my notes.txt").write_text("dear diary", encoding="utf-8")
    make(source, out, seed=1, overwrite=True)
    assert (out / "my notes.txt").read_text(encoding="utf-8") == "dear diary"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_is_not_ours_is_never_touched(tmp_path: Path, overwrite: bool) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    (out / "thesis.doc").write_text("years of work", encoding="utf-8")
    with refused(ExitCode.OUTPUT_IN_THE_WAY, out):
        make(source, out, overwrite=overwrite)
    assert [p.name for p in out.iterdir()] == ["thesis.doc"]


def test_fail_fast_and_max_failures_stop(tmp_path: Path) -> None:
    source = texts(tmp_path / "in", 3, bad="bad", bad2="bad")
    with refused(ExitCode.BAD_INPUT, "bad.txt"):
        make(source, tmp_path / "a", fail_fast=True)
    with refused(ExitCode.BAD_INPUT, "bad2.txt"):
        make(source, tmp_path / "b", max_failures=1)
    assert make(source, tmp_path / "c", max_failures=2).counts["failed"] == 2


def test_nothing_usable_is_bad_input_and_can_be_tried_again(tmp_path: Path) -> None:
    source = texts(tmp_path / "in", 0, bad="bad")
    with refused(ExitCode.BAD_INPUT, "bad.txt"):
        make(source, tmp_path / "out")
    (source / "bad.txt").write_text("good", encoding="utf-8")
    assert make(source, tmp_path / "out").counts["images"] == 1


def test_a_full_disk_stops_with_one_line_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = texts(tmp_path / "in"), tmp_path / "out"
    written = 0

    def full(path: Path, content: bytes) -> int:
        nonlocal written
        written += 1
        if written > 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with path.open("wb") as file:
            return file.write(content)

    with monkeypatch.context() as patch:
        patch.setattr(atomic.Path, "write_bytes", full)
        with refused(ExitCode.OUTPUT_IN_THE_WAY, out):
            make(source, out)
    assert not [p for p in out.rglob("*") if p.name.startswith(atomic.TEMPORARY)]
    make(source, out)
    make(source, tmp_path / "unbroken")
    assert content(out) == content(tmp_path / "unbroken")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_run_resumes_to_the_same_bytes(tmp_path: Path, workers: int) -> None:
    source, out = texts(tmp_path / "in", 60), tmp_path / "out"
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent.parent)!r}); from pathlib import Path\n"
        f"from tinybatch import make\n"
        f"if __name__ == '__main__':\n"
        f"    make(Path({str(source)!r}), Path({str(out)!r}), pause=0.05, workers={workers})\n"
    )
    script = tmp_path / "run.py"
    script.write_text(code, encoding="utf-8")
    process = subprocess.Popen([sys.executable, str(script)])
    journal, deadline = out / "journal.jsonl", time.monotonic() + 60
    while (
        process.poll() is None
        and time.monotonic() < deadline
        and (not journal.exists() or journal.stat().st_size < 500)
    ):
        time.sleep(0.01)
    process.kill()
    process.wait()
    with journal.open("ab") as file:
        file.write(b'{"item": "half a li')
    (out / "images" / f"{atomic.TEMPORARY}123.png").write_bytes(b"half a pic")
    assert json.loads((out / "artifact.json").read_text(encoding="utf-8"))["status"] == "running"
    done = len(journal.read_bytes().splitlines()) - 1
    assert 0 < done < 60
    with refused(ExitCode.BAD_INPUT, out):
        read_imageset(out)
    time.sleep(1.0)  # orphaned workers, if there were any, would still write
    kept = {p.name: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    make(source, out)
    assert sum(p.stat().st_mtime_ns == kept.get(p.name) for p in out.rglob("*.png")) >= done
    make(source, tmp_path / "unbroken")
    assert content(out) == content(tmp_path / "unbroken")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_memory_that_one_item_frees_is_there_for_the_next() -> None:
    program = """
import resource
from sinonom_cli.parallel.processes import keep_freed_memory
keep_freed_memory()
def item():
    arrays = [b"x" * (700_000 + k) for k in range(5)]
for k in range(25):
    if k == 5:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    item()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 100  # page faults of twenty items; otherwise there are twenty thousand


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
@pytest.mark.parametrize("limited", [False, True], ids=["this glibc", "an older glibc"])
def test_memory_of_large_tensors_is_kept_for_the_next_step_of_a_training(limited: bool) -> None:
    program = f"""
import ctypes, resource, types
import numpy as np
from sinonom_cli.parallel.processes import keep_freed_memory
mallopt = ctypes.CDLL(None).mallopt
def older(name, value):
    return 0 if name == -3 and value > 32 << 20 else mallopt(name, value)
if {limited}:
    ctypes.CDLL = lambda _: types.SimpleNamespace(mallopt=older)
keep_freed_memory(2048, 1024)
def step():
    first, second = np.ones(40 << 20, np.uint8), np.ones(100 << 20, np.uint8)
for k in range(6):
    if k == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 100  # page faults of four steps; otherwise there are thousands, even with large pages


def test_json_says_what_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifact = make(texts(tmp_path / "in"), tmp_path / "out")
    close(artifact, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["counts"] == {"items": 12, "images": 12, "failed": 0}
    assert said["status"] == "complete"
    assert said["path"] == str(tmp_path / "out")


def test_randomness_depends_on_seed_and_item_alone() -> None:
    assert item_rng(0, "a").integers(1 << 60) == item_rng(0, "a").integers(1 << 60)
    assert len({int(item_rng(s, k).integers(1 << 60)) for s in (0, 1) for k in ("a", "b")}) == 4


def test_png_holds_the_picture(tmp_path: Path) -> None:
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
    save_png(tmp_path / "x.png", picture)
    with Image.open(tmp_path / "x.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), picture)


def test_an_item_whose_name_is_too_long_for_the_disk_fails_alone(tmp_path: Path) -> None:
    def work(item: Item) -> list[dict[str, str]]:
        save_png(tmp_path / f"{item.key}.png", np.zeros((2, 2), np.uint8))
        return []

    assert attempt(work, Item("a", tmp_path)).rows == []
    failed = attempt(work, Item("x" * 300, tmp_path))
    assert failed.rows is None and failed.failure
