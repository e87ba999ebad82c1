"""Make the files that `fuzz.py` damages: valid files for each reader, and the command that reads them."""

import csv
import io
import json
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fuzz_mutate import Case
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "crops")]

from test_boxes import alto_xml, page, page_xml  # noqa: E402
from tinycolumn import column  # noqa: E402
from tinyfont import build, build_collection  # noqa: E402
from tinymesh import letter_f, surface  # noqa: E402
from tinymodel import tiny_model, tiny_pictures  # noqa: E402
from tinysite import write_block, write_page  # noqa: E402

from sinonom_cli import cli  # noqa: E402
from sinonom_cli.meshes.stl import write_stl  # noqa: E402

INDEX_TYPES = ("flat", "fp16", "hnsw", "ivf-sq8", "pq-refine")
PICTURES = {".png": {}, ".jpg": {}, ".tif": {"compression": "tiff_lzw"}, ".bmp": {}, ".gif": {}, ".webp": {}}
QUIET = ("-q", "--workers", "0")


@dataclass(frozen=True)
class Reader:
    """Reader of files.

    Attributes
    ----------
    seeds : cases of valid files.
    command : command line; {case} is the folder of the damaged files, {house} that of `make_house`, {out} the output.
        "open" in place of a command opens {case} as `sinonom serve` does, which would not end.
    victims : function that says which files of a case are damaged.
    """

    seeds: Callable[[Path], list[Case]]
    command: tuple[str, ...]
    victims: Callable[[str], bool] = lambda name: True


def make_house(house: Path) -> None:
    """Write the intact files that commands need: a model, pictures, an index of each type, a page and columns."""
    tiny_model(house / "model")
    tiny_pictures(house / "pictures", [f"{i}.png" for i in range(4)])
    np.save(house / "vectors.npy", np.random.default_rng(0).standard_normal((600, 8)).astype(np.float32))
    for kind in INDEX_TYPES:
        typed = ["index", house / "vectors.npy", house / "indexes" / kind / "db.faiss", "--model", house / "model"]
        assert cli.run([str(word) for word in (*typed, "--type", kind, *QUIET)]) == 0
    typed = ["index", house / "pictures", house / "db.faiss", "--model", house / "model", *QUIET]
    assert cli.run([str(word) for word in typed]) == 0
    page(house / "pages")
    build(house / "hand.ttf", chars="字喃人")
    build_collection(house / "hands.ttc", chars="字喃")
    typed = ["synth-fonts", house / "hand.ttf", house / "set", "--chars", "字喃人", *QUIET]
    assert cli.run([str(word) for word in typed]) == 0
    write_page(house / "reading")
    write_block(house / "cut")
    (house / "page").mkdir()
    (house / "page" / "a.png").write_bytes((house / "reading" / "pages" / "trang 1.png").read_bytes())


def _files(folder: Path) -> Case:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _indexed() -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    triangles = surface(letter_f(12))
    points, numbers = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    return points, [tuple(int(n) for n in face) for face in numbers.reshape(-1, 3)]


def _stl(house: Path) -> list[Case]:
    triangles = surface(letter_f(12))
    write_stl(house / "seed.stl", triangles)
    facets = "".join(
        "facet normal 0 0 1\n outer loop\n" + "".join(f"  vertex {x:g} {y:g} {z:g}\n" for x, y, z in face)
        + " endloop\nendfacet\n" for face in triangles[::8]
    )  # fmt: skip
    return [{"a.stl": (house / "seed.stl").read_bytes()}, {"a.stl": f"solid x\n{facets}endsolid x\n".encode()}]


