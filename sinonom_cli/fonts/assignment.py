"""What each face contributes to a set: the characters that it has and that no other face draws just like it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.fonts.charset import HAN
from sinonom_cli.fonts.duplicates import without_duplicates
from sinonom_cli.fonts.face import Face, FaceTables
from sinonom_cli.fonts.families import hands_of, parts_of


@dataclass(frozen=True)
class Share:
    """What one face contributes.

    Attributes
    ----------
    face : with its hand.
    has : the characters asked for that its cmap names, in the order asked.
    chars : those of them that it is to draw.
    asked : how many characters were asked for.
    not_in_cmap : how many of them it does not have.
    same : how many it has, but another face draws the same.
    same_as : the key of that face (of the first, if there are several), or "".
    rank : whose turn it is to draw what several draw alike: the smaller goes first.
    """

    face: Face
    has: str
    chars: str
    asked: int
    not_in_cmap: int
    same: int
    same_as: str
    rank: int


def shares_of(
    faces: Sequence[FaceTables],
    charset: Sequence[str] | None,
    *,
    keep_duplicates: bool = False,
    before: Mapping[str, tuple[str, int]] | None = None,
) -> list[Share]:
    """Decide what each face draws, so that no picture is drawn twice, and which faces are one hand.

    Of faces that draw the same, the one with most of the characters does it; others draw what it does not have.

    Parameters
    ----------
    faces : all faces, in the order of the inputs.
    charset : the characters asked for; None: every Han character that a face has.
    keep_duplicates : draw duplicates too.
    before : hand and rank by key of the faces of a set that is to be extended: they go on drawing what they drew.
    """
    before = before or {}
    wanted = None if charset is None else np.array([ord(char) for char in charset], np.int32)
    han = [_kept(tables, _is_han(tables.codes)) for tables in faces]
    own = han if wanted is None else [_those(tables, wanted) for tables in faces]
    known = {k: before[tables.face.key] for k, tables in enumerate(faces) if tables.face.key in before}
    new = [k for k in range(len(faces)) if k not in known]
    # Links go last: ipamjm.ttf is a better name than fonts-japanese-mincho.ttf, which leads to it.
    new.sort(key=lambda k: (faces[k].face.path.is_symlink(), -len(own[k].codes), k))
    order = [*sorted(known, key=lambda k: known[k][1]), *new]
    rank = {k: place for place, k in enumerate(order)}
    parts = parts_of(han)
    left, same_as = without_duplicates(han, own, parts, order)
    hands = hands_of(faces, parts, left, same_as, {k: hand for k, (hand, _) in known.items()})
    shares = []
    for k, tables in enumerate(own):
        count = len(tables.codes)
        asked = count if charset is None else len(charset)
        drawn = tables.codes if keep_duplicates else tables.codes[left[k]]
        shares.append(
            Share(
                replace(tables.face, hand=hands[k]),
                "".join(map(chr, tables.codes.tolist())),
                "".join(map(chr, drawn.tolist())),
                asked,
                asked - count,
                count - int(left[k].sum()),
                faces[same_as[k]].face.key if k in same_as else "",
                rank[k],
            )
        )
    return shares


def _is_han(codes: NDArray[np.int32]) -> NDArray[np.bool_]:
    found = np.zeros(len(codes), bool)
    for low, high in HAN:
        found |= (codes >= low) & (codes <= high)
    return found


def _kept(tables: FaceTables, kept: NDArray[np.bool_]) -> FaceTables:
    return replace(tables, codes=tables.codes[kept], glyphs=tables.glyphs[kept])


def _those(tables: FaceTables, wanted: NDArray[np.int32]) -> FaceTables:
    """A face with the characters wanted alone, in their order."""
    place = np.searchsorted(tables.codes, wanted).clip(max=len(tables.codes) - 1)
    has = tables.codes[place] == wanted
    return replace(tables, codes=wanted[has], glyphs=tables.glyphs[place[has]])
