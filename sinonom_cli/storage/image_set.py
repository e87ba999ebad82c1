"""Image sets: labelled (or, for scans, unlabelled) character images in a folder.

`images/<label>/<name>.png`, or `images/<relative path>.png` where no label is known; `metadata.csv`; `artifact.json`.
`datasets.load_dataset("imagefolder")` reads both kinds, `torchvision.datasets.ImageFolder(set / "images")` the
labelled.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sinonom_cli.characters import char_of, is_label
from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.inputs import find_inputs
from sinonom_cli.storage.record import read_record

METADATA_COLUMNS = ("file_name", "label", "char", "source", "box")
PICTURE_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".pgm", ".ppm")
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One row of a set.

    Attributes
    ----------
    file_name : path relative to the set.
    label : `U+5B57`, or "" where unknown.
    char : the character itself, or "".
    source : what the picture was made from, relative to the input it came from, `#k` for the k-th thing in it.
    box : `x0 y0 x1 y1` in pixels of the source, or "".
    more : the other columns.
    """

    file_name: str
    label: str
    char: str
    source: str
    box: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @property
    def item(self) -> str:
        """The name an answer shows: the path below `images/`."""
        return self.file_name.removeprefix("images/")


@dataclass(frozen=True)
class ImageSet:
    """A folder of pictures.

    Attributes
    ----------
    identity : changes when its rows do; of a plain folder, when names or sizes do.
    passed_over : how many files a plain folder holds that are no pictures, by ending.
    """

    path: Path
    pictures: list[Picture]
    record: dict[str, Any]
    identity: str
    passed_over: dict[str, int] = field(default_factory=dict)


def read_imageset(path: Path, skip: Sequence[Path] = ()) -> ImageSet:
    """Read an image set of ours, or a plain folder of pictures.

    In a plain folder, a picture in a folder named `U+5B57` has that label; others have none. What cannot be read, such
    as a locked folder, stands among the pictures.

    Parameters
    ----------
    skip : files and folders that the command writes: where they lie in a plain folder, they are no pictures.

    Raises
    ------
    SinonomError
        If there is no such folder, no picture in it, the set is not complete, or a row names no label we know.
    """
    if not os.path.isdir(path):  # noqa: PTH112  # False for a name that no disk takes
        missing = "is not a folder" if os.path.lexists(path) else "does not exist"
        raise SinonomError(f"{path} {missing}", "give an image set, or a folder of pictures")
    if (path / "artifact.json").exists():
        return _read_ours(path)
    items = find_inputs([str(path)], PICTURE_SUFFIXES, "pictures", skip=skip)
    pictures = []
    for item in items:
        parent = Path(item.key).parent.name
        label = parent if is_label(parent) else ""
        pictures.append(Picture(item.key, label, char_of(label) if label else "", item.key))
    from sinonom_cli.storage.fingerprints import digest_of  # a query, which reads no set, starts sooner

    listed = digest_of((item.key, str(item.size)) for item in items)
    return ImageSet(path, pictures, {}, listed, items.passed_over)


def _read_ours(path: Path) -> ImageSet:
    from sinonom_cli.storage.own_tables import read_table

    record = read_record(path, "imageset")
    table = path / "metadata.csv"
    if not table.is_file():
        raise SinonomError(f"{path} has lost its metadata.csv", "make the set again with --overwrite")
    columns, rows = read_table(table)
    lacking = [name for name in METADATA_COLUMNS if name not in columns]
    if lacking:
        raise SinonomError(f"{table} has no column {lacking[0]!r}", "make the set again with --overwrite")
    pictures = []
    for number, row in enumerate(rows, 2):
        label = row["label"] or ""
        if label and not is_label(label):
            raise SinonomError(f"{table}, line {number}: {label!r} is no label", "labels look like U+5B57")
        more = {key: value for key, value in row.items() if key not in METADATA_COLUMNS and key is not None}
        pictures.append(Picture(row["file_name"], label, row["char"], row["source"], row["box"], more))
    identity = hashlib.sha256(table.read_bytes()).hexdigest()
    return ImageSet(path, pictures, record, identity)


def check(images: ImageSet) -> None:
    """Check that every picture of a set is there.

    Raises
    ------
    SinonomError
        Naming the first that is missing, and how many are.
    """
    missing = [p.file_name for p in images.pictures if not (images.path / p.file_name).is_file()]
    if missing:
        raise SinonomError(
            f"{images.path} lacks {len(missing)} of its pictures; the first is {missing[0]}",
            "copy the set again whole, or make it again with --overwrite",
        )