def _ply(house: Path) -> list[Case]:
    points, faces = _indexed()
    head = "ply\nformat {} 1.0\ncomment made\nelement vertex {}\nproperty float x\nproperty {} y\nproperty float z\n"
    head += "property uchar red\nelement face {}\nproperty list uchar int vertex_indices\nend_header\n"
    lines = [f"{x:g} {y:g} {z:g} 7" for x, y, z in points] + [f"3 {a} {b} {c}" for a, b, c in faces]
    made = [{"a.ply": (head.format("ascii", len(points), "float", len(faces)) + "\n".join(lines)).encode()}]
    for form, sign in (("binary_little_endian", "<"), ("binary_big_endian", ">")):
        body = b"".join(struct.pack(sign + "fdfB", *map(float, p), 7) for p in points)
        body += b"".join(struct.pack(sign + "Biii", 3, *face) for face in faces)
        made.append({"a.ply": head.format(form, len(points), "double", len(faces)).encode() + body})
    return made


def _obj(house: Path) -> list[Case]:
    points, faces = _indexed()
    text = "# made\no x\n" + "".join(f"v {x:g} {y:g} {z:g}\n" for x, y, z in points) + "vn 0 0 1\nvt 0 0\n"
    text += "".join(f"f {a + 1}/1/1 {b + 1}//1 {c + 1}\n" for a, b, c in faces[:90])
    text += "f -1 -2 \\\n -3 -14\nf 1 2 14 13\n"
    return [{"a.obj": text.encode()}]


def _off(house: Path) -> list[Case]:
    points, faces = _indexed()
    text = f"OFF\n# made\n{len(points)} {len(faces)} 0\n" + "".join(f"{x:g} {y:g} {z:g}\n" for x, y, z in points)
    text += "".join(f"3 {a} {b} {c}\n" for a, b, c in faces)
    return [{"a.off": text.encode()}, {"a.off": text.replace("OFF", "COFF", 1).encode()}]


def _glb(house: Path) -> list[Case]:
    points, faces = _indexed()
    body = np.asarray(points, "<f4").tobytes() + np.asarray(faces, "<u4").tobytes()
    views = [{"buffer": 0, "byteOffset": 0, "byteLength": points.size * 4}]
    views.append({"buffer": 0, "byteOffset": points.size * 4, "byteLength": len(faces) * 12})
    limits = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
    accessors = [{"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3", **limits}]
    accessors.append({"bufferView": 1, "componentType": 5125, "count": 3 * len(faces), "type": "SCALAR"})
    document = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(body)}],
        "bufferViews": views,
        "accessors": accessors,
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "mode": 4}]}],
        "nodes": [
            {"mesh": 0, "translation": [0, 0, 1], "rotation": [0, 0, 0, 1], "scale": [1, 1, 1]},
            {"children": [0]},
        ],
        "scenes": [{"nodes": [1]}],
        "scene": 0,
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(body)) + struct.pack("<I4s", len(text), b"JSON")
    return [{"a.glb": head + text + struct.pack("<I4s", len(body), b"BIN\0") + body}]


def _xml(form: Callable[..., str]) -> Callable[[Path], list[Case]]:
    return lambda house: [{"a.xml": form(page(house / "pages"), glyphs).encode()} for glyphs in (True, False)]


def _boxes(house: Path) -> list[Case]:
    rows = ["picture,x0,y0,x1,y1,text"]
    rows += [f'"page 1.png",{",".join(map(str, box))},{char}' for one in page(house / "pages") for char, box in one]
    return [{"a.csv": "\n".join(rows).encode("utf-8-sig")}]


def _yolo(house: Path) -> list[Case]:
    found = [pair for one in page(house / "pages") for pair in one]
    names = sorted({char for char, _ in found})
    rows = []
    for char, (x0, y0, x1, y1) in found:
        numbers = ((x0 + x1) / 280, (y0 + y1) / 440, (x1 - x0) / 140, (y1 - y0) / 220)
        rows.append(f"{names.index(char)} " + " ".join(f"{n:.5f}" for n in numbers))
    return [{"yolo/page 1.txt": "\n".join(rows).encode(), "yolo/classes.txt": "\n".join(names).encode()}]


