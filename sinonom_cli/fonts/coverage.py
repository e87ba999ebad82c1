"""Find out which characters faces really draw: each requested one is drawn once, at a small size, and checked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sinonom_cli import messages
from sinonom_cli.characters import label_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.fonts.draw import pen_for
from sinonom_cli.fonts.face import Face, FaceTables
from sinonom_cli.fonts.faces import read_faces
from sinonom_cli.parallel.batch import Item, TableRow
from sinonom_cli.parallel.processes import work_through

LOOK_SIDE = 16
"""Side, in pixels, of the pictures in which glyphs are checked for ink."""


@dataclass(frozen=True)
class Coverage:
    """Characters that a face draws, of those for which it was checked.

    Attributes
    ----------
    drawn : characters that it draws.
    blank : number of characters that its cmap names but whose glyphs are blank.
    notdef : number of characters that are drawn with the glyph for missing characters.
    failure : reason why the face could not be checked; "" if it could be checked.
    """

    drawn: str
    blank: int
    notdef: int
    failure: str = ""


@dataclass(frozen=True)
class Look:
    """Callable that checks the glyphs of one face; it can be pickled for workers."""

    def __call__(self, item: Item) -> list[TableRow]:
        """Return one row: the characters drawn, and the numbers of those that are blank and .notdef."""
        face, chars = item.data
        pen = pen_for(face, LOOK_SIDE)
        why = {char: pen.why_not(char) for char in chars}
        found = list(why.values())
        drawn = "".join(char for char, reason in why.items() if not reason)
        return [{"drawn": drawn, "blank": str(found.count("blank")), "notdef": str(found.count("notdef"))}]


def coverage_of(faces: Sequence[tuple[Face, str]], workers: int | None) -> list[Coverage]:
    """Check which characters faces draw.

    Parameters
    ----------
    faces : faces, each with the characters to check.
    workers : number of processes; 0: this one alone; None: as many as save time.

    Returns
    -------
    The coverage of each face, in the order of `faces`.
    """
    items = [Item(face.key, face.path, (face, chars)) for face, chars in faces]
    found: dict[str, Coverage] = {}
    with messages.progress(len(items), "faces looked at") as progress:
        for outcome in work_through(items, Look(), workers):
            if outcome.rows is None:
                found[outcome.item.key] = Coverage("", 0, 0, outcome.failure)
            else:
                row = outcome.rows[0]
                found[outcome.item.key] = Coverage(row["drawn"], int(row["blank"]), int(row["notdef"]))
            progress.advance()
    return [found[face.key] for face, _ in faces]


def read_all(fonts: Sequence[Item]) -> tuple[list[FaceTables], list[tuple[Item, str]]]:
    """Read the faces of font files.

    Returns
    -------
    The faces in the order of the files, and the files that cannot be read with the reasons.
    """
    faces: list[FaceTables] = []
    bad: list[tuple[Item, str]] = []
    with messages.progress(len(fonts), "fonts read") as progress:
        for font in fonts:
            try:
                found = read_faces(font)
                _say_oddities(found)
                faces += found
            except SinonomError as error:
                messages.detail(str(error))
                bad.append((font, str(error)))
            progress.advance()
    return faces, bad


def _say_oddities(faces: Sequence[FaceTables]) -> None:
    """Print which faces have placeholders in place of characters, and which are variable."""
    for face in (tables.face for tables in faces):
        if face.placeholders or face.boxed:
            first = label_of(face.placeholders[0] if face.placeholders else chr(face.boxed[0][0]))
            messages.warn(f"{face.key}: some of its glyphs are placeholders, which are not drawn; {first} is the first")
        if face.variable:
            messages.say(f"{face.key} is variable: its default instance is drawn")
