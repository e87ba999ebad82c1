"""A small site to serve: four carved characters with an index, one block that was cut, one page that was read."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sinonom_cli import cli
from sinonom_cli.assets import GLYPHS
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.storage.own_tables import read_table, write_table

CHARS = "字人大天"


@dataclass(frozen=True)
class Tiny:
    """Paths of a small site."""

    folder: Path

    @property
    def index(self) -> Path:
        return self.folder / "db.faiss"

    @property
    def block(self) -> Path:
        return self.folder / "bản khắc"

    @property
    def page(self) -> Path:
        return self.folder / "đọc"


def glyph(char: str, hand: str = "yuji") -> Path:
    """Return a picture of a character that ships."""
    return next((GLYPHS / hand / "images" / f"U+{ord(char):04X}").glob("*.png"))


def tiny_site(folder: Path) -> Tiny:
    """Write a small site, with the commands for the index and by hand for the sheets."""
    pictures = folder / "glyphs"
    for char in CHARS:
        target = pictures / f"U+{ord(char):04X}" / "a.png"
        target.parent.mkdir(parents=True)
        target.write_bytes(glyph(char, "wenkai").read_bytes())
    for command in (
        ["carve", pictures, folder / "meshes", "--resolution", "80"],
        ["render", folder / "meshes", folder / "depth", "--size", "96"],
        ["index", folder / "depth", folder / "db.faiss"],
    ):
        options = [] if command[0] == "index" else ["--workers", "0"]
        assert cli.run([str(word) for word in (*command, *options, "-q")]) == 0
    tiny = Tiny(folder)
    write_block(tiny.block)
    write_page(tiny.page)
    return tiny


def write_block(out: Path) -> None:
    """Write what `cut` writes for a mirrored block of two columns of three characters, 10 mm each."""
    (out / "blocks").mkdir(parents=True)
    rows = []
    picture = np.full((400, 300), 230, np.uint8)
    for number, char in enumerate("字人大天之不"):
        column, place = number // 3 + 1, number % 3 + 1
        x, y = 30 - 12 * column, 12 * place - 10  # on the block as it is read, mm
        small = np.asarray(Image.open(glyph(char)).convert("L").resize((100, 100)))
        picture[y * 10 : y * 10 + 100, x * 10 : x * 10 + 100] = small
        box = (x, y, x + 10, y + 10)
        # The scan is mirrored, and its y points up.
        corners = [(30 - px, -py) for px, py in ((x, y), (x + 10, y), (x + 10, y + 10), (x, y + 10))]
        name = f"meshes/khối 1/{number + 1:03d}.stl"
        z = np.array([[0, 0, 0], [1, 0, 0.1], [0, 1, 0], [1, 0, 0.1], [1, 1, 0], [0, 1, 0]], np.float32)
        write_stl(out / name, z.reshape(2, 3, 3) + np.float32([300, -200, 5]))  # in the place that it has on its block
        rows.append(
            [name, f"U+{ord(char):04X}", char, "khối 1.stl", "", "khối 1", str(column), str(place), "text",
             ";".join(f"{px},{py}" for px, py in corners), " ".join(map(str, box)), "30 40", "0.9",
             f"{char} 太 火 木 水", "0.9000 0.0500 0.0200 0.0200 0.0100", "0.99", "2", "blocks/khối 1.png",
             "blocks/khối 1.json"]
        )  # fmt: skip
    columns = [
        "file_name", "label", "char", "source", "box", "block", "column", "place", "part", "polygon", "upright_box",
        "upright_size", "probability", "names", "probabilities", "score", "faces", "picture_file_name",
        "record_file_name",
    ]  # fmt: skip
    write_table(out / "metadata.csv", columns, rows)
    Image.fromarray(picture).save(out / "blocks" / "khối 1.png")
    transform = [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    record = {"mirrored": True, "turned": 0, "transform": transform, "pixel": 0.1, "size": [30, 40]}
    (out / "blocks" / "khối 1.json").write_text(json.dumps(record), encoding="utf-8")
    _write_record(out, "meshset", "cut")


def write_page(out: Path) -> None:
    """Write what `read` writes for a page of one column of three characters, 100 pixels each."""
    (out / "pages").mkdir(parents=True)
    picture = np.full((340, 140), 240, np.uint8)
    characters = []
    for number, char in enumerate("天之字"):
        x, y = 20, 10 + 108 * number
        picture[y : y + 100, x : x + 100] = np.asarray(Image.open(glyph(char)).convert("L").resize((100, 100)))
        names = [{"char": each, "probability": p, "distance": 0.5} for each, p in ((char, 0.8), ("木", 0.2))]
        outline = [[x, y], [x + 100, y], [x + 100, y + 100], [x, y + 100]]
        characters.append(
            {"column": 1, "place": number + 1, "part": "text", "box": [x, y, x + 100, y + 100], "outline": outline,
             "score": 0.9, "char": char, "label": f"U+{ord(char):04X}", "probability": 0.8, "rejected": False,
             "named_by": "context", "names": names, "names_by_sight": names}
        )  # fmt: skip
    fields = {
        "page": "trang 1", "source": "trang 1.png", "width": 140, "height": 340, "direction": "vertical", "turned": 0,
        "mirrored": False, "character_height": 100, "text": "天之字", "characters": characters,
    }  # fmt: skip
    (out / "pages" / "trang 1.json").write_text(json.dumps(fields), encoding="utf-8")
    Image.fromarray(picture).save(out / "pages" / "trang 1.png")
    (out / "clean").mkdir()
    Image.fromarray(picture).save(out / "clean" / "trang 1.jpg")
    columns = ("file_name", "page", "picture_file_name", "clean_file_name")
    cells = ["pages/trang 1.json", "trang 1", "pages/trang 1.png", "clean/trang 1.jpg"]
    write_table(out / "metadata.csv", columns, [cells])
    _write_record(out, "reading", "read")


def printed_site(tiny: Tiny, folder: Path) -> Tiny:
    """Return a copy of a site whose index knows its block, "khối 1", and whose page was printed by it.

    As `read --index` finds it, the carving of 天, in the second column, printed the first character of the page, and
    that of 字, the first of the first column, the third one.
    """
    for name in ("depth", "đọc", "bản khắc"):
        shutil.copytree(tiny.folder / name, folder / name)
    for file in tiny.folder.glob("db.faiss*"):
        shutil.copy(file, folder)
    columns, rows = read_table(folder / "depth" / "metadata.csv")
    places = {char: (number // 3 + 1, number % 3 + 1) for number, char in enumerate("字人大天")}
    items = {}
    for row in rows:
        column, place = places[row["char"]]
        x, y = 30 - 12 * column, 12 * place - 10
        row |= {"block": "khối 1", "column": str(column), "place": str(place), "upright_size": "30 40"}
        row |= {"upright_box": f"{x} {y} {x + 10} {y + 10}", "block_picture": "../bản khắc/blocks/khối 1.png"}
        items[row["char"]] = row["file_name"].removeprefix("images/")
    columns = [*columns, "block", "column", "place", "upright_box", "upright_size", "block_picture"]
    write_table(folder / "depth" / "metadata.csv", columns, [[row.get(name, "") for name in columns] for row in rows])
    known = {"block": "khối 1", "probability": "0.9900", "agreeing": "2", "placed": "3", "score": "0.9", "rank": "1"}
    other = {"block": "khối 2", "probability": "0.0100", "agreeing": "0", "placed": "3", "score": "0.1", "rank": "2"}
    matches = [
        {"column": "1", "place": place, "rank": "1", "item": items[char], "block": "khối 1", "agrees": agrees}
        for place, char, agrees in (("1", "天", "yes"), ("2", "人", "no"), ("3", "字", "yes"))
    ]
    page = folder / "đọc"
    found = json.dumps({"blocks": [known, other], "matches": matches})
    (page / "pages" / "trang 1.blocks.json").write_text(found, encoding="utf-8")
    columns, rows = read_table(page / "metadata.csv")
    rows[0]["blocks_file_name"] = "pages/trang 1.blocks.json"
    write_table(page / "metadata.csv", [*columns, "blocks_file_name"], [[*rows[0].values()]])
    return Tiny(folder)


def _write_record(out: Path, kind: str, command: str) -> None:
    record = {
        "kind": kind, "schema": 1, "tool": "sinonom", "tool_version": "0.1.0", "status": "complete",
        "options": {"command": command}, "inputs": {"count": 1, "bytes": 1, "sha256": "ab" * 32}, "counts": {},
    }  # fmt: skip
    (out / "artifact.json").write_text(json.dumps(record), encoding="utf-8")