def _transcripts(house: Path) -> list[Case]:
    png = io.BytesIO()
    Image.fromarray(np.uint8(np.clip(column("大人山水").grey, 0, 255))).save(png, "PNG")
    names = ["book/p1_1.png", "book/p1_2.png"]
    return [
        {"All.txt": "".join(f"{name}\t大人山水\n" for name in names).encode()} | dict.fromkeys(names, png.getvalue())
    ]


def _truth(house: Path) -> list[Case]:
    rows = [("query", "label", "kind")] + [(f"{i}.png", f"{i}.png,x.png", "a") for i in range(4)]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return [{"truth.csv": text.getvalue().encode()}]


def _charset(house: Path) -> list[Case]:
    return [{"a.txt": "# made\nU+5B57\nU+4E00-U+4E05\n字\n喃人\n0x5357 x\nU+570B,5\n\ue001\n".encode()}]


def _fonts(house: Path) -> list[Case]:
    return [{name: (house / name).read_bytes()} for name in ("hand.ttf", "hands.ttc")]


def _vectors(house: Path) -> list[Case]:
    text = "item,source,label,char,set\n" + "".join(f"{i}.png,{i}.stl,U+5B57,字,pictures\n" for i in range(12))
    array = io.BytesIO()
    np.save(array, np.random.default_rng(0).standard_normal((12, 8)).astype("<f4"))
    return [{"v.npy": array.getvalue(), "v.csv": text.encode()}, {"v.npy": array.getvalue()}]


def _pictures(house: Path) -> list[Case]:
    made = []
    with Image.open(house / "pictures" / "0.png") as opened:
        for mode in ("L", "RGB", "P", "I;16", "1", "RGBA"):
            for suffix, options in PICTURES.items():
                content = io.BytesIO()
                try:
                    opened.convert(mode).save(content, Image.registered_extensions()[suffix], **options)
                except (OSError, ValueError, KeyError):
                    continue  # not every format has every mode
                made.append({f"a{suffix}": content.getvalue()})
    return made


def _height_maps(house: Path) -> list[Case]:
    y, x = np.mgrid[:24, :20] / 20
    heights = np.where((abs(x - 0.5) < 0.1) | (abs(y - 0.5) < 0.1), 0.0, -0.12).astype(np.float32)
    heights[:2] = np.nan
    steps = np.nan_to_num((heights + 0.2) * 60_000).astype(np.uint16)
    made = []
    for array in (heights, np.stack([steps, steps]), heights.astype(">f8", order="F")):
        content = io.BytesIO()
        np.save(content, array)
        made.append({"a.npy": content.getvalue()})
    for suffix, array in ((".png", steps), (".tif", heights), (".tiff", steps)):
        content = io.BytesIO()
        image = Image.fromarray(array)
        more = {} if suffix == ".png" else {"save_all": True, "append_images": [image]}
        image.save(content, "PNG" if suffix == ".png" else "TIFF", **more)
        made.append({f"a{suffix}": content.getvalue()})
    return made


def _pages(house: Path) -> list[Case]:
    with Image.open(house / "page" / "a.png") as opened:
        pdf, tiff = io.BytesIO(), io.BytesIO()
        opened.save(pdf, "PDF", resolution=100)
        opened.save(tiff, "TIFF", save_all=True, append_images=[opened.convert("RGB")])
    return [{"a.pdf": pdf.getvalue()}, {"a.tif": tiff.getvalue()}]


def _texts(house: Path) -> list[Case]:
    return [{"t.csv": "page,text\na,天之字\n".encode("utf-8-sig")}, {"t.csv": 'block;text\na;"天\n之字"\n'.encode()}]


