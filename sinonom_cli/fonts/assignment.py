"""Decide which characters each face draws: those that it has and that no other face draws identically."""

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
    """Characters that one face draws, and the numbers of those that it does not draw.

    Attributes
    ----------
    face : font face, with its typeface family in `hand`.
    has : requested characters that its cmap names, in the order of the request.
    chars : those characters of `has` that the face draws.
    asked : number of requested characters.
    not_in_cmap : number of requested characters that its cmap does not name.
    same : number of characters of `has` that another face draws identically.
    same_as : key of that face (of the first, if there are several), or "".
    rank : place in the order of the faces; of faces that draw a character identically, the lowest rank draws it.
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
    """Decide what each face draws, so that no picture is drawn twice, and find the typeface family of each face.

    Of faces that draw identically, the one with most characters draws them; the others draw those that it lacks.

    Parameters
    ----------
    faces : all faces, in the order of the inputs.
    charset : requested characters; None: every Han character that a face has.
    keep_duplicates : whether duplicates are drawn too.
    before : typeface family and rank, by key, of the faces of a set to be extended; these faces keep their characters.
    """
    before = before or {}
    wanted = None if charset is None else np.array([ord(char) for char in charset], np.int32)
    han = [_kept(tables, _is_han(tables.codes)) for tables in faces]
    own = han if wanted is None else [_those(tables, wanted) for tables in faces]
    known = {k: before[tables.face.key] for k, tables in enumerate(faces) if tables.face.key in before}
    new = [k for k in range(len(faces)) if k not in known]
    # Symbolic links go last: ipamjm.ttf is a better name than fonts-japanese-mincho.ttf, which links to it.
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
    """Return a face with only the requested characters, in the order of the request."""
    place = np.searchsorted(tables.codes, wanted).clip(max=len(tables.codes) - 1)
    has = tables.codes[place] == wanted
    return replace(tables, codes=wanted[has], glyphs=tables.glyphs[place[has]])
