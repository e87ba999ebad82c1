"""Test damaged records: a record with a value of the wrong type, or without it, is refused in one line without a
traceback."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tinyfont import build
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode

VALUES: tuple[Any, ...] = (None, True, -1, 0.5, float("nan"), 10**30, "x\0", "字", [], [[]], {}, {"": None})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    tiny_model(folder / "model")
    tiny_pictures(folder / "pictures", [f"{i}.png" for i in range(3)])
    np.save(folder / "v.npy", np.random.default_rng(0).standard_normal((600, 8)).astype(np.float32))
    typed = ["--model", str(folder / "model"), "-q", "--workers", "0"]
    assert cli.run(["index", str(folder / "v.npy"), str(folder / "hnsw.faiss"), "--type", "hnsw", *typed]) == 0
    assert cli.run(["index", str(folder / "pictures"), str(folder / "flat.faiss"), *typed]) == 0
    return folder


def damaged(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies of a record, each with one value changed or removed."""
    places: list[tuple[str, ...]] = [(name,) for name in record]
    for place in places:
        value: Any = record
        for part in place:
            value = value[part]
        places += [(*place, name) for name in value] if isinstance(value, dict) else []
    for place in places:
        for other in (*VALUES, KeyError):
            copy = json.loads(json.dumps(record))
            node = copy
            for part in place[:-1]:
                node = node[part]
            if other is KeyError:
                del node[place[-1]]
            else:
                node[place[-1]] = other
            yield copy


@pytest.mark.parametrize("index", ["flat", "hnsw"])
def test_no_value_in_an_index_s_record_is_believed(index: str, house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = house / f"{index}.faiss.json"
    whole = path.read_text(encoding="utf-8")
    command = ["query", str(house / "pictures"), "--index", str(house / f"{index}.faiss"), "--workers", "0", "-q"]
    codes = set()
    try:
        for record in damaged(json.loads(whole)):
            path.write_text(json.dumps(record), encoding="utf-8")
            codes.add(code := cli.run([*command, "--model", str(house / "model")]))
            assert code in (ExitCode.DONE, ExitCode.BAD_INPUT), record
    finally:
        path.write_text(whole, encoding="utf-8")
    assert codes == {ExitCode.DONE, ExitCode.BAD_INPUT}
    assert "Traceback" not in capsys.readouterr().err


def test_no_value_in_a_model_s_record_is_believed(house: Path, tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "model")
    path = tmp_path / "model" / "artifact.json"
    for number, record in enumerate(damaged(json.loads(path.read_text(encoding="utf-8")))):
        path.write_text(json.dumps(record), encoding="utf-8")
        command = ["index", str(house / "pictures"), str(tmp_path / f"{number}.faiss"), "--model", str(model.path)]
        assert cli.run([*command, "--workers", "0", "-q"]) in (ExitCode.DONE, ExitCode.BAD_INPUT), record


@pytest.mark.parametrize("text", ["[" * 100_000, "null", '{"tool": "sinonom"}', "", "\udcff"])
def test_a_record_that_is_no_record_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "artifact.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert cli.run(["sets", str(tmp_path / "set"), "-q"]) == ExitCode.BAD_INPUT


def forged(path: Path, name: str, content: bytes) -> None:
    """Write a file of an index and a matching checksum, as an attacker would."""
    (path.parent / name).write_bytes(content)
    record = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
    field = {".csv": "rows", ".vectors": "vectors", ".faiss": "faiss"}[Path(name).suffix]
    record[field] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.with_name(f"{path.name}.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.mark.parametrize("damage", ["a cell too many", "a cell too few", "no numbers"])
def test_rows_and_vectors_that_cannot_be_are_refused(damage: str, house: Path, tmp_path: Path) -> None:
    for path in (*house.glob("*.faiss*"), house / "v.npy"):
        shutil.copy(path, tmp_path)
    index, rows = tmp_path / "hnsw.faiss", tmp_path / "hnsw.faiss.rows.csv"
    ask = ["query", str(house / "pictures"), "--index", str(index), "--model", str(house / "model"), "-q"]
    assert cli.run([*ask, "--workers", "0"]) == ExitCode.DONE
    if damage == "no numbers":
        forged(index, "hnsw.faiss.vectors", np.full((600, 8), np.nan, "<f4").tobytes())
    else:
        was, now = (b",", b",,") if damage == "a cell too many" else (b",,", b",")
        head, _, body = rows.read_bytes().partition(b"\n")
        forged(index, rows.name, head + b"\n" + b"\n".join(line.replace(was, now, 1) for line in body.split(b"\n")))
    assert cli.run([*ask, "--workers", "0"]) == ExitCode.BAD_INPUT


@pytest.mark.parametrize("damage", ["short", "long", "nul", "quote"])
def test_a_damaged_table_of_an_image_set_is_refused(damage: str, house: Path, tmp_path: Path) -> None:
    assert cli.run(["synth-fonts", str(build(tmp_path / "a.ttf")), str(tmp_path / "set"), "--chars", "字喃", "-q"]) == 0
    table = tmp_path / "set" / "metadata.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    change = {"short": lambda row: row.rpartition(",")[0].rpartition(",")[0], "long": lambda row: row + ",x,y"}
    change |= {"nul": lambda row: row.replace("images/", "images/\0"), "quote": lambda row: '"' + row + "x" * 140_000}
    table.write_text("\n".join([lines[0], *map(change[damage], lines[1:])]), encoding="utf-8")
    index = ["index", str(tmp_path / "set"), str(tmp_path / "i.faiss"), "--model", str(house / "model")]
    for command in (["sets", str(tmp_path / "set")], [*index, "--workers", "0"]):
        assert cli.run([*command, "-q"]) == ExitCode.BAD_INPUT
