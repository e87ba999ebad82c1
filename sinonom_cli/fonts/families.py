"""Group faces into typeface families (`hand`): the parts of a design, the countries of a collection, copies.

Faces of one typeface family draw alike, so a split between training and test must not divide a family.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations, takewhile

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.fonts.face import Face, FaceTables

PARTS_SHARE = 0.2
"""Largest share of the smaller face's characters that two parts of one design have in common. HanaMinA and HanaMinB
share 0.1."""

LEAST_NAME = 3
"""Smallest number of letters that family names must have in common to name a typeface family."""

# The end of the family name distinguishes the parts of a design. Ext-B, ExtB and Plus always mean a part.
_SURE_PART = re.compile(r"[\s_-]*((?i:ext(ension)?)[\s_-]*[A-J]+|(?i:plus))\Z")
# A, B, 2 and P1 may mean a part: 'Migu 1C' and 'Migu 1M' are two designs, HanaMinA and HanaMinB are one.
_PERHAPS_PART = re.compile(r"[\s_-]*(P?[0-9]|(?<![A-Z0-9])[A-J])\Z")


def parts_of(faces: Sequence[FaceTables]) -> list[int]:
    """Find the parts of designs: HanaMinA and HanaMinB, TW-Kai and TW-Kai-Ext-B, a web font cut into files.

    Parts have one style, and family names that differ only in the name of the part. Where a part's name is ambiguous,
    the parts must also have few characters in common.

    Parameters
    ----------
    faces : all faces, with their Han characters.

    Returns
    -------
    A number for each face, equal for the parts of one design.
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
    """Return the name of each face's typeface family.

    Parts of a design, faces that share outlines and faces that draw the same belong to one family.

    Parameters
    ----------
    faces : all faces.
    parts : result of `parts_of`.
    left, same_as : result of `without_duplicates`.
    before : existing family name by index in `faces`; these faces, and those that join them, keep it.
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
        # A typeface family is named after the faces that draw it, not after copies of them.
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
    """Return the common start of the faces' family names, followed by their style unless that is Regular."""
    family, style = faces[0].family, faces[0].style
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*(face.family for face in faces), strict=False))
    common = "".join(letters[0] for letters in alike).rstrip(" -_")
    if len(common) >= LEAST_NAME:
        family = common
    return family if style in ("", "Regular") or family.endswith(style) else f"{family} {style}"
