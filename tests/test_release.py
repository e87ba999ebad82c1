"""The wheel holds what runs and nothing else, and the files of a release agree with each other and with the program."""

import ast
import email
import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

import sinonom_cli
from sinonom_cli import cli

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "sinonom_cli"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def selected(kind: str) -> set[str]:
    """Return the paths that hatchling puts into a distribution, relative to its top folder."""
    builders = pytest.importorskip(f"hatchling.builders.{kind}")
    name = {"wheel": "WheelBuilder", "sdist": "SdistBuilder"}[kind]
    builder = getattr(builders, name)(str(ROOT))
    return {Path(file.distribution_path).as_posix() for file in builder.recurse_included_files()}


def built_metadata() -> Message:
    """Return the metadata that hatchling writes into the wheel."""
    core = pytest.importorskip("hatchling.metadata.core")
    spec = pytest.importorskip("hatchling.metadata.spec")
    plugins = pytest.importorskip("hatchling.plugin.manager")
    metadata = core.ProjectMetadata(str(ROOT), plugins.PluginManager())
    return email.message_from_string(spec.get_core_metadata_constructors()[spec.DEFAULT_METADATA_VERSION](metadata))


def test_the_wheel_holds_every_file_of_the_package_and_no_other() -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert selected("wheel") == there


def test_the_wheel_holds_no_test_and_no_build_script() -> None:
    for name in selected("wheel"):
        assert not {"tests", "tools", "benchmarks", "conftest.py", "setup.py"} & set(name.split("/")), name
        if name.endswith(".py"):
            assert not re.search(r"^def test_|import pytest", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    "name",
    [
        "assets/model/model.onnx",
        "assets/model/model.safetensors",
        "assets/characters.faiss",
        "assets/characters.faiss.rows.csv",
        "assets/detector/characters.onnx",
        "assets/context.npz",
        "assets/glyphs/charset.txt",
        "assets/UNICODE-LICENSE.txt",
        "reports/report_page/page.html.j2",
        "reports/report_page/page.css",
        "serve/static/index.html",
        "serve/static/strings/vi.json",
        "serve/static/vendor/three.module.min.js",
        "serve/static/vendor/three-LICENSE.txt",
        "py.typed",
    ],
)
def test_the_wheel_holds_what_is_read_at_run_time(name: str) -> None:
    assert f"sinonom_cli/{name}" in selected("wheel")


def test_the_sdist_holds_every_file_of_the_repository() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no real data: this is no clone")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, encoding="utf-8").stdout
    tracked = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    added_by_hatchling = {".gitignore", "LICENSE", "pyproject.toml"}
    assert tracked - selected("sdist") == added_by_hatchling


def test_every_licence_that_the_package_names_is_a_file() -> None:
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])
    kept = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*LICENSE*")}
    assert kept <= set(PROJECT["license-files"])


def test_the_description_that_an_index_shows_has_no_link_and_no_picture_that_needs_the_repository() -> None:
    shown = built_metadata()
    assert shown.get_content_type() == "text/plain" and shown["Description-Content-Type"] == "text/markdown"
    text = shown.get_payload()
    assert re.findall(r"\]\((?!https?://)[^)]*\)|!\[|<img|\.md\b", text) == []
    assert "make demo" not in text and "pip install ." not in text and 'install "."' not in text


def test_the_description_that_an_index_shows_keeps_what_the_readme_says() -> None:
    text = built_metadata().get_payload()
    for part in ("pip install sinonom ", 'pip install "sinonom[', "$ sinonom cut ", "MRR@5", "| query |"):
        assert part in text, part
    headings = re.findall(r"^## .+", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r"^## .+", text, re.MULTILINE) == headings[:-1], "the last one, More, has links alone"


def test_the_classifiers_name_the_pythons_that_are_tested() -> None:
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert named == jobs["base"]["strategy"]["matrix"]["python"]
    assert PROJECT["requires-python"] == f">={named[0]}"


def citation() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    return dict(yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")))


def test_the_citation_has_what_its_format_requires() -> None:
    """https://github.com/citation-file-format/citation-file-format: the required fields of version 1.2.0."""
    cited = citation()
    assert cited["cff-version"] == "1.2.0"
    assert isinstance(cited["message"], str) and isinstance(cited["title"], str)
    assert cited["authors"] and all(
        {"name", "family-names", "given-names", "alias"} & set(each) for each in cited["authors"]
    )
    assert set(cited["license"]) == set(PROJECT["license"].split(" AND "))


def test_the_version_is_the_same_in_the_program_the_citation_and_the_changelog() -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", changelog(), re.MULTILINE)
    assert newest, "the newest section names its version and its date"
    cited = citation()
    assert sinonom_cli.__version__ == newest[1] == cited["version"]
    assert str(cited["date-released"]) == newest[2]


def changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_changelog_names_only_commands_and_options_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    newest = changelog().split("\n## ")[1]
    named = re.findall(r"`sinonom ([a-z-]+)([^`]*)`", newest)
    assert len(named) > 5
    for command, rest in named:
        assert cli.run([command, "--help"]) == 0, command
        text = capsys.readouterr().out
        for option in re.findall(r"--[a-z0-9-]+", rest):
            assert re.search(rf"{option}\b", text), f"{command} {option}"


def container() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile: the word and the rest, continued lines joined."""
    lines = [line for line in (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines()) if word]


def test_the_container_copies_only_what_exists_and_is_not_left_out() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    copied = [name for word, rest in container() if word == "COPY" for name in shlex.split(rest)[:-1]]
    assert copied and all((ROOT / name).exists() for name in copied)
    assert set(copied) == let_in
    needed = {"README.md", "tools/long_description.py", *(name.partition("/")[0] for name in PROJECT["license-files"])}
    assert needed | {"pyproject.toml", "sinonom_cli"} == set(copied), "the wheel is built from these"


def test_the_container_installs_extras_that_exist_and_does_not_run_as_root() -> None:
    steps = container()
    extras = re.search(r"\.whl\)\[([a-z0-9,]+)\]", "\n".join(rest for word, rest in steps if word == "RUN"))
    assert extras and set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])
    words = [word for word, _ in steps]
    assert words.index("ENTRYPOINT") > words.index("USER") and "VOLUME" in words
    assert all(rest.split(":")[0] not in ("0", "root") for word, rest in steps if word == "USER")


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGTERM for another process")
def test_the_containers_command_serves_prints_its_token_is_healthy_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    steps = dict(container())
    command = [*ast.literal_eval(steps["ENTRYPOINT"]), *ast.literal_eval(steps["CMD"])]
    health = json.loads(steps["HEALTHCHECK"].partition("CMD ")[2])
    assert command[0] == "sinonom" and health[:2] == ["python", "-c"] and steps["EXPOSE"] in health[2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    checked = [sys.executable, "-c", health[2].replace(steps["EXPOSE"], port)]
    words = [sys.executable, "-m", "sinonom_cli", *command[1:], "--port", port, "--cache", str(tmp_path)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        assert process.stderr is not None
        first, second = process.stderr.readline(), process.stderr.readline()
        printed = re.search(rf"http://localhost:{port}/\?token=\S+", second)
        assert printed and re.search(rf"http://\S+:{port}/\?token=\S+", first)
        assert subprocess.run(checked, check=False).returncode == 0
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(printed[0], timeout=10) as page:
            assert b"<html" in page.read()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert subprocess.run(checked, check=False, stderr=subprocess.DEVNULL).returncode != 0
