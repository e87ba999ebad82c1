"""Small stage for tests that makes a picture from each text; some texts make it fail."""

import errno
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.parallel.batch import Artifact, BatchOptions, Item, fill, item_rng
from sinonom_cli.storage.atomic import save_png
from sinonom_cli.storage.image_set import METADATA_COLUMNS
from sinonom_cli.storage.inputs import find_inputs


@dataclass(frozen=True)
class Paint:
    """Stage that writes a picture of noise for each text file; some texts make it fail."""

    out: Path
    seed: int = 0
    pause: float = 0.0

    def __call__(self, item: Item) -> list[dict[str, str]]:
        text = item.path.read_text(encoding="utf-8")
        time.sleep(self.pause)
        if text == "bad":
            raise SinonomError("nothing to see\nin this file")
        if text == "odd":
            raise KeyError("oops")
        if text == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if text == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if text == "none":
            return []
        name = f"images/{Path(item.key).with_suffix('.png').as_posix()}"
        noise = item_rng(self.seed, item.key).integers(0, 256, (8, 8), dtype=np.uint8)
        save_png(self.out / name, noise)
        return [{"file_name": name, "label": "U+5B57", "char": "字", "source": item.key, "box": ""}]


def make(folder: Path, out: Path, *, seed: int = 0, pause: float = 0.0, **batch: object) -> Artifact:
    return fill(
        out,
        kind="imageset",
        options={"seed": seed},
        items=find_inputs([str(folder)], {".txt"}, "texts"),
        work=Paint(out, seed, pause),
        columns=METADATA_COLUMNS,
        batch=BatchOptions(**{"workers": 0, **batch}),  # type: ignore[arg-type]
        what="texts",
    )


def texts(folder: Path, n: int = 12, **special: str) -> Path:
    (folder / "bản khắc 𡦂").mkdir(parents=True)
    for i in range(n):
        (folder / "bản khắc 𡦂" / f"{i:03}.txt").write_text(f"text {i}", encoding="utf-8")
    for name, text in special.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
