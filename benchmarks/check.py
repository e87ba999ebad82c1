"""Claim: labels that `crop-nomnaocr --check` doubts are wrong, and it misses few wrong labels.

Both measurements use the same sample of column patches every time:
- Planted errors: in each transcript of at least four characters, one character is removed and another inserted
  elsewhere. The number of characters stays right, and the characters between the two places move by one. The table
  gives the share of wrong and of right characters that are doubtful, without `--check` and with it, and the same for
  unchanged transcripts.
- A second network: PP-OCRv6 (extra `teacher`), which has not learnt from these prints, reads the crops of unchanged
  transcripts. The table says how often it reads the label, and how often the character that `--check` sees, for crops
  that `--check` doubts and for crops that are not doubtful.

Usage: python benchmarks/check.py PATCHES [--transcripts FILE] [--exclude FILE] [--sample 400]
"""

import argparse
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from sinonom_cli.crops.crop_column import CropColumn, Piece
from sinonom_cli.crops.transcripts import ILLEGIBLE, find_patches, read_exclusions, read_list, without
from sinonom_cli.errors import SinonomError
from sinonom_cli.networks import teachers
from sinonom_cli.networks.embedder import session_of
from sinonom_cli.networks.preprocess import prepare_all
from sinonom_cli.storage.inputs import Item

DOUBTFUL, LEAST, SIDE = 0.5, 4, 64


def main() -> None:
    """Measure both shares and print them as tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patches", type=Path)
    parser.add_argument("--transcripts", type=Path)
    parser.add_argument("--exclude", type=Path)
    parser.add_argument("--sample", type=int, default=400)
    given = parser.parse_args()
    items = [item for item in read_list(*find_patches(given.patches, given.transcripts)) if not item.data.fault]
    if given.exclude:
        items = without(items, read_exclusions(given.exclude))
    rng = random.Random(0)
    sample = rng.sample([item for item in items if len(item.data.transcript) >= LEAST], given.sample)
    works = {"ink alone": CropColumn(Path(), SIDE, None, DOUBTFUL, False)}
    works["--check"] = replace(works["ink alone"], check=True)
    chars = [char for item in items for char in item.data.transcript if char not in ILLEGIBLE]
    print("| transcripts | characters | doubtful by ink alone | with --check |\n|---|---|---|---|")
    pieces: list[Piece] = []
    planted = [_planted(item, rng, rng.choice(chars)) for item in sample]
    for title, changed in (("as they are", [(item, set()) for item in sample]), ("one out, another in", planted)):
        counts: dict[tuple[bool, str], Counter[bool]] = {}
        for item, wrong in changed:
            for name, work in works.items():
                try:
                    cut = work.cut(item).pieces
                except SinonomError:
                    continue
                for place, piece in enumerate(cut):
                    if piece.crop is not None and piece.char not in ILLEGIBLE:
                        counts.setdefault((place in wrong, name), Counter())[piece.confidence < DOUBTFUL] += 1
                if not wrong and work.check:
                    pieces += cut
        for is_wrong in sorted({wrong for wrong, _ in counts}):
            found = [counts[is_wrong, name] for name in works]
            which = title + ("" if changed[0][1] == set() else ": the wrong" if is_wrong else ": the right")
            shares = " | ".join(f"{100 * count[True] / count.total():.1f} %" for count in found)
            print(f"| {which} | {found[0].total():,} | {shares} |")
    print()
    _ask_another([piece for piece in pieces if piece.crop is not None and piece.char not in ILLEGIBLE])


def _planted(item: Item, rng: random.Random, char: str) -> tuple[Item, set[int]]:
    """Remove a character from a transcript and insert another; return the item and the places that are then wrong."""
    text = item.data.transcript
    out, into = rng.sample(range(len(text)), 2)
    rest = text[:out] + text[out + 1 :]
    changed = rest[:into] + char + rest[into:]
    wrong = {place for place in range(len(text)) if changed[place] != text[place]}
    return replace(item, data=replace(item.data, transcript=changed)), wrong


def _ask_another(pieces: list[Piece]) -> None:
    teacher = teachers.find_teacher(teachers.PP_OCR)
    session = session_of(str(teacher.path), 0)
    known = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    place = {char: number for number, char in enumerate(known)}
    groups = {
        "doubted as another character": [p for p in pieces if p.looks_like and p.confidence < DOUBTFUL],
        "not doubtful": [replace(p, looks_like="") for p in pieces if p.confidence >= DOUBTFUL],
    }
    print("| crops, of characters that PP-OCR knows | | it reads the label | it reads what --check does | neither |")
    print("|---|---|---|---|---|")
    for title, group in groups.items():
        asked = [p for p in group if p.char in place and (not p.looks_like or p.looks_like in place)]
        read: Counter[str] = Counter()
        for piece, best in zip(asked, _read(teacher, asked), strict=True):
            char = known[best] if best < len(known) else ""
            read["label" if char == piece.char else "other" if char == piece.looks_like else "neither"] += 1
        shares = [f"{100 * read[way] / max(1, len(asked)):.1f} %" for way in ("label", "other", "neither")]
        print(f"| {title} | {len(asked):,} | {' | '.join(shares)} |")


def _read(teacher: teachers.Teacher, pieces: list[Piece]) -> list[int]:
    """Return the class that PP-OCR gives each crop."""
    best: list[int] = []
    for start in range(0, len(pieces), 256):
        crops = [piece.crop.picture for piece in pieces[start : start + 256] if piece.crop]
        ink = np.rint(prepare_all(crops, SIDE) * 255).astype(np.uint8)
        answers = teacher(ink)
        strongest = answers["value"].argmax(axis=1)[:, None]
        best += np.take_along_axis(answers["column"], strongest, axis=1)[:, 0].tolist()
    return best


if __name__ == "__main__":
    main()
