"""List the commands that `faults.py` interrupts, with their inputs."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from test_kill import fonts, meshes, patches, pictures  # noqa: E402
from tinymodel import tiny_model, tiny_pictures  # noqa: E402
from tinypage import page  # noqa: E402
from tinyscan import scans  # noqa: E402


@dataclass(frozen=True)
class Stage:
    """Command to interrupt.

    Attributes
    ----------
    make : function that writes inputs into a folder and returns the command line, with {out} for the output.
    out : name of the output in its folder; "" if the folder itself is the output.
    base : function for the command line that runs first, for commands that change an output.
    change : function that changes the inputs after `base`.
    same : function that says which files must have the bytes of an unbroken run; files that hold times of day cannot.
    done : exit codes of the same command after a complete run; --remove then finds nothing more.
    """

    make: Callable[[Path], list[str]]
    out: str = "out"
    base: Callable[[Path], list[str]] | None = None
    change: Callable[[Path], object] = lambda folder: None
    same: Callable[[str], bool] = lambda name: True
    done: tuple[int, ...] = (0,)


def make_index_inputs(folder: Path) -> list[str]:
    rng = np.random.default_rng(0)
    tiny_model(folder / "model")
    tiny_pictures(folder / "set", [f"{i:03}.png" for i in range(600)])
    tiny_pictures(folder / "more", [f"m{i:03}.png" for i in range(600)], seed=1)
    np.save(folder / "v.npy", rng.standard_normal((10_000, 32)).astype(np.float32))
    return ["index", str(folder / "set"), "{out}", "--model", str(folder / "model"), "--batch-size", "16"]


def _vectors(folder: Path) -> list[str]:
    tiny_model(folder / "wide", size=16, dimension=32)
    return ["index", str(folder / "v.npy"), "{out}", "--model", str(folder / "wide"), "--type", "ivf-sq8"]


def _train(folder: Path) -> list[str]:
    for label in range(8):
        tiny_pictures(folder / "data" / f"U+{0x4E00 + label:X}", [f"{label}-{i}.png" for i in range(8)], seed=label)
    options = "--steps 40 --classes 4 --images 2 --size 32 --embedding 8 --threads 1"
    return ["train", "--data", str(folder / "data"), "--output", "{out}", *options.split()]


def _query(folder: Path) -> list[str]:
    index = str(folder / "base" / "db.faiss")
    truth = "query,label\n" + "".join(f"{i:03}.png,{i:03}.png\n" for i in range(60))
    (folder / "truth.csv").write_text(truth, encoding="utf-8")
    asked = [str(folder / "set" / f"{i:03}.png") for i in range(60)]
    outputs = ["--sheet", "{out}/answers.png", "--scores", "{out}/scores.csv", "--report", "{out}/report.html"]
    return ["query", *asked, "--index", index, "--truth", str(folder / "truth.csv"), *outputs]


def _blocks(folder: Path) -> list[str]:
    scans(folder, count=3, columns=3, rows=4)
    return ["cut", str(folder / "scans"), "{out}", "--workers", "1"]


def _pages(folder: Path) -> list[str]:
    (folder / "pages").mkdir(exist_ok=True)
    for number in range(3):
        Image.fromarray(page(per_column=8, seed=number)[0]).save(folder / "pages" / f"{number}.png")
    return ["read", str(folder / "pages"), "{out}", "--format", "json,txt,page,alto,tei", "--workers", "1"]


def _changing(folder: Path) -> list[str]:
    """Write pictures of which half will change, unless they are there; return the command that indexes them."""
    if not (folder / "changing").exists():
        tiny_pictures(folder / "changing", [f"{i:03}.png" for i in range(600)], seed=2)
    return ["index", str(folder / "changing"), "{out}", "--model", str(folder / "model")]


def _limited(make: Callable[[Path], list[str]], limit: int) -> Stage:
    """Return a stage of the tests that processes only the first `limit` inputs."""
    return Stage(lambda folder: [*make(folder / "of tests"), "{out}", "--limit", str(limit)])


def _fonts(folder: Path) -> list[str]:
    command = fonts(folder / "fonts")
    chars = command.index("--chars") + 1
    return [*command[:chars], command[chars][:40], *command[chars + 1 :], "{out}"]


STAGES = {
    "render": _limited(meshes, 50),
    "carve": _limited(pictures, 8),
    "carve --page": Stage(
        lambda folder: [*pictures(folder / "of tests"), "{out}", "--limit", "8", "--page", "--char-width", "20"]
    ),
    "cut": Stage(_blocks),
    "read": Stage(_pages),
    "synth-fonts": Stage(_fonts),
    "crop-nomnaocr": _limited(patches, 40),
    "index": Stage(make_index_inputs, "db.faiss"),
    "index ivf": Stage(_vectors, "db.faiss"),
    "index --add": Stage(
        lambda folder: ["index", str(folder / "more"), "{out}", "--model", str(folder / "model"), "--add"],
        "db.faiss",
        lambda folder: ["index", str(folder / "set"), "{out}", "--model", str(folder / "model")],
    ),
    "index --add changed": Stage(
        lambda folder: [*_changing(folder), "--add"],
        "db.faiss",
        lambda folder: [*_changing(folder), "--type", "IVF8,SQ8"],
        lambda folder: tiny_pictures(folder / "changing", [f"{i:03}.png" for i in range(0, 600, 2)], seed=3),
    ),
    "index --remove": Stage(
        lambda folder: ["index", "{out}", "--remove", "0*.png"],
        "db.faiss",
        lambda folder: ["index", str(folder / "set"), "{out}", "--model", str(folder / "model")],
        done=(0, 4),
    ),
    "train": Stage(_train, same=lambda name: name in ("model.safetensors", "model.onnx", "artifact.json")),
    "query": Stage(_query, ""),
}
