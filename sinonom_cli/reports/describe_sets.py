"""Count what an image set holds."""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from sinonom_cli import messages
from sinonom_cli.characters import char_of, is_private
from sinonom_cli.storage.image_set import ImageSet, Picture
from sinonom_cli.storage.own_tables import rows_of

LARGEST = 10
"""Largest number of sources, characters and reasons that a description lists."""


@dataclass(frozen=True)
class Bar:
    """Bar of the histogram: the `characters` characters that have `low` to `high` images each have `images` in all."""

    low: int
    high: int
    characters: int
    images: int


@dataclass(frozen=True, kw_only=True)
class Description:
    """Contents of one image set, as counts.

    Attributes
    ----------
    path : folder of the set.
    images, characters, unlabelled, private : numbers of images, of distinct labels, of images without a label, and of
        labels that are Private Use.
    bars : histogram of images per character, with the classes 1, 2, 3-4, 5-8, ... images.
    commonest : the labels with the most images, and their numbers of images.
    grouped_by : kind of the sources: "faces", "folders" or "files".
    groups, largest : number of sources, and the sources with the most images, with their numbers of images.
    looked_at, sizes : number of pictures whose size was read, and how many have each (width, height) in pixels,
        commonest first.
    bad : file names of those pictures that are missing or cannot be read.
    doubtful, kept : by reason, the number of characters that were left out as doubtful, and of doubtful characters
        that are in the set.
    failed : number of inputs that failed.
    """

    path: Path
    images: int
    characters: int
    unlabelled: int
    private: int
    bars: list[Bar]
    commonest: list[tuple[str, int]]
    grouped_by: str
    groups: int
    largest: list[tuple[str, int]]
    looked_at: int
    sizes: list[tuple[tuple[int, int], int]]
    bad: list[str]
    doubtful: dict[str, int]
    kept: dict[str, int]
    failed: int


def describe(images: ImageSet, sizes_of: int | None) -> Description:
    """Count what a set holds.

    Parameters
    ----------
    images : set from `read_imageset`.
    sizes_of : number of pictures whose size is read, evenly spread over the set; None: all pictures.
    """
    labels = Counter(picture.label for picture in images.pictures)
    unlabelled = labels.pop("", 0)
    grouped_by, groups = sources(images.pictures)
    chosen = spread(images.pictures, sizes_of)
    sizes = {}
    with messages.progress(len(chosen), "pictures") if sizes_of is None else nullcontext() as progress:
        for picture in chosen:
            sizes[picture.file_name] = size_of(images.path / picture.file_name)
            if progress:
                progress.advance()
    return Description(
        path=images.path,
        images=len(images.pictures),
        characters=len(labels),
        unlabelled=unlabelled,
        private=sum(is_private(char_of(label)) for label in labels),
        bars=bars(labels),
        commonest=labels.most_common(LARGEST),
        grouped_by=grouped_by,
        groups=len(groups),
        largest=groups.most_common(LARGEST),
        looked_at=len(chosen),
        sizes=Counter(size for size in sizes.values() if size).most_common(),
        bad=[name for name, size in sizes.items() if not size],
        doubtful=dict(_left_out(images).most_common()),
        kept=dict(Counter(reason for p in images.pictures if (reason := p.more.get("doubtful"))).most_common()),
        failed=images.record.failed,
    )


def bars(labels: Mapping[str, int]) -> list[Bar]:
    """Return the histogram of images per character: bars for 1, 2, 3-4, 5-8, ... images, including empty bars."""
    if not labels:
        return []
    places = [(count - 1).bit_length() for count in labels.values()]
    found = []
    for place in range(max(places) + 1):
        counts = [count for count, own in zip(labels.values(), places, strict=True) if own == place]
        found.append(Bar(2**place // 2 + 1 if place else 1, 2**place, len(counts), sum(counts)))
    return found


def sources(pictures: Sequence[Picture]) -> tuple[str, Counter[str]]:
    """Return the kind of the pictures' sources (faces, folders such as books, or files), and the images per source."""
    if any(picture.more.get("face") for picture in pictures):
        return "faces", Counter(picture.more.get("face") or "" for picture in pictures)
    files = Counter(picture.source.partition("#")[0] for picture in pictures)
    if not any("/" in name for name in files):
        return "files", files
    folders: Counter[str] = Counter()
    for name, count in files.items():
        folders[name.rpartition("/")[0]] += count
    return "folders", folders


def spread(pictures: Sequence[Picture], count: int | None) -> Sequence[Picture]:
    """Return `count` of the pictures, evenly spread over the set; all of them if `count` is None or too large."""
    if count is None or count >= len(pictures):
        return pictures
    return [pictures[number * len(pictures) // count] for number in range(count)]


def size_of(path: Path) -> tuple[int, int] | None:
    """Return the width and height of a picture in pixels, from its header; None if there is no readable picture."""
    try:
        if not path.is_file():  # reading from a pipe would never end
            return None
        with path.open("rb") as file:
            head = file.read(24)
        if head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR":
            width, height = struct.unpack(">II", head[16:24])
            return (width, height) if width and height else None
        from sinonom_cli.pictures.loading import opened_picture

        with opened_picture(path) as image:
            return image.size
    except Exception:  # Pillow's readers raise almost any exception on bad bytes
        return None


def _left_out(images: ImageSet) -> Counter[str]:
    """Count the characters that `doubtful.csv` lists, by reason."""
    return Counter(row.get("reason") or "no reason given" for row in rows_of(images.path / "doubtful.csv"))
