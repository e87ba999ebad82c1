"""`sinonom index` writes the documented files, resumes after a kill, and refuses bad inputs."""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import faiss
import numpy as np
import pytest
from refused import naming
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.search.indexing import build
from sinonom_cli.storage.set_identity import quick_identity

OUTPUTS = ("db.faiss", "db.faiss.rows.csv", "db.faiss.marks", "db.faiss.json")


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in OUTPUTS}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with Nôm characters and a space in its name, which holds a model and two sets of pictures."""
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model")
    tiny_pictures(folder / "set a", [f"U+5B57/{i:02d}.png" for i in range(9)])
    tiny_pictures(folder / "b", ["00.png", "sâu/𡦂.png"], seed=1)
    monkeypatch.chdir(folder)
    return folder


def test_each_row_names_the_picture_whose_embedding_its_vector_is(house: Path) -> None:
    import onnxruntime

    from sinonom_cli.networks.preprocess import prepare
    from sinonom_cli.pictures.loading import load_picture

    assert sinonom("index", "set a", "b", "db.faiss", "--batch-size", 4) == 0
    rows = rows_of(house / "db.faiss.rows.csv")
    assert [row["set"] for row in rows] == ["set a"] * 9 + ["b"] * 2
    assert rows[9]["item"] == "00.png" and rows[10]["item"] == "sâu/𡦂.png"
    assert (rows[0]["label"], rows[0]["char"], rows[9]["label"]) == ("U+5B57", "字", "")
    network = onnxruntime.InferenceSession((house / "model" / "model.onnx").read_bytes())
    with (house / "db.faiss").open("rb") as file:
        index = faiss.deserialize_index(np.frombuffer(file.read(), np.uint8))
    for number, row in enumerate(rows):
        picture = prepare(load_picture(house / row["set"] / row["item"]), 16)
        wanted = network.run(None, {"image": picture[None, None]})[0][0]
        assert np.allclose(index.reconstruct(number), wanted, atol=1e-5)
    record = json.loads((house / "db.faiss.json").read_text(encoding="utf-8"))
    assert record["kind"] == "index" and record["status"] == "complete"
    assert record["counts"] == {"items": 11, "rows": 11, "failed": 0}
    assert record["model"]["path"] == "model" and len(record["model"]["identity"]) == 64
    assert not (house / "db.faiss.partial").exists()


def test_the_bytes_do_not_depend_on_workers(house: Path) -> None:
    assert sinonom("index", "set a", "db.faiss", "--batch-size", 4, "--workers", 0) == 0
    want = bytes_of(house)
    assert sinonom("index", "set a", "db.faiss", "--batch-size", 4, "--workers", 3, "--overwrite") == 0
    assert bytes_of(house) == want


def test_the_same_command_again_does_nothing_and_other_options_are_in_the_way(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sinonom("index", "set a", "db.faiss") == 0
    stamp = (house / "db.faiss").stat().st_mtime_ns
    assert sinonom("index", "./set a/", "db.faiss") == 0
    assert capsys.readouterr().out.splitlines() == ["db.faiss", "db.faiss"]
    assert (house / "db.faiss").stat().st_mtime_ns == stamp
    assert sinonom("index", "set a", "db.faiss", "--limit", 3) == 5
    assert "limit" in capsys.readouterr().err
    tiny_model(house / "other", seed=1)
    assert sinonom("index", "set a", "db.faiss", "--model", "other") == 5
    assert "model" in capsys.readouterr().err
    tiny_pictures(house / "set a", ["new.png"], seed=3)
    assert sinonom("index", "set a", "db.faiss") == 5
    assert "9 then, 10 now" in capsys.readouterr().err
    assert sinonom("index", "set a", "db.faiss", "--overwrite") == 0
    assert len(rows_of(house / "db.faiss.rows.csv")) == 10


def test_files_that_are_not_ours_are_never_replaced(house: Path) -> None:
    (house / "db.faiss").write_bytes(b"mine")
    assert sinonom("index", "b", "db.faiss", "--overwrite") == 5
    assert (house / "db.faiss").read_bytes() == b"mine"
    assert sinonom("index", "b", "set a") == 2  # the output was forgotten
    assert sinonom("index", "b", "none") == 0


def test_bad_pictures_are_listed_and_tried_again(house: Path) -> None:
    shutil.copytree(house / "set a", house / "whole")
    (house / "set a" / "U+5B57" / "04.png").write_bytes(b"no picture")
    (house / "set a" / "U+5B57" / "07.png").write_bytes((house / "whole/U+5B57/07.png").read_bytes()[:60])
    assert sinonom("index", "set a", "db.faiss", "--batch-size", 2) == 6
    failures = rows_of(house / "db.faiss.failures.csv")
    assert [row["file"] for row in failures] == ["set a/U+5B57/04.png", "set a/U+5B57/07.png"]
    assert all(row["reason"] for row in failures)
    assert [row["item"][-6:] for row in rows_of(house / "db.faiss.rows.csv")] == [
        f"{i:02d}.png" for i in (0, 1, 2, 3, 5, 6, 8)
    ]
    broken = bytes_of(house)
    assert sinonom("index", "set a", "db.faiss", "--batch-size", 2) == 6
    assert bytes_of(house) == broken
    for name in ("04.png", "07.png"):
        shutil.copy(house / "whole" / "U+5B57" / name, house / "set a" / "U+5B57" / name)
    assert sinonom("index", "set a", "db.faiss", "--batch-size", 2) == 0
    mended = bytes_of(house)
    assert not (house / "db.faiss.failures.csv").exists()
    assert sinonom("index", "set a", "db.faiss", "--batch-size", 2, "--overwrite") == 0
    assert bytes_of(house) == mended


def test_fail_fast_stops_and_no_good_picture_at_all_is_an_error(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (house / "b" / "00.png").write_bytes(b"no picture")
    assert sinonom("index", "b", "db.faiss", "--fail-fast") == 4
    assert "00.png" in capsys.readouterr().err
    assert not (house / "db.faiss").exists()
    (house / "b" / "sâu" / "𡦂.png").unlink()
    assert sinonom("index", "b", "other.faiss") == 4
    naming(capsys, "b/00.png")


def test_a_killed_run_resumes_to_the_same_bytes_without_embedding_finished_batches_again(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{i:04d}.png" for i in range(600)]
    paths = tiny_pictures(house / "many", names[:30])
    for i, name in enumerate(names[30:]):
        os.link(paths[i % 30], house / "many" / name)
    arguments = ["index", "many", "db.faiss", "--batch-size", "2", "--workers", "0"]
    assert sinonom(*arguments) == 0
    want = bytes_of(house)
    for name in OUTPUTS:
        (house / name).unlink()
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
    run = subprocess.Popen([sys.executable, "-m", "sinonom_cli", *arguments], cwd=house, env=environment)
    partial = house / "db.faiss.partial"
    while len(list(partial.glob("0*.npz"))) < 3:
        assert run.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    run.kill()
    run.wait()
    finished = len(list(partial.glob("0*.npz")))
    assert finished < 300 and not (house / "db.faiss").exists()
    assert json.loads((house / "db.faiss.json").read_text(encoding="utf-8"))["status"] == "running"

    embedded = []
    real = build.embed_pictures

    def counting(*arguments):  # type: ignore[no-untyped-def]
        for result in real(*arguments):
            embedded.append(len(result.vectors))
            yield result

    monkeypatch.setattr(build, "embed_pictures", counting)
    assert sinonom(*arguments) == 0
    assert len(embedded) == 300 - finished
    assert bytes_of(house) == want
    assert not partial.exists()


def test_what_a_user_put_beside_the_batches_stays(house: Path) -> None:
    (house / "db.faiss.partial").mkdir()
    (house / "db.faiss.partial" / "note.txt").write_text("mine", encoding="utf-8")
    assert sinonom("index", "b", "db.faiss") == 0
    assert [path.name for path in (house / "db.faiss.partial").iterdir()] == ["note.txt"]


def test_a_full_disk_is_an_output_error(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert sinonom("index", "b", "db.faiss") == 5


def test_the_record_keeps_what_tells_whether_a_set_has_changed(house: Path) -> None:
    assert sinonom("index", "set a", "db.faiss") == 0
    assert sinonom("index", "b", "db.faiss", "--add") == 0
    seen = json.loads((house / "db.faiss.json").read_text(encoding="utf-8"))["seen"]
    assert seen == {name: quick_identity(house / name) for name in ("set a", "b")}
    shutil.copyfile(house / "set a" / "U+5B57" / "03.png", house / "b" / "00.png")
    assert seen["b"] != quick_identity(house / "b")
