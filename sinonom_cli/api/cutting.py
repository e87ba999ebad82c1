"""Cut a scan of a whole block into its characters from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.api.pictures import paths_of
from sinonom_cli.errors import BadInput, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from sinonom_cli.blocks.cut_block import CutBlock
    from sinonom_cli.blocks.prints import Print
    from sinonom_cli.layout.given_corrections import Given
    from sinonom_cli.layout.parts import Part
    from sinonom_cli.messages import Report
    from sinonom_cli.search.naming import Name

UNNAMED = "□"
"""Sign for a character without a name in the text of a block."""


@dataclass(frozen=True, kw_only=True)
class CarvedCharacter:
    """A character of a block.

    Attributes
    ----------
    column, place : number of the column on the block and of the character in the column, both from 1.
    part : "text", "note-right", "note-left", "heading" or "centre", see `layout.order.Placed`.
    char, label : its name, such as "字" and "U+5B57"; "" where no name is probable.
    named_by : "model", "transcript", "print" or "correction"; "" without a name.
    probability : that the model gives to `char`, or to its own first name where `char` is "", in [0, 1].
    names : the model's names, judged by the characters around it too, the most probable first.
    sight : its names by its looks alone.
    score : the detector's probability that it is a character, in [0, 1].
    outline : (K, 2) float64, x and y in the scan's units; for a height map, in mm.
    mesh : (F, 3, 3) float32, the faces of the scan inside the outline, upright and not mirrored, carved side up.
    doubts : why it is doubtful; empty: it is not.
    """

    column: int
    place: int
    part: Part
    char: str
    label: str
    named_by: str
    probability: float
    names: tuple[Name, ...]
    sight: tuple[Name, ...]
    score: float
    outline: NDArray[np.float64] = field(repr=False)
    mesh: NDArray[np.float32] = field(repr=False)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block that was cut.

    Attributes
    ----------
    characters : in reading order.
    mirrored, turned : how the scan lies: whether it is a mirror image, as blocks that print are, and by how many
        degrees it must be turned clockwise, after mirroring, to stand upright.
    doubts : what is doubtful about the whole block or about characters without outline.
    figures : numbers about transcript and prints, such as "transcript_agreement".
    """

    characters: tuple[CarvedCharacter, ...]
    mirrored: bool
    turned: int
    doubts: tuple[str, ...] = ()
    figures: dict[str, float | int | str] = field(default_factory=dict)
    _cut: CutBlock = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """Return what the block reads: a column a line, from right to left."""
        columns = groupby(self.characters, key=lambda character: character.column)
        return "\n".join("".join(one.char or UNNAMED for one in column) for _, column in columns)

    def __str__(self) -> str:
        return self.text

    def image(self) -> Image:
        """Return the block as a Pillow image, as a print of it would look, with outlines, numbers and names."""
        from PIL import Image

        from sinonom_cli.blocks.cut_block import picture_of

        return Image.fromarray(picture_of(self._cut.learnt))

    def _repr_png_(self) -> bytes:
        import io

        buffer = io.BytesIO()
        self.image().save(buffer, "PNG")
        return buffer.getvalue()


def cut(
    scan: str | Path,
    *,
    transcript: str = "",
    prints: str | Path | Sequence[str | Path] = (),
    print_boxes: str | Path | None = None,
    mirrored: bool | None = None,
    turned: int | None = None,
    char_height: float | None = None,
    context: bool = True,
    pixel: float | None = None,
    deeper: str = "dark",
    step: float | None = None,
    number: int = 1,
    corrections: str | Path | Sequence[str | Path] = (),
    progress: Report | None = None,
) -> Block:
    """Cut the scan of a whole block into its characters, as `sinonom cut` does.

    Parameters
    ----------
    scan : path of a mesh (STL, PLY, OBJ, OFF, glTF) or of a height map.
    transcript : what the block says, columns as lines from right to left: its characters are named by it.
    prints : pictures of prints that the block made; names and outlines of characters are carried over from them.
    print_boxes : boxes and names of the prints' characters, as `sinonom crop-nomnaocr --boxes` takes them; None: found.
    mirrored, turned : how the scan lies, see `Block`; None: found.
    char_height : height of an ordinary character, in the scan's units; None: found.
    context : judge names by look-alikes on the block and by neighbours too.
    pixel, deeper, step : for height maps only: side of a pixel in mm, the grey that is deeper ("dark" or "light"), and
        height of one grey step in mm.
    number : number of the map in a file of several, from 1.
    corrections : files of corrections that people made in `sinonom serve`, or their folders.
    progress : is called with the number of finished stages, that of all, and "stages".

    Returns
    -------
    The block: `text`, `characters`, each with name, outline, mesh and doubts; `image()`.

    Raises
    ------
    BadInput
        If the scan cannot be read or shows no block, or the corrections are of other blocks.
    UsageError
        If an option has an invalid value.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> import sinonom_cli as sinonom
    >>> from sinonom_cli.assets import GLYPHS
    >>> files = sorted((GLYPHS / "yuji" / "images").glob("*/*.png"))[20:40]
    >>> cells = [np.pad(np.asarray(Image.open(file).convert("L")), 6, constant_values=255) for file in files]
    >>> page = np.pad(np.hstack([np.vstack(cells[k : k + 5]) for k in (15, 10, 5, 0)]), 30, constant_values=255)
    >>> page[8:12, 8:-8] = page[-12:-8, 8:-8] = page[8:-8, 8:12] = page[8:-8, -12:-8] = 0
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pages, scans = Path(folder) / "pages", Path(folder) / "scans"
    ...     pages.mkdir()
    ...     Image.fromarray(page).save(pages / "page.png")
    ...     path = sinonom.command("carve", pages, scans, page=True, mirror=True, tilt="3", cracks="0", quiet=True)
    ...     scan = next(scans.glob("meshes/*.stl"))
    ...     block = sinonom.cut(scan, transcript="其内十南及\\n史各名吏命\\n喃四國城士\\n大天太如子")
    >>> print(block)
    其内十南及
    史各名吏命
    喃四國城士
    大天太如子
    >>> block.mirrored, block.characters[0].named_by, block.characters[0].mesh.shape[1:]
    (True, 'transcript', (3, 3))
    """
    from sinonom_cli import messages
    from sinonom_cli.blocks.cut_block import STAGES, cut_block
    from sinonom_cli.blocks.learn import Knowledge
    from sinonom_cli.blocks.read_surface import Given
    from sinonom_cli.blocks.transcripts import columns_of
    from sinonom_cli.meshes.height_maps import Scale
    from sinonom_cli.pages.places import names_in_context
    from sinonom_cli.pages.prints import read_print

    path = Path(scan)
    if not path.is_file():
        raise BadInput(f"{scan} does not exist", "check the path")
    _check(turned, char_height, pixel, deeper, step)
    known = Knowledge(text=columns_of(transcript), prints=_prints(prints, print_boxes, path.stem))
    with messages.reporting(progress), messages.progress(len(STAGES), "stages") as bar:
        done = cut_block(
            path,
            name=path.stem,
            number=number - 1,
            known=known,
            scale=None if pixel is None else Scale(pixel, deeper, step),
            given=Given(mirrored=mirrored, turned=turned, size=char_height),
            read_print=read_print,
            corrections=_corrections(corrections, path, number),
            judge=names_in_context if context else None,
            done=lambda stage: bar.advance(),
        )
    return _block(done)