def _corrections(house: Path) -> list[Case]:
    first = {"kind": "corrections", "schema": 1, "of": "0" * 64}
    spots = [{"box": [20, 10 + 108 * k, 120, 110 + 108 * k], "char": char} for k, char in enumerate("天之字")]
    made = [
        {"action": "accept", "was": spots[:1], "now": spots[:1], "after": None},
        {"action": "change", "was": spots[1:2], "now": [{**spots[1], "char": "\U00020000"}], "after": None},
        {"action": "merge", "was": spots[1:], "now": [{"box": [20, 118, 120, 326], "char": ""}], "after": None},
        {"action": "delete", "was": spots[:1], "now": [], "after": None},
        {"action": "add", "was": [], "now": [{"box": [5, 5, 15, 15], "char": "字"}], "after": spots[0]["box"]},
        {"action": "undo", "of": 3},
    ]
    about = {"when": "2026-01-31T09:12:44Z", "who": "Lan", "page": "trang 1"}
    rows = [first, *({"id": number, **about, **each} for number, each in enumerate(made, 1))]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return [{**_files(house / "reading"), "corrections.jsonl": text.encode()}]


RENDER = ("render", "{case}", "{out}", "--size", "16", *QUIET)
BOXES = ("crop-nomnaocr", "{house}/pages", "{out}", "--boxes", "{case}/%s", "--size", "16", *QUIET)
ASK = ("query", "{house}/pictures", "--index", "{case}/db.faiss", "--model", "{house}/model", "--json", *QUIET)
INDEX = ("index", "{case}", "{out}/db.faiss", "--model", "{house}/model", *QUIET)


def _boxed(name: str) -> tuple[str, ...]:
    return tuple(word.replace("%s", name) for word in BOXES)


READERS = {
    "stl": Reader(_stl, RENDER),
    "ply": Reader(_ply, RENDER),
    "obj": Reader(_obj, RENDER),
    "off": Reader(_off, RENDER),
    "glb": Reader(_glb, RENDER),
    "heights": Reader(_height_maps, (*RENDER, "--pixel", "0.05")),
    "page": Reader(_xml(page_xml), _boxed("a.xml")),
    "alto": Reader(_xml(alto_xml), _boxed("a.xml")),
    "yolo": Reader(_yolo, _boxed("yolo")),
    "boxes": Reader(_boxes, _boxed("a.csv")),
    "transcripts": Reader(
        _transcripts, ("crop-nomnaocr", "{case}", "{out}", "--size", "16", *QUIET), lambda name: name == "All.txt"
    ),
    "truth": Reader(
        _truth,
        ("query", "{house}/pictures", "--index", "{house}/db.faiss", "--truth", "{case}/truth.csv", "--json", *QUIET),
    ),
    "charset": Reader(_charset, ("fonts", "{house}/hand.ttf", "--charset", "{case}/a.txt", *QUIET)),
    "fonts": Reader(_fonts, ("synth-fonts", "{case}", "{out}", "--chars", "字喃", "--size", "16", *QUIET)),
    "index": Reader(lambda house: [_files(house / "indexes" / kind) for kind in INDEX_TYPES], ASK),
    "model": Reader(
        lambda house: [_files(house / "model")],
        ("index", "{house}/pictures", "{out}/db.faiss", "--model", "{case}", *QUIET),
    ),
    "vectors": Reader(_vectors, ("index", "{case}/v.npy", "{out}/db.faiss", "--model", "{house}/model", *QUIET)),
    "pictures": Reader(_pictures, INDEX),
    "imageset": Reader(lambda house: [_files(house / "set")], INDEX),
    "pages": Reader(_pages, ("read", "{case}", "{out}", *QUIET)),
    "texts": Reader(_texts, ("read", "{house}/page", "{out}", "--transcripts", "{case}/t.csv", *QUIET)),
    "readings": Reader(lambda house: [_files(house / "reading")], ("open", "{case}")),
    "cut blocks": Reader(lambda house: [_files(house / "cut")], ("open", "{case}")),
    "corrections": Reader(_corrections, ("open", "{case}"), lambda name: name == "corrections.jsonl"),
}
