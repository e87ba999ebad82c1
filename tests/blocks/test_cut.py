"""`sinonom cut`: a scan of a block becomes its characters, in order, upright and named, for the rest of the chain."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from refused import naming
from tinyboxes import rows as table
from tinycommands import sinonom
from tinymesh import letter_f, surface
from tinyscan import scans

from sinonom_cli.assets import GLYPHS
from sinonom_cli.layout.measure import Agreement, box_overlaps, neighbours_in_order, pairs
from sinonom_cli.meshes.stl import read_stl, write_stl
from sinonom_cli.relief.composition import Page


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page]:
    """Return a folder with a mirrored, tilted and bowed scan of a block, and the page that it prints."""
    folder = tmp_path_factory.mktemp("bản khắc")
    [page] = scans(folder)
    return folder, page


@pytest.fixture(scope="module")
def cut(block: tuple[Path, Page]) -> tuple[Path, Page]:
    folder, page = block
    assert sinonom("cut", folder / "scans", folder / "cut", "--workers", 0, "-q") == 0
    return folder, page


def test_the_characters_of_a_mirrored_block_are_found_read_in_order_and_named(cut: tuple[Path, Page]) -> None:
    folder, page = cut
    rows = table(folder / "cut" / "metadata.csv")
    record = json.loads((folder / "cut" / rows[0]["record_file_name"]).read_text(encoding="utf-8"))
    assert record["mirrored"] and record["turned"] == 0 and record["way_probability"] > 0.95
    # Where the outlines lie on the upright block, by its transform; the page's boxes differ by scale and shift alone.
    transform = np.array(record["transform"])
    middles = []
    for row in rows:
        points = np.array([[float(value) for value in point.split(",")] for point in row["polygon"].split(";")])
        x0, y0, x1, y1 = (float(value) for value in row["box"].split())
        assert (points.min(axis=0), points.max(axis=0)) == (pytest.approx([x0, y0]), pytest.approx([x1, y1]))
        middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2, 0, 1])
        middles.append((transform @ middle)[:2])
    true = np.array([placed.box for placed in page.characters], float)
    found = np.array(middles) * [1, -1]
    right = (true[:, :2] + true[:, 2:]) / 2
    scale = np.ptp(right, axis=0) / np.ptp(found, axis=0)
    assert scale[0] == pytest.approx(scale[1], rel=0.05)
    placed = (found - found.min(axis=0)) * scale + right.min(axis=0)
    half = np.array([18, 18])
    matches = pairs(
        box_overlaps(np.hstack([placed - half, placed + half]), np.hstack([right - half, right + half])),
        np.ones(len(rows)),
    )
    agreement = Agreement(right=len(matches), found=len(rows), true=len(true))
    assert agreement.f1 > 0.97
    ordered, neighbours = neighbours_in_order(matches, len(true))
    assert ordered == neighbours
    named = [rows[a]["names"].split(" ")[0] == page.characters[b].char for a, b in matches]
    assert np.mean(named) > 0.9
    for row in rows:
        known = float(row["probability"]) >= 0.5
        assert (row["char"] == row["names"].split(" ")[0]) == known and bool(row["label"]) == known
    assert [(int(row["column"]), int(row["place"])) for row in rows] == sorted(
        (int(row["column"]), int(row["place"])) for row in rows
    )


def test_how_many_characters_were_cut_and_how_many_are_doubtful_is_said(
    cut: tuple[Path, Page], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = cut
    capsys.readouterr()
    assert sinonom("cut", folder / "scans", folder / "cut", "--workers", 0) == 0
    counts = [len(table(folder / "cut" / name)) for name in ("metadata.csv", "doubtful.csv")]
    said = capsys.readouterr().err.splitlines()[-1].split()
    assert [int(word) for word in said if word.isdecimal()] == counts


def test_the_meshes_are_the_faces_of_the_scan(cut: tuple[Path, Page]) -> None:
    folder, _ = cut
    [scan] = (folder / "scans" / "meshes").glob("*.stl")
    whole = read_stl(scan, [])
    sides = np.linalg.norm(whole[:, 0].astype(float) - whole[:, 1], axis=1)
    rows = table(folder / "cut" / "metadata.csv")
    total = 0
    for row in rows:
        mesh = read_stl(folder / "cut" / row["file_name"], [])
        assert len(mesh) == int(row["faces"]) > 200
        total += len(mesh)
        normal = np.cross(mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0]).sum(axis=0)
        assert normal[2] > 0.9 * np.linalg.norm(normal)  # it faces +Z although the scan is mirrored
        lengths = np.linalg.norm(mesh[:, 0].astype(float) - mesh[:, 1], axis=1)
        assert np.percentile(sides, 1) < np.median(lengths) < np.percentile(sides, 99)
    assert 0.1 * len(whole) < total < len(whole)


def test_render_index_and_query_go_on_from_there(cut: tuple[Path, Page], capsys: pytest.CaptureFixture[str]) -> None:
    folder, page = cut
    assert sinonom("render", folder / "cut", folder / "images", "-q") == 0
    assert sinonom("index", folder / "images", folder / "db.faiss", "-q") == 0
    capsys.readouterr()
    asked = next(
        placed.char
        for placed in page.characters
        if (GLYPHS / "hanamin" / "images" / f"U+{ord(placed.char):04X}").exists()
    )
    picture = next((GLYPHS / "hanamin" / "images" / f"U+{ord(asked):04X}").glob("*.png"))
    assert sinonom("query", picture, "--index", folder / "db.faiss", "--json", "-q") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["results"][0]["char"] == asked


def test_a_rendered_character_keeps_its_place_on_the_block(cut: tuple[Path, Page], tmp_path: Path) -> None:
    folder, _ = cut
    out = tmp_path / "tranh" / "images"
    out.parent.mkdir()
    assert sinonom("render", folder / "cut" / "meshes", out, "--limit", 4, "-q") == 0
    cut_rows = {row["source"] + row["file_name"]: row for row in table(folder / "cut" / "metadata.csv")}
    meshes = {row["file_name"].removeprefix("meshes/"): row for row in cut_rows.values()}
    rows = table(out / "metadata.csv")
    assert len(rows) == 4
    for row in rows:
        mesh = meshes[row["source"]]
        kept = ("block", "column", "place", "part", "upright_box", "upright_size")
        assert [row[name] for name in kept] == [mesh[name] for name in kept]
        assert (out / row["block_picture"]).resolve() == (folder / "cut" / mesh["clean_file_name"]).resolve()
        # The outline, taken to the upright block by the block's transform, lies around the box.
        record = json.loads((folder / "cut" / mesh["record_file_name"]).read_text(encoding="utf-8"))
        transform = np.array(record["transform"])
        xy = np.array([[float(value) for value in point.split(",")] for point in mesh["polygon"].split(";")])
        z = -(xy @ transform[2, :2] + transform[2, 3]) / transform[2, 2]  # the map's plane
        points = np.column_stack([xy, z]) @ transform[:2, :3].T + transform[:2, 3]
        x0, y0, x1, y1 = (float(value) for value in row["upright_box"].split())
        width, height = (float(value) for value in row["upright_size"].split())
        assert (width, height) == pytest.approx(record["size"], rel=1e-5)
        low, high = points.min(axis=0), points.max(axis=0)
        # A mirrored block is mirrored back about x = 0, so that the upright one begins at -width.
        corner = np.array([x0 - width, -y0, x1 - width, -y1])
        assert np.abs(corner - [low[0], high[1], high[0], low[1]]).max() < 0.2 * record["character_height"]


def test_a_complete_output_stays_and_one_that_is_made_again_keeps_what_is_the_users(
    cut: tuple[Path, Page], tmp_path: Path
) -> None:
    folder, _ = cut
    out = tmp_path / "cut"
    shutil.copytree(folder / "cut", out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert sinonom("cut", folder / "scans", out, "--workers", 0, "-q") == 0
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "blocks" / "ghi chú.txt").write_text("mine", encoding="utf-8")
    assert sinonom("cut", folder / "scans", out, "--workers", 0, "-q", "--overwrite") == 0
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert after.pop(out / "blocks" / "ghi chú.txt") == b"mine"
    assert {path for path in after if path.suffix != ".json"} == {path for path in before if path.suffix != ".json"}
    assert all(after[path] == before[path] for path in before if path.suffix in (".stl", ".csv", ".png"))


def test_what_is_no_block_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    angle = np.linspace(0, np.pi, 60)[:, None], np.linspace(0, 2 * np.pi, 60)[None]
    ball = np.stack(
        [np.sin(angle[0]) * np.cos(angle[1]), np.sin(angle[0]) * np.sin(angle[1]), np.cos(angle[0] + 0 * angle[1])], -1
    )
    quads = [ball[:-1, :-1], ball[1:, :-1], ball[:-1, 1:], ball[1:, 1:]]
    faces = np.concatenate([np.stack(quads[:3], 2).reshape(-1, 3, 3), np.stack(quads[1:], 2).reshape(-1, 3, 3)])
    for name, triangles in (("ball", faces), ("letter", surface(letter_f()))):
        (tmp_path / name).mkdir()
        write_stl(tmp_path / name / f"{name}.stl", triangles.astype(np.float32))
        capsys.readouterr()
        assert sinonom("cut", tmp_path / name, tmp_path / f"{name} cut", "--workers", 0, "-q") == 4
        said = naming(capsys, f"{name}.stl")
        assert len(said.splitlines()) <= 2
        assert not (tmp_path / f"{name} cut" / "metadata.csv").exists()
    assert sinonom("cut", tmp_path / "ball", tmp_path / "x", "--deeper", "light") == 2


def test_meshes_of_others_are_not_written_over(block: tuple[Path, Page], tmp_path: Path) -> None:
    folder, _ = block
    [scan] = (folder / "scans" / "meshes").glob("*.stl")
    out = tmp_path / "cut"
    assert sinonom("cut", scan, out, "--workers", 0, "-q") == 0
    record = json.loads((out / "artifact.json").read_text(encoding="utf-8"))
    (out / "artifact.json").write_text(json.dumps({**record, "status": "running"}), encoding="utf-8")
    for name in ("journal.jsonl", "metadata.csv", "items.csv"):
        (out / name).unlink(missing_ok=True)
    for path in out.rglob("*"):
        if path.suffix in (".png", ".json") and path.parent.name == "blocks":
            path.unlink()
    [mesh] = list(out.rglob("001.stl"))
    mesh.write_bytes(b"solid mine\nendsolid\n")
    assert sinonom("cut", scan, out, "--workers", 0, "-q") == 5
    assert mesh.read_bytes() == b"solid mine\nendsolid\n"


def test_polygons_lie_on_the_surface_of_a_tilted_scan(cut: tuple[Path, Page]) -> None:
    folder, _ = cut
    rows = table(folder / "cut" / "metadata.csv")
    record = json.loads((folder / "cut" / rows[0]["record_file_name"]).read_text(encoding="utf-8"))
    transform = np.array(record["transform"])
    for row in rows:
        mesh = read_stl(folder / "cut" / row["file_name"], []).reshape(-1, 3).astype(float)
        # The mesh is upright; turned back, it lies where the box says, although the block is tilted by six degrees.
        scan = (mesh - transform[:3, 3]) @ np.linalg.inv(transform[:3, :3]).T
        x0, y0, x1, y1 = (float(value) for value in row["box"].split())
        off = np.abs(np.median(scan[:, :2], axis=0) - [(x0 + x1) / 2, (y0 + y1) / 2])
        assert off.max() < 0.15 * (y1 - y0)