def _check(turned: int | None, char_height: float | None, pixel: float | None, deeper: str, step: float | None) -> None:
    if turned not in (None, 0, 90, 180, 270):
        raise UsageError(f"turned={turned} is not a quarter", "give 0, 90, 180 or 270")
    if char_height is not None and not 0 < char_height < float("inf"):
        raise UsageError(f"char_height={char_height} is not a height", "give a positive number, or leave it out")
    if deeper not in ("dark", "light"):
        raise UsageError(f"deeper={deeper!r} is not a valid value", "dark or light")
    if pixel is None and (deeper != "dark" or step is not None):
        raise UsageError("deeper and step have no effect without pixel", "give pixel, in mm, such as pixel=0.1")
    if pixel is not None and not 0 < pixel < float("inf"):
        raise UsageError(f"pixel={pixel} is not a width", "give a positive width in mm, such as pixel=0.1")


def _corrections(corrections: str | Path | Sequence[str | Path], scan: Path, number: int) -> Given | None:
    """Return the corrections of a block under the name that `sinonom cut` gives it; None without any."""
    from sinonom_cli.layout.given_corrections import given_corrections
    from sinonom_cli.storage.inputs import Item

    if not corrections:
        return None
    names = (f"{scan.stem}/{number}", scan.stem)  # the first in a file of several maps
    given = given_corrections(paths_of(corrections), [Item(name, scan, (name,)) for name in names], "blocks")
    return next((given[name] for name in names if name in given.pages), None)


def _prints(prints: str | Path | Sequence[str | Path], boxes: str | Path | None, block: str) -> tuple[Print, ...]:
    """Return the prints of a block, given as paths of pictures or folders."""
    from sinonom_cli.pages.prints import find_prints

    paths = paths_of(prints)
    if boxes is not None and not paths:
        raise UsageError("print_boxes has no effect without prints", "give prints")
    found = [find_prints(path, None if boxes is None else Path(boxes), [block])[block] for path in paths]
    return tuple(one for several in found for one in several)


def _block(done: CutBlock) -> Block:
    from sinonom_cli.blocks.cut_block import in_scan

    learnt = done.learnt
    doubts: dict[int | None, list[str]] = {}
    for doubt in learnt.doubts:
        about = f"{doubt.reason}: {doubt.known}" if doubt.known else doubt.reason
        doubts.setdefault(doubt.number, []).append(about)
    pieces, read = learnt.pieces, learnt.read
    return Block(
        characters=tuple(
            CarvedCharacter(
                column=character.placed.column,
                place=character.placed.place,
                part=character.placed.part,
                char=called.char,
                label=called.label,
                named_by=called.named_by,
                probability=called.probability,
                names=tuple(learnt.names[number]),
                sight=tuple(pieces.names[number]),
                score=character.score,
                outline=in_scan(pieces.polygons[number], done.seen.surface),
                mesh=pieces.meshes[number],
                doubts=tuple(doubts.get(number, ())),
            )
            for number, (character, called) in enumerate(zip(read.characters, learnt.called, strict=True))
            if len(pieces.meshes[number])
        ),
        mirrored=read.way.mirrored,
        turned=read.way.turned,
        doubts=tuple(doubts.get(None, ())),
        figures=learnt.figures,
        _cut=done,
    )
