"""Which faces are one hand: the parts of a design, the countries of a collection, copies.

A picture's hand says who might be confused with whom: hands are what is split between training and test.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations, takewhile

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.fonts.face import Face, FaceTables

PARTS_SHARE = 0.2
"""Of the smaller face's characters, that two parts of one design may have in common at most. HanaMinA and B: 0.1."""

LEAST_NAME = 3
"""Letters that families must have in common to name a hand."""

# What tells the parts of a design apart at the end of their family's name. Ext-B, ExtB, Plus say so clearly;
_SURE_PART = re.compile(r"[\s_-]*((?i:ext(ension)?)[\s_-]*[A-J]+|(?i:plus))\Z")
# A, B, 2, P1 may: 'Migu 1C' and 'Migu 1M' are two designs, HanaMinA and HanaMinB are one.
_PERHAPS_PART = re.compile(r"[\s_-]*(P?[0-9]|(?<![A-Z0-9])[A-J])\Z")


def parts_of(faces: Sequence[FaceTables]) -> list[int]:
    """Find the parts of designs: HanaMinA and HanaMinB, TW-Kai and TW-Kai-Ext-B, a web font cut into files.

    Parts are of one style and of families that differ in a part's name at most; where that is not sure, they must have
    next to no character in common as well.

    Parameters
    ----------
    faces : all faces, with their Han characters.

    Returns
    -------
    a number by face, alike for the parts of one design.
    """
    number = list(range(len(faces)))
    groups: dict[tuple[str, str], list[int]] = {}
    for k, tables in enumerate(faces):
        family = _PERHAPS_PART.sub("", _SURE_PART.sub("", tables.face.family))
        groups.setdefault((family, tables.face.style), []).append(k)
    for group in groups.values():
        for one, other in combinations(group, 2):
            if number[one] == number[other] or faces[one].outlines == faces[other].outlines:
                continue
            a, b = faces[one].face.family, faces[other].face.family
            sure = a != b and _SURE_PART.sub("", a) == _SURE_PART.sub("", b)
            if sure or _complete_each_other(faces[one].codes, faces[other].codes):
                number[other] = number[one]
    return number


def _complete_each_other(one: NDArray[np.int32], other: NDArray[np.int32]) -> bool:
    smaller = min(len(one), len(other))
    return smaller > 0 and len(np.intersect1d(one, other, assume_unique=True)) <= PARTS_SHARE * smaller


def hands_of(
    faces: Sequence[FaceTables],
    parts: Sequence[int],
    left: Sequence[NDArray[np.bool_]],
    same_as: Mapping[int, int],
    before: Mapping[int, str],
) -> list[str]:
    """Name each face's hand: one for parts of a design, faces that share outlines, and those that draw the same.

    Parameters
    ----------
    faces : all faces.
    parts : from `parts_of`.
    left, same_as : from `without_duplicates`.
    before : hand by place in `faces` of those that have one already, which they and those who join them keep.
    """
    root = list(range(len(faces)))
    first: dict[str | int, int] = {}
    for k, tables in enumerate(faces):
        for kin in (tables.outlines, parts[k]):
            _join(root, k, first.setdefault(kin, k))
    for k, other in same_as.items():
        _join(root, k, other)
    groups: dict[int, list[int]] = {}
    for k in range(len(faces)):
        groups.setdefault(_end(root, k), []).append(k)
    names = {}
    for end, group in groups.items():
        known = [before[k] for k in group if k in before]
        # A hand is named after the faces that draw it, not after copies of them.
        naming = [faces[k].face for k in group if k not in same_as or left[k].any()]
        names[end] = known[0] if known else hand_name(naming)
    return [names[_end(root, k)] for k in range(len(faces))]


def _join(root: list[int], one: int, other: int) -> None:
    one, other = _end(root, one), _end(root, other)
    root[max(one, other)] = min(one, other)


def _end(root: Sequence[int], k: int) -> int:
    while root[k] != k:
        k = root[k]
    return k


def hand_name(faces: Sequence[Face]) -> str:
    """Return what the families of a hand's faces have in common, and its style unless that is Regular."""
    family, style = faces[0].family, faces[0].style
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*(face.family for face in faces), strict=False))
    common = "".join(letters[0] for letters in alike).rstrip(" -_")
    if len(common) >= LEAST_NAME:
        family = common
    return family if style in ("", "Regular") or family.endswith(style) else f"{family} {style}"
