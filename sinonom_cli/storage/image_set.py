"""Read image sets: folders of character images, labelled or (for scans) unlabelled.

A set holds `images/<label>/<name>.png`, or `images/<relative path>.png` if no label is known; `metadata.csv`;
`artifact.json`. `datasets.load_dataset("imagefolder")` reads both kinds of sets. Labelled ones can also be read by
`torchvision.datasets.ImageFolder(set / "images")`.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
    """One row of an image set.

    Attributes
    ----------
    file_name : path of the picture, relative to the set.
    label : `U+5B57`, or "" if unknown.
    char : the character itself, or "".
    source : file that the picture was made from, relative to the input that holds it; `#k` for the k-th thing in it.
    box : `x0 y0 x1 y1` in pixels of the source, or "".
    more : the other columns, by name.
    """

    file_name: str
    label: str
    char: str
    source: str
    box: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @property
    def item(self) -> str:
        """Return the name that answers show: the path below `images/`."""
        return self.file_name.removeprefix("images/")


@dataclass(frozen=True, kw_only=True)
class SetRecord:
    """What the record of an image set says besides its table; a plain folder of pictures has the defaults.

    Attributes
    ----------
    reliefs : whether the pictures show reliefs: `render` made them.
    failed : number of inputs of which no picture could be made.
    """

    reliefs: bool = False
    failed: int = 0


@dataclass(frozen=True)
class ImageSet:
    """A folder of pictures.

    Attributes
    ----------
    record : what its record says.
    identity : hash that changes when the set's rows do, or, for a plain folder, when file names or sizes do.
    passed_over : number of files in a plain folder that are not pictures, by suffix.
    """

    path: Path
    pictures: list[Picture]
    record: SetRecord
    identity: str
    passed_over: dict[str, int] = field(default_factory=dict)


def read_imageset(path: Path, skip: Sequence[Path] = ()) -> ImageSet:
    """Read an image set made by this program, or a plain folder of pictures.

    In a plain folder, a picture in a folder named `U+5B57` has that label; others have none. Entries that cannot be
    read, such as a locked folder, are listed among the pictures.

    Parameters
    ----------
    skip : files and folders that the command writes; they are ignored if they lie in a plain folder.

    Raises
    ------
    SinonomError
        If the folder does not exist or holds no picture, the set is not complete, or a row has an unknown label.
    """
    if not os.path.isdir(path):  # noqa: PTH112  # it is False for a name that no disk accepts
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
    from sinonom_cli.storage.fingerprints import digest_of  # a query, which reads no set, starts faster

    listed = digest_of((item.key, str(item.size)) for item in items)
    return ImageSet(path, pictures, SetRecord(), listed, items.passed_over)


def set_record(path: Path) -> SetRecord:
    """Read the record of a complete image set.

    Raises
    ------
    SinonomError
        As `read_record` does.
    """
    record = read_record(path, "imageset")
    reliefs = "projection" in record.get("options", {})  # only `render` notes a projection
    return SetRecord(reliefs=reliefs, failed=record.get("counts", {}).get("failed", 0))


def _read_ours(path: Path) -> ImageSet:
    from sinonom_cli.storage.own_tables import read_table

    record = set_record(path)
    table = path / "metadata.csv"
    if not table.is_file():
        raise SinonomError(f"{path} has no metadata.csv", "make the set again with --overwrite")
    columns, rows = read_table(table)
    lacking = [name for name in METADATA_COLUMNS if name not in columns]
    if lacking:
        raise SinonomError(f"{table} has no column {lacking[0]!r}", "make the set again with --overwrite")
    pictures = []
    for number, row in enumerate(rows, 2):
        label = row["label"] or ""
        if label and not is_label(label):
            raise SinonomError(f"{table}, line {number}: {label!r} is not a label", "labels look like U+5B57")
        more = {key: value for key, value in row.items() if key not in METADATA_COLUMNS and key is not None}
        pictures.append(Picture(row["file_name"], label, row["char"], row["source"], row["box"], more))
    identity = hashlib.sha256(table.read_bytes()).hexdigest()
    return ImageSet(path, pictures, record, identity)


def check(images: ImageSet) -> None:
    """Check that every picture of a set exists.

    Raises
    ------
    SinonomError
        If pictures are missing; it names the first one and their number.
    """
    missing = [p.file_name for p in images.pictures if not (images.path / p.file_name).is_file()]
    if missing:
        raise SinonomError(
            f"{images.path} lacks {len(missing)} of its pictures; the first is {missing[0]}",
            "copy the whole set again, or make it again with --overwrite",
        )
