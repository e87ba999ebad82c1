"""What faces really draw: every character asked for is drawn once, small, and looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from sinonom_cli import console
from sinonom_cli.characters import label_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.fonts.draw import pen_for
from sinonom_cli.fonts.face import Face, FaceTables
from sinonom_cli.fonts.faces import read_faces
from sinonom_cli.parallel.batch import Item, TableRow
from sinonom_cli.parallel.processes import work_through

LOOK_SIDE = 16
"""For pictures of so many pixels glyphs are drawn to see whether there is ink."""


@dataclass(frozen=True)
class Coverage:
    """What a face draws of some characters.

    Attributes
    ----------
    drawn : the characters that it draws.
    blank : how many its cmap names and its glyphs leave blank.
    notdef : how many are drawn as what the face draws for characters that it does not have.
    failure : why it could not be looked at; "" if it could.
    """

    drawn: str
    blank: int
    notdef: int
    failure: str = ""


@dataclass(frozen=True)
class Look:
    """Looks at the glyphs of one face. Pickles for the workers."""

    def __call__(self, item: Item) -> list[TableRow]:
        """Return one row: the characters drawn, and how many are blank and .notdef."""
        face, chars = item.data
        pen = pen_for(face, LOOK_SIDE)
        why = {char: pen.why_not(char) for char in chars}
        found = list(why.values())
        drawn = "".join(char for char, reason in why.items() if not reason)
        return [{"drawn": drawn, "blank": str(found.count("blank")), "notdef": str(found.count("notdef"))}]


def coverage_of(faces: Sequence[tuple[Face, str]], workers: int | None) -> list[Coverage]:
    """Look at the glyphs of faces.

    Parameters
    ----------
    faces : faces, each with the characters to look at.
    workers : processes; 0: this one; None: as many as are worth it.

    Returns
    -------
    coverage by face, in the order of `faces`.
    """
    items = [Item(face.key, face.path, (face, chars)) for face, chars in faces]
    found: dict[str, Coverage] = {}
    with console.progress(len(items), "faces looked at") as progress:
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
    the faces in the order of the files, and the files that cannot be read with the reasons.
    """
    faces: list[FaceTables] = []
    bad: list[tuple[Item, str]] = []
    with console.progress(len(fonts), "fonts read") as progress:
        for font in fonts:
            try:
                found = read_faces(font)
                _say_oddities(found)
                faces += found
            except SinonomError as error:
                console.detail(str(error))
                bad.append((font, str(error)))
            progress.advance()
    return faces, bad


def _say_oddities(faces: Sequence[FaceTables]) -> None:
    """Say which faces have placeholders in place of characters, and which are variable."""
    for face in (tables.face for tables in faces):
        if face.placeholders or face.boxed:
            first = label_of(face.placeholders[0] if face.placeholders else chr(face.boxed[0][0]))
            console.warn(
                f"{face.key}: some of its glyphs are placeholders for many characters, not drawn; from {first} on"
            )
        if face.variable:
            console.say(f"{face.key} is variable: its default instance is drawn")
