"""`sinonom serve` says where it is, ends with Ctrl+C, and says in one line what it cannot serve."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from refused import naming
from tinysite import Tiny

from sinonom_cli import cli
from sinonom_cli.serve.mesh_cache import MeshCache


def serve(*arguments: object) -> int:
    return cli.run(["serve", *(str(argument) for argument in arguments), "--no-browser", "--port", "0"])


def started(*arguments: object) -> tuple["subprocess.Popen[str]", str]:
    """Start a server in another process, and return it and its address."""
    command = [sys.executable, "-m", "sinonom_cli", "serve", *map(str, arguments), "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"http://\S+", line)
    assert found, line + process.stderr.read()
    return process, found[0]


def state_of(address: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{address}api/state", timeout=10) as answer:
        told: dict[str, object] = json.load(answer)
    return told


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGINT for another process")
def test_it_prints_its_address_and_ends_with_ctrl_c_as_a_success(tiny: Tiny, tmp_path: Path) -> None:
    process, address = started(tiny.page, "--cache", tmp_path, "--who", "Lan")
    try:
        assert address.startswith("http://127.0.0.1:")
        assert state_of(address)["who"] == "Lan"
    finally:
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=20)
    assert process.returncode == 0 and out == "" and "Traceback" not in said


def test_a_killed_server_loses_no_correction_and_leaves_no_lock(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "bản khắc"
    shutil.copytree(tiny.block, folder)
    for count in (1, 2):
        process, address = started(folder, "--cache", tmp_path)
        try:
            token = str(state_of(address)["token"])
            body = {"action": "delete", "places": [0], "version": count - 1}
            request = urllib.request.Request(
                f"{address}api/folders/0/sheets/0/corrections", json.dumps(body).encode(), {"X-Sinonom-Token": token}
            )
            with urllib.request.urlopen(request, timeout=10) as answer:
                left = json.load(answer)["characters"]
        finally:
            process.kill()
            process.communicate()
        assert len(left) == 6 - count
        assert len((folder / "corrections.jsonl").read_bytes().splitlines()) == 1 + count


def test_a_port_in_use_is_named_with_another_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.run(["serve", "--no-browser", "--port", str(port), "--cache", str(tmp_path)]) == 2
    naming(capsys, f"port {port}", "--port")


def test_a_host_that_is_not_here_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert serve("--host", "203.0.113.7", "--cache", tmp_path) == 2
    naming(capsys, "203.0.113.7", "--host")


def test_what_cannot_be_served_is_named(tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [
        ((tmp_path / "nowhere",), 4, "nowhere"),
        ((tiny.folder / "depth",), 4, "depth"),
        ((tiny.folder / "meshes",), 4, "meshes"),
        (("--index", tmp_path / "no.faiss"), 4, "no.faiss"),
        (("--index", tiny.index, "--meshes", tmp_path / "none"), 2, "--meshes"),
    ]
    for arguments, code, named in cases:
        assert serve(*arguments, "--cache", tmp_path / "cache") == code
        said = naming(capsys, named)
        assert len(said.strip().splitlines()) <= 2 and "bug" not in said


def test_corrections_of_another_folder_are_refused_before_anything_is_served(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny.page, tmp_path / "đọc")
    line = '{"kind": "corrections", "schema": 1, "of": "another"}\n'
    (tmp_path / "đọc" / "corrections.jsonl").write_text(line, encoding="utf-8")
    assert serve(tmp_path / "đọc", "--cache", tmp_path / "cache") == 4
    naming(capsys, tmp_path / "đọc" / "corrections.jsonl")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    assert serve() == 3
    naming(capsys, "starlette", "sinonom[serve]")


def test_a_folder_without_permission_to_write_shows_meshes_and_says_once_that_they_are_not_kept(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("a file in the way", encoding="utf-8")
    cache = MeshCache(tmp_path / "cache")
    mesh = next((tiny.folder / "meshes" / "meshes").rglob("*.stl"))
    first, second = cache.glb(mesh), cache.glb(mesh)
    assert first == second and first[:4] == b"glTF"
    assert naming(capsys, tmp_path / "cache").count("warning") == 1


def test_a_mesh_that_changed_is_not_taken_from_the_cache(tiny: Tiny, tmp_path: Path) -> None:
    one, two = sorted((tiny.folder / "meshes" / "meshes").rglob("*.stl"))[:2]
    mesh = tmp_path / "x.stl"
    mesh.write_bytes(one.read_bytes())
    cache = MeshCache(tmp_path / "cache")
    first = cache.glb(mesh)
    assert cache.glb(mesh) == first and len(list((tmp_path / "cache" / "meshes").iterdir())) == 1
    time.sleep(0.01)
    mesh.write_bytes(two.read_bytes())
    assert cache.glb(mesh) != first
