"""The benchmarks page is what its generator makes from the results, and a result says all that a reader needs."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
STORED = sorted((BENCHMARKS / "results").glob("*.json"))


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """Return the modules `results`, `page` and `run_all` of the folder of benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import page
    import results
    import run_all

    return {"results": results, "page": page, "run_all": run_all}


def test_the_page_is_what_the_results_make() -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "page.py", "--check"], check=False, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr


def test_another_figure_in_a_result_makes_another_page(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    [file] = (path for path in STORED if path.stem == "level")
    result = json.loads(file.read_text(encoding="utf-8"))
    result["rows"][0][2] = 0.1234
    (tmp_path / "level.json").write_text(json.dumps(result), encoding="utf-8")
    text = f"before\n{modules['page'].BEGIN}\nold\n{modules['page'].END}\nafter\n"
    made = modules["page"].page(text, tmp_path)
    assert "12.3%" in made and "old" not in made
    assert made.startswith("before\n") and made.endswith("\nafter\n")
    with pytest.raises(ValueError, match="marker"):
        modules["page"].page("no markers", tmp_path)


@pytest.mark.parametrize("file", STORED, ids=lambda path: path.stem)
def test_a_result_names_its_claim_command_machine_and_load_and_no_folder(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    result = json.loads(text)
    assert result["claim"].endswith(".") and re.fullmatch(r"\d{4}-\d\d-\d\d", result["date"])
    script = re.match(r"python benchmarks/(\w+\.py)", result["command"])
    assert script and (BENCHMARKS / script[1]).is_file()
    assert not re.search(r"[ \"]/\w", text), "an absolute path"
    assert result["machine"].keys() >= {
        "processor",
        "cores",
        "system",
        "python",
        "sinonom",
        "load before",
        "load after",
    }
    assert all(len(row) == len(result["columns"]) for row in result["rows"]) and result["rows"]


def test_every_result_is_made_by_a_listed_benchmark_and_every_script_of_the_list_writes_one(
    modules: dict[str, ModuleType],
) -> None:
    jobs = {job.name: job for job in modules["run_all"].JOBS}
    for file in STORED:
        command = json.loads(file.read_text(encoding="utf-8"))["command"]
        script = Path(jobs[file.stem].script)  # fuzz_results.py adds a run of fuzz.py
        assert command.startswith(f"python benchmarks/{script.stem}")
    for job in jobs.values():
        assert re.search(r"publish\w*\(", (BENCHMARKS / job.script).read_text(encoding="utf-8"))


def test_what_is_published_is_read_back_and_shown_with_the_columns_formats(
    modules: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results, data = modules["results"], tmp_path / "dữ liệu"
    monkeypatch.setenv(results.DATA, str(data))
    file = tmp_path / "made" / "one.json"
    words = [
        "somewhere/level.py",
        str(data / "relief252"),
        "--set",
        str(tmp_path / "mine"),
        "--result",
        str(file),
        "-n",
        "3",
    ]
    monkeypatch.setattr(sys, "argv", words)
    columns = [results.Column("way"), results.Column("share", ".1%"), results.Column("count", ",")]
    results.publish(file, "A claim.", columns, [("one", 0.5, 1234), ("two", None, 5)])
    table = "| way | share | count |\n| --- | --- | --- |\n| one | 50.0% | 1,234 |\n| two |  | 5 |"
    assert capsys.readouterr().out == f"{table}\n"
    read = results.read_result(file)
    assert results.table_of(read) == table
    assert read.command == "python benchmarks/level.py relief252 --set mine -n 3"


def test_a_row_of_another_length_than_the_columns_is_refused(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    results = modules["results"]
    with pytest.raises(ValueError):
        results.publish(tmp_path / "one.json", "A claim.", [results.Column("a")], [(1, 2)])
    assert not (tmp_path / "one.json").exists()


def test_rows_of_several_runs_make_one_table_and_a_newer_row_replaces_an_older_one(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    results, file = modules["results"], tmp_path / "one.json"
    columns = [results.Column("network"), results.Column("score", ".2f")]
    assert results.added(file, columns, [("a", 0.1)]) == [("a", 0.1)]
    results.publish(file, "A claim.", columns, [("a", 0.1), ("b", 0.2)])
    rows = results.added(file, columns, [("c", 0.3), ("a", 0.4)])
    assert list(map(tuple, rows)) == [("a", 0.4), ("b", 0.2), ("c", 0.3)]
    with pytest.raises(ValueError):
        results.added(file, columns[:1], [("a",)])


TRAINING = """
import sys, time
from pathlib import Path
model, used = Path(sys.argv[1]), time.process_time()
model.mkdir(exist_ok=True)
while time.process_time() - used < 0.3:
    pass
scores = [0.2, "", 0.5, 0.9]
try:
    for step in range(1, 5):
        lines = [f"{20 * k + 20},{score}" for k, score in enumerate(scores[:step])]
        (model / "metrics.csv").write_text("\\n".join(["step,val_mrr@5", *lines]) + "\\n")
        time.sleep(float(sys.argv[2]) if step == 3 else 0)
except KeyboardInterrupt:
    sys.exit(130)
sys.exit(int(sys.argv[3]))
"""
"""A program that stands for a training: it waits after its second validation, and ends as a training does."""


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import watched

    monkeypatch.setattr(watched, "LOOKS_EVERY", 0.02)
    return watched


def test_a_training_that_is_good_enough_is_stopped_and_its_processor_time_is_counted(
    watched: ModuleType, tmp_path: Path
) -> None:
    model = tmp_path / "m"
    command = [sys.executable, "-c", TRAINING, str(model)]
    seen = watched.train_until([*command, "60", "0"], model, 0.4)
    assert (seen.step, seen.score, seen.stopped) == (60, 0.5, True)
    assert 0.3 <= seen.seconds < 10
    whole = watched.train_until([*command, "0", "0"], model, None)
    assert (whole.step, whole.score, whole.stopped) == (80, 0.9, False)
    assert whole.seconds >= seen.seconds + 0.3, "the time of both runs"


def test_a_training_is_also_stopped_in_the_background_where_interrupts_are_ignored(
    watched: ModuleType, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", TRAINING, str(tmp_path / "m"), "30", "0"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert watched.train_until(command, tmp_path / "m", 0.4).score == 0.5
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_training_that_fails_ends_the_benchmark_and_one_that_was_killed_has_no_known_time(
    watched: ModuleType, tmp_path: Path
) -> None:
    model = tmp_path / "m"
    command = [sys.executable, "-c", TRAINING, str(model), "0"]
    with pytest.raises(SystemExit):
        watched.train_until([*command, "4"], model, 0.95)
    (tmp_path / "m.seconds.json").write_text("null", encoding="utf-8")  # as a killed run leaves it
    assert watched.train_until([*command, "0"], model, 0.95).seconds is None


def test_a_benchmark_whose_data_are_missing_is_skipped_with_the_reason(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    job = modules["run_all"].Job("x", "level.py", ("--block", "{data}/real29141/boxes.csv"))
    assert "--data" in job.missing(None)
    assert "boxes.csv" in job.missing(tmp_path)
    (tmp_path / "real29141").mkdir()
    (tmp_path / "real29141" / "boxes.csv").touch()
    assert job.missing(tmp_path) == ""
    assert job.words(tmp_path) == ["--block", f"{tmp_path}/real29141/boxes.csv"]
    lacking = modules["run_all"].Job("y", "scores.py", package="no_such_package")
    assert "no_such_package" in lacking.missing(None)


def test_a_long_benchmark_runs_only_if_it_is_named(
    modules: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all, ran = modules["run_all"], []
    monkeypatch.setattr(run_all, "JOBS", (run_all.Job("short", "a.py"), run_all.Job("long", "b.py", long=True)))
    monkeypatch.setattr(
        run_all.subprocess,
        "run",
        lambda words, **_: ran.append(Path(words[1]).name) or subprocess.CompletedProcess([], 0),
    )
    for words, expected in (([], ["a.py", "page.py"]), (["long"], ["b.py", "page.py"])):
        monkeypatch.setattr(sys, "argv", ["run_all.py", *words])
        ran.clear()
        run_all.main()
        assert ran == expected


def test_minutes_of_fuzzing_are_added_up_and_a_used_seed_is_not_counted_again(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    import fuzz_results as fuzzing

    log = (
        "stl            2.1 min,  1.5 of a processor:    1,234 cases  refused 40%  slowest 0.5 s (case 7)  findings 2\n"
        "     9 x ValueError at sinonom_cli/meshes/stl.py:3\n"
        "cut blocks     1.0 min,  0.5 of a processor:       10 cases  refused 0%  slowest 0.01 s (case 0)  findings 0\n"
    )
    first, second = fuzzing.printed(log, 28), fuzzing.printed(log.splitlines()[0], 30)
    assert first.keys() == {"stl", "cut blocks"}
    file = tmp_path / "fuzz.json"
    assert fuzzing.read_tallies(file) == {}
    fuzzing.publish_tallies(file, fuzzing.added(first, second), shown=False)
    both = fuzzing.read_tallies(file)
    assert both["stl"] == fuzzing.Tally(minutes=3.0, cases=2468, findings=4, seeds="28, 30")
    assert both["cut blocks"] == first["cut blocks"]
    assert fuzzing.unused(28, both["stl"]) == 31 and fuzzing.unused(40, both["stl"]) == 40
    assert fuzzing.unused(0, None) == 0
    with pytest.raises(ValueError, match="seed"):
        fuzzing.added(both, first)
