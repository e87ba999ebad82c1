"""Python interface, which does what the commands do, for notebooks and programs.

    import sinonom_cli as sinonom

    index = sinonom.open_index("db.faiss")
    answer = index.search("crop.png", top=5)
    print(answer)

An image is a path, an array or a Pillow picture. An array is (H, W) uint8 grey, or (H, W, 3) or (H, W, 4) uint8 colour,
where 0 is dark. Answers equal those of the commands, to the last bit. Errors are `SinonomError` and its subclasses, one
for each exit code of the commands. Messages, such as a warning that the pictures of an index are missing, go to the
logger `sinonom_cli` of `logging`; progress goes to a callback.
"""

from sinonom_cli.api.cutting import Block, CarvedCharacter, cut
from sinonom_cli.api.reading import Page, read
from sinonom_cli.api.rendering import Rendering, render
from sinonom_cli.api.results import Answer, Match
from sinonom_cli.api.searching import Index, embed, name, open_index

__all__ = [
    "Answer",
    "Block",
    "CarvedCharacter",
    "Index",
    "Match",
    "Page",
    "Rendering",
    "cut",
    "embed",
    "name",
    "open_index",
    "read",
    "render",
]
