"""Test how a training reports its progress, and how it stops."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from sinonom_cli import cli, console  # noqa: E402
from sinonom_cli.errors import ExitCode  # noqa: E402
from sinonom_cli.train.curves import HEIGHT, LEFT, WIDTH, draw_curves, events  # noqa: E402
from sinonom_cli.train.health import PATIENCE, Watch  # noqa: E402
from sinonom_cli.train.losses.registry import Criterion  # noqa: E402
from sinonom_cli.train.losses.table import Choice  # noqa: E402


@pytest.fixture(autouse=True)
def fresh_console() -> None:
    console.reset()


def look(lines: list[tuple[float, float, float]], capsys: pytest.CaptureFixture[str], margin: float | None) -> str:
    watch = Watch(margin, warm_up=40)
    for number, line in enumerate(lines):
        watch.look(100 + 20 * number, *line)
    return capsys.readouterr().err


def test_a_collapse_is_told_once_and_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    said = look([(0.25, 0.9, 0.5), (0.2, 1.0, 0.001), (0.2, 1.0, 0.001)], capsys, 0.2)
    assert said.count("collapsed") == 1 and "step 120" in said and "--lr" in said


def test_a_loss_that_stays_at_its_margin_is_told_when_it_has_stayed(capsys: pytest.CaptureFixture[str]) -> None:
    at_margin = [(0.201, 0.9, 0.05)]
    assert "stays at" in look(at_margin * PATIENCE, capsys, 0.2)
    assert look(at_margin * (PATIENCE - 1) + [(0.1, 0.9, 0.5)] + at_margin, capsys, 0.2) == ""
    assert look(at_margin * 50, capsys, None) == "", "other losses have no such point"


@pytest.mark.parametrize(("loss", "margin"), [("triplet", 0.2), ("triplet", None), ("quadruplet", 0.2)])
def test_what_is_watched_for_is_what_the_loss_is_where_all_pictures_lie_equally_far(
    loss: str, margin: float | None
) -> None:
    criterion = Criterion(Choice(loss, "batch-hard", margin), classes=4, length=8)
    far = torch.eye(8)  # eight pictures, all at the same distance from each other
    assert float(criterion(far, torch.arange(8) // 2).value) == pytest.approx(criterion.stuck_at)
    assert Criterion(Choice(loss, "semi-hard", 0.2), 4, 8).stuck_at is None


def test_nothing_left_to_learn_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    said = look([(0.0, 0.001, 1.2)] * 30, capsys, 0.2)
    assert said.count("in order") == 1 and "--batch-size" in said
    assert look([(0.05, 0.2, 1.2)] * 30, capsys, 0.2) == ""


def test_curves_rise_and_fall_as_the_numbers_do(tmp_path: Path) -> None:
    rows = [
        {"step": str(20 * k), "loss": str(1 / k), "active": "0.5", "spread": "1.2", "val_mrr@5": str(k / 40)}
        for k in range(1, 41)
    ]
    draw_curves(tmp_path / "curves.png", rows)
    page = np.asarray(Image.open(tmp_path / "curves.png").convert("L"))
    assert page.shape == (3 * HEIGHT, WIDTH)

    def heights(panel: int, at: int) -> float:
        column = page[panel * HEIGHT + 24 : (panel + 1) * HEIGHT - 20, at]
        return float(np.flatnonzero(column < 60).mean())

    early, late = LEFT + 40, WIDTH - 40
    assert heights(0, late) > heights(0, early) + 5, "the loss falls: lower on the page is later"
    assert heights(2, late) < heights(2, early) - 50, "the score rises"
    draw_curves(tmp_path / "curves.png", rows[:1])  # the file is replaced by the new drawing


def test_events_for_tensorboard_hold_the_numbers_and_a_resumed_run_purges_what_came_after(tmp_path: Path) -> None:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for begun, value in ((0, 1.0), (1, 2.0)):
        writer = events(tmp_path, begun)
        for step in range(begun + 1, 4):
            writer.add_scalar("loss", value, step)
        writer.close()
    found = accumulators.EventAccumulator(str(tmp_path)).Reload().Scalars("loss")
    assert [(e.step, e.value) for e in found] == [(1, 1.0), (2, 2.0), (3, 2.0)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "chữ 𡦂"
    for k in range(5):
        for hand in range(4 if k else 1):
            page = np.full((40, 40), 255, np.uint8)
            page[8:32, 6 + 5 * k : 10 + 5 * k] = page[10 + 4 * k : 14 + 4 * k, 6 : 30 + hand] = 0
            path = folder / f"U+{0x4E00 + k:X}" / f"{hand}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(page).save(path)
    return folder


def command(pictures: Path, out: Path, *more: str) -> list[str]:
    tiny = ["--size", "32", "--steps", "3", "--classes", "4", "--embedding", "8", "--workers", "0", "--threads", "1"]
    return ["train", "--data", str(pictures), "-o", str(out), "--cache", str(out.parent / "c"), *tiny, *more]


def test_a_training_leaves_curves_and_its_versions_and_warns_of_characters_with_one_picture(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(command(pictures, tmp_path / "m")) == ExitCode.DONE
    assert ": 1;" in capsys.readouterr().err
    assert Image.open(tmp_path / "m" / "curves.png").size == (WIDTH, 3 * HEIGHT)
    record = json.loads((tmp_path / "m" / "artifact.json").read_text(encoding="utf-8"))
    assert record["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert record["options"]["seed"] == 0 and record["trained_on"][0]["identity"]


@pytest.mark.parametrize("limit", [100, 40_000])  # the prepared pictures, the first checkpoint
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_disk_that_is_full_is_one_clear_line_and_the_same_command_goes_on(
    pictures: Path, tmp_path: Path, limit: int, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        code = cli.run(command(pictures, tmp_path / "m"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == ExitCode.OUTPUT_IN_THE_WAY
    said = capsys.readouterr().err
    assert str(tmp_path) in said and "Traceback" not in said
    assert not list((tmp_path / "m").rglob(".sinonom-*"))
    assert cli.run(command(pictures, tmp_path / "m")) == ExitCode.DONE
    mode = (tmp_path / "m" / "metrics.csv").stat().st_mode
    assert (tmp_path / "m" / "resume" / "last.safetensors").stat().st_mode == mode, "whoever may read one may resume"


def test_a_loss_that_is_no_number_stops_and_its_batch_is_shown(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(command(pictures, tmp_path / "m", "--lr", "1e30")) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert "step 2" in said and str(tmp_path / "m" / "resume" / "step-2.csv") in said
    with (tmp_path / "m" / "resume" / "step-2.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 and all(Path(row["file"]).is_file() and row["label"] in row["file"] for row in rows)
    assert Image.open(tmp_path / "m" / "resume" / "step-2.png").size[0] > 500
