"""What `read` and `cut` wrote is opened as sheets: outlines lie on the characters, however the scan lay."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from refused import refused
from tinysite import write_block, write_page

from sinonom_cli.blocks.upright import Way
from sinonom_cli.errors import ExitCode
from sinonom_cli.pages.sheet import Sheet
from sinonom_cli.pages.sheets import open_sheets


def rotation(degrees: float) -> np.ndarray:
    """Return a turn about an oblique axis, (3, 3), by Rodrigues' formula."""
    x, y, z = np.array([2.0, 1.0, 0.5]) / np.linalg.norm([2.0, 1.0, 0.5])
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    turned: np.ndarray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turned


@pytest.mark.parametrize("height", [0.0, 7.0])
@pytest.mark.parametrize("degrees", [0.0, 12.0])
def test_outlines_of_a_tilted_scan_lie_on_the_boxes_of_its_characters(
    tmp_path: Path, degrees: float, height: float
) -> None:
    write_block(tmp_path)
    record_file = tmp_path / "blocks" / "khối 1.json"
    record = json.loads(record_file.read_text(encoding="utf-8"))
    turn, shift = rotation(degrees), np.array([3.0, -2.0, 1.0])
    way = np.array(record["transform"])
    levelling = np.eye(4)
    levelling[:3, :3], levelling[:3, 3] = turn, shift
    record["transform"] = (way @ levelling).tolist()
    record_file.write_text(json.dumps(record), encoding="utf-8")
    with (tmp_path / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        points = np.array([[*map(float, point.split(",")), height] for point in row["polygon"].split(";")])
        scan = (points - shift) @ turn
        row["polygon"] = ";".join(f"{x:.9g},{y:.9g}" for x, y, _ in scan)
    with (tmp_path / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for one in open_sheets(tmp_path).sheet("khối 1").characters:
        x0, y0, x1, y1 = one.box
        np.testing.assert_allclose(one.outline, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)], atol=1e-5)


def test_a_page_is_a_sheet_in_the_pixels_of_its_picture(tmp_path: Path) -> None:
    write_page(tmp_path)
    folder = open_sheets(tmp_path)
    sheet = folder.sheet("trang 1")
    assert (folder.kind, sheet.width, sheet.height) == ("pages", 140, 340)
    assert [one.char for one in sheet.characters] == ["天", "之", "字"]
    assert sheet.characters[0].names == (("天", 0.8), ("木", 0.2)) and sheet.characters[0].probability == 0.8


def test_a_folder_that_is_no_page_and_no_block_is_refused(tmp_path: Path) -> None:
    with refused(ExitCode.BAD_INPUT, tmp_path):
        open_sheets(tmp_path)
    write_page(tmp_path)
    (tmp_path / "pages" / "trang 1.json").write_text("{", encoding="utf-8")
    with refused(ExitCode.BAD_INPUT, "trang 1"):
        open_sheets(tmp_path).sheet("trang 1")
    with refused(ExitCode.BAD_INPUT, "trang 9"):
        open_sheets(tmp_path).sheet("trang 9")


@pytest.mark.parametrize(
    ("turned", "mirrored"), [(0, False), (90, False), (180, False), (270, False), (0, True), (90, True)]
)
@pytest.mark.parametrize("direction", ["vertical", "horizontal"])
def test_halves_of_a_box_are_in_reading_order_however_the_page_lies(
    turned: int, mirrored: bool, direction: str
) -> None:
    picture = np.zeros((300, 200), int)  # as it is read: the first half 1, the second one 2
    first, second = (
        (slice(40, 60), slice(30, 70)), (slice(60, 80), slice(30, 70))
    ) if direction == "vertical" else ((slice(40, 80), slice(30, 50)), (slice(40, 80), slice(50, 70)))  # fmt: skip
    picture[first], picture[second] = 1, 2
    shown = np.rot90(picture, turned // 90)  # turned back by quarters, then mirrored
    shown = shown[:, ::-1] if mirrored else shown
    ys, xs = np.nonzero(shown)
    sheet = Sheet(
        name="p", width=shown.shape[1], height=shown.shape[0], picture=Path(), characters=(),
        way=Way(mirrored=mirrored, turned=turned), direction=direction,
    )  # fmt: skip
    halves = sheet.halves((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
    for number, (x0, y0, x1, y1) in enumerate(halves, 1):
        assert (shown[round(y0) : round(y1), round(x0) : round(x1)] == number).all()


@pytest.mark.parametrize("transform", [[1, 2, 3, 4], [[1, 0], [0, 1]], [[0] * 4] * 4, [[1e308] * 4] * 4, None], ids=str)
def test_a_block_with_a_damaged_transform_is_refused(tmp_path: Path, transform: object) -> None:
    write_block(tmp_path / "cut")
    path = tmp_path / "cut" / "blocks" / "khối 1.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"transform": transform}), "utf-8")
    with refused(ExitCode.BAD_INPUT, "khối 1"):
        open_sheets(tmp_path / "cut").sheet("khối 1")
