"""Starting and ending take little of the time of a single query."""

import subprocess
import sys
from pathlib import Path

from tinymodel import tiny_model, tiny_pictures

from sinonom_cli.cli import run

COUNTED = """
import atexit, gc, sys
from sinonom_cli import cli

def show():
    print([each["collections"] for each in gc.get_stats()], gc.get_freeze_count(), len(gc.get_objects()))

atexit.register(show)
sys.argv = ["sinonom", *sys.argv[1:]]
cli.main()
"""


def test_a_query_spends_no_time_on_looking_through_what_it_has_imported(tmp_path: Path) -> None:
    """A full search for reference cycles costs a tenth of a query, and another one at the end costs as much."""
    model = tiny_model(tmp_path / "model")
    pictures, db = tmp_path / "set", tmp_path / "db.faiss"
    pictures.mkdir()
    picture, *_ = tiny_pictures(pictures, ["a.png", "b.png", "c.png"])
    assert run(["index", str(pictures), str(db), "--model", str(model.path), "--workers", "0", "-q"]) == 0
    named = [str(picture), "--index", str(db), "--model", str(model.path), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, "query", *named], check=False, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    counts, _, rest = done.stdout.splitlines()[-1].rpartition("]")
    frozen, left = map(int, rest.split())
    assert int(counts.rpartition(",")[2]) == 0
    assert frozen > 20_000 > left
