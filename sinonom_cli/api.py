"""The Python interface: what the commands do, for notebooks and programs.

    import sinonom_cli as sinonom

    index = sinonom.open_index("db.faiss")
    answer = index.search("crop.png", top=5)
    print(answer)

An image is a path, an array or a Pillow picture. An array is (H, W) uint8 grey, or (H, W, 3) or (H, W, 4) uint8 colour,
0 is dark. Answers are those of the commands, to the last bit. Errors are `SinonomError` and its subclasses, one for
each exit code of the commands. Messages, such as that pictures are not where the index says, go to stderr.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from sinonom_cli.characters import Reading, reading
from sinonom_cli.errors import BadInput, usage_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from sinonom_cli.networks.embedder import Embedder
    from sinonom_cli.search.results import Answer as Found
    from sinonom_cli.storage.inputs import Item

    Picture: TypeAlias = str | Path | NDArray[np.uint8] | Image
    Mesh: TypeAlias = str | Path | NDArray[np.floating] | tuple[NDArray[np.floating], NDArray[np.integer]]

__all__ = ["Answer", "Index", "Match", "Rendering", "embed", "name", "open_index", "render"]


@dataclass(frozen=True, kw_only=True)
class Match:
    """One row of an index that a picture is like.

    Attributes
    ----------
    rank : place among the answers, from 1.
    label, char : the character, as `U+5B57` and as itself; "" if it is not known.
    item : path of the picture below its set's `images/`; source : what it was made from, such as a mesh.
    distance : how far apart the two embeddings are, in the unit of the index's distance.
    probability : that the label, or the source, is the right one, in [0, 1]; None: the index is not calibrated.
    picture : where the picture of the row should be.
    """

    rank: int
    label: str
    char: str
    item: str
    source: str
    distance: float
    probability: float | None
    picture: Path

    @property
    def reading(self) -> Reading:
        """Vietnamese and Mandarin readings and the definition of the character; "" where Unihan has none."""
        return reading(self.char)

    def __str__(self) -> str:
        sure = "" if self.probability is None else f"  {self.probability:.0%}"
        return f"{self.rank}  {self.char or '-'}  {self.label or self.item}  {self.distance:.4g}{sure}  {self.source}"


@dataclass(frozen=True, kw_only=True)
class Answer(Sequence[Match]):
    """What an index answers to one picture: its matches, nearest first.

    Attributes
    ----------
    query : the picture's path, or `picture 1`, `picture 2`, ... where it was given as an array or a Pillow picture.
    matches : at most as many as were asked for; none if the picture failed or was rejected.
    known : whether the picture shows anything in the index; None: `reject` was not asked for.
    failure : why the picture could not be used; "" if it could.
    """

    query: str
    matches: tuple[Match, ...] = field(repr=False)
    known: bool | None = None
    failure: str = ""

    @overload
    def __getitem__(self, place: int) -> Match: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Match, ...]: ...
    def __getitem__(self, place: int | slice) -> Match | tuple[Match, ...]:
        return self.matches[place]

    def __len__(self) -> int:
        return len(self.matches)

    @property
    def _nothing(self) -> str:
        from sinonom_cli.search.results import NONE, NOTHING

        return self.failure or (NOTHING if self.known is False else NONE)

    def __str__(self) -> str:
        return "\n".join([self.query, *(map(str, self.matches) if self.matches else [self._nothing])])

    def _repr_html_(self) -> str:
        from sinonom_cli.reports.html_thumbnails import inline_picture

        cells = []
        for match in self.matches:
            sure = "" if match.probability is None else f" {match.probability:.0%}"
            called = html.escape(f"{match.char} {match.label or match.item}")
            about = f"{called}<br><small>{match.distance:.4g}{sure}</small>"
            cells.append(f'<td style="text-align:center">{inline_picture(match.picture, match.char)}<br>{about}</td>')
        row = "".join(cells) or f"<td>{html.escape(self._nothing)}</td>"
        return f"<table><caption>{html.escape(self.query)}</caption><tr>{row}</tr></table>"


class Index:
    """An opened index, with the model that it was made with. Several threads may search it at once.

    Attributes
    ----------
    path : of the index.
    distance : by which it is searched.
    """

    def __init__(self, path: Path | None, model: Path | None, distance: str | None, tta: bool) -> None:
        from sinonom_cli.search.opening import model_of, open_index
        from sinonom_cli.search.searcher import Searcher

        self._index = open_index(path)
        self._model = model_of(self._index, model)
        self._tta = tta
        self.path, self.distance = self._index.path, distance or self._index.distance
        characters = path is None or self._index.prototypes is not None
        self._searcher = Searcher(self._index, self.distance, characters, self._model)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"<index {self.path}, {len(self):,} rows>"

    @cached_property
    def _embedder(self) -> Embedder:
        from sinonom_cli.networks.embedder import Embedder

        return Embedder(self._model, 1)

    @overload
    def search(self, images: Picture, top: int = 5, *, rerank: int | None = None, reject: bool = False) -> Answer: ...
    @overload
    def search(
        self, images: list[Any] | tuple[Any, ...], top: int = 5, *, rerank: int | None = None, reject: bool = False
    ) -> list[Answer]: ...
    def search(
        self,
        images: Picture | list[Any] | tuple[Any, ...],
        top: int = 5,
        *,
        rerank: int | None = None,
        reject: bool = False,
    ) -> Answer | list[Answer]:
        """Find the rows that pictures are most like: what `sinonom query` does.

        Parameters
        ----------
        images : one picture, or a list of them.
        top : matches of each, 1 or more.
        rerank : how many of the nearest are ordered again by registration; None: 20 of an index of meshes, else 0.
        reject : answer nothing to pictures that show nothing in the index, which must be calibrated.

        Returns
        -------
        An `Answer` to one picture, a list of them to a list. Where one picture of a list cannot be used, its answer
        says why in `failure`.

        Raises
        ------
        BadInput
            If the only picture cannot be used, or `reject` is asked of an index that is not calibrated.
        UsageError
            If `top` or `rerank` is out of range, or something is no image.
        """
        from sinonom_cli.reports.query import DEPTH
        from sinonom_cli.search.answers import answers, batches_embedded
        from sinonom_cli.search.probability import judge_of
        from sinonom_cli.search.rerank import Reranker, count_of

        if top < 1 or (rerank is not None and rerank < 0):
            raise usage_error(f"top={top}, rerank={rerank}: they count answers", "top=5, rerank=20")
        judge = judge_of(self._index, self.distance, self._tta, reject)
        count = count_of(rerank, self._index)
        reranker = Reranker(self._index, count, self.distance) if count else None
        deep = max(top, count, DEPTH)
        with _as_items(images) as items:
            batches = batches_embedded(items, self._embedder, 0, self._tta, self._index.record["dimension"])
            found = [self._answer(*each, top) for each in answers(batches, self._searcher, {}, deep, judge, reranker)]
        if isinstance(images, list | tuple):
            return found
        if found[0].failure:
            raise BadInput(found[0].failure, "another picture; PNG, JPEG, TIFF, WebP and BMP can be read")
        return found[0]

    def _answer(self, item: Item, found: Found | str, top: int) -> Answer:
        if isinstance(found, str):
            return Answer(query=item.key, matches=(), failure=_told(item, found))
        rows = [] if found.rejected else found.rows[:top]
        matches = tuple(
            Match(
                rank=place + 1,
                label=row.label,
                char=row.char,
                item=row.item,
                source=row.source,
                distance=found.distances[place],
                probability=found.probabilities[place] if found.probabilities else None,
                picture=self._index.picture(row),
            )
            for place, row in enumerate(rows)
        )
        return Answer(query=item.key, matches=matches, known=found.known)


def open_index(
    path: str | Path | None = None,
    *,
    model: str | Path | None = None,
    distance: str | None = None,
    tta: bool = False,
) -> Index:
    """Open an index that `sinonom index` made, or, without a path, the index of characters that ships.

    Parameters
    ----------
    model : folder of the model that the index was made with; None: found from the index.
    distance : "euclidean", "cosine", "kl" or "cross-entropy"; None: the index's.
    tta : embed each picture as the mean over five slightly changed views of it.

    Raises
    ------
    BadInput
        If there is no such index, it is damaged, or its model is not there.
    UsageError
        If the distance has no such name.

    Examples
    --------
    >>> index = open_index()
    >>> len(index) > 30_000
    True
    """
    if distance not in (None, "euclidean", "cosine", "kl", "cross-entropy"):
        raise usage_error(f"distance={distance!r} is none", "euclidean, cosine, kl or cross-entropy")
    return Index(Path(path) if path is not None else None, Path(model) if model is not None else None, distance, tta)


@lru_cache(1)
def _characters() -> Index:
    return open_index()


@overload
def name(images: Picture, top: int = 5) -> Answer: ...
@overload
def name(images: list[Any] | tuple[Any, ...], top: int = 5) -> list[Answer]: ...
def name(images: Picture | list[Any] | tuple[Any, ...], top: int = 5) -> Answer | list[Answer]:
    """Name the characters that pictures show, with the index that ships: what `sinonom query` does without an index.

    Takes, returns and raises what `Index.search` does.

    Examples
    --------
    >>> from sinonom_cli.assets import GLYPHS
    >>> answer = name(next(GLYPHS.glob("hanamin/images/U+5B57/*.png")))
    >>> answer[0].char, answer[0].reading.vietnamese
    ('字', 'tự')
    """
    return _characters().search(images, top)


def embed(
    images: Picture | list[Any] | tuple[Any, ...], *, model: str | Path | None = None, tta: bool = False
) -> NDArray[np.float32]:
    """Embed pictures.

    Parameters
    ----------
    images : one picture, or a list of them.
    model : folder of a model; None: `model/` here if there is one, else the one that ships.
    tta : take the mean over five slightly changed views of each picture.

    Returns
    -------
    (N, D) float32, a row for each picture, N = 1 for one.

    Raises
    ------
    BadInput
        If a picture cannot be used, or the model cannot be read.

    Examples
    --------
    >>> from sinonom_cli.assets import GLYPHS
    >>> embed(sorted(GLYPHS.glob("wenkai/images/*/*.png"))[:3]).shape
    (3, 128)
    """
    import numpy as np

    from sinonom_cli.networks.embedder import Embedder
    from sinonom_cli.search.answers import batches_embedded
    from sinonom_cli.storage.model_folder import read_model

    embedder = Embedder(read_model(None if model is None else Path(model)), 1)
    parts = []
    with _as_items(images) as items:
        for vectors, failures, _ in batches_embedded(items, embedder, 0, tta, one_character=False):
            for item, reason in failures.items():
                raise BadInput(_told(item, reason), "leave it out")
            parts.append(vectors)
    return np.concatenate(parts) if parts else np.zeros((0, embedder.model.embedding_size), np.float32)


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """A depth image of a mesh or of a height map.

    Attributes
    ----------
    picture : (S, S) uint8, dark strokes on light ground.
    heights : (S, S) float32 below each pixel, in units of `width`; -inf where there is no surface.
    width : what the picture's side shows, in the unit of the mesh (of a height map: mm).
    tilt : degrees by which the mesh was levelled.
    turned : where its carved side looked, such as `-Z`; "" if it was left as it was.
    left_out, remarks : what was left out, and what is odd about the file or not certain.
    """

    picture: NDArray[np.uint8] = field(repr=False)
    heights: NDArray[np.float32] = field(repr=False)
    width: float
    tilt: float
    turned: str = ""
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def image(self) -> Image:
        """Return the picture as a Pillow image."""
        from PIL import Image

        return Image.fromarray(self.picture)

    def _repr_png_(self) -> bytes:
        import io

        buffer = io.BytesIO()
        self.image().save(buffer, "PNG")
        return buffer.getvalue()


def render(
    mesh: Mesh,
    *,
    size: int = 256,
    projection: str = "orthographic",
    level: str = "auto",
    tone: str = "local",
    mirror: bool = False,
    as_is: bool = False,
    pixel: float | None = None,
    deeper: str = "dark",
    step: float | None = None,
) -> Rendering:
    """Render one mesh, or one height map, to a depth image: what `sinonom render` does.

    Parameters
    ----------
    mesh : path of a mesh (STL, PLY, OBJ, OFF, glTF) or of a height map; or (F, 3, 3) triangles; or vertices (V, 3) and
        faces (F, 3). The carved side faces +Z, or is searched for.
    size : side of the picture in pixels, 16 to 4096.
    projection : "orthographic", or "perspective", which needs the extra `open3d`.
    level : "auto" to take tilt and bend out, or "off".
    tone : "local" or "report".
    mirror : swap left and right.
    as_is : draw the mesh as it is: nothing turned over, nothing left out.
    pixel, deeper, step : of height maps: mm from pixel to pixel, which grey is deeper ("dark" or "light"), mm of one
        step of grey.

    Raises
    ------
    BadInput
        If it cannot be read, or has no relief.
    UsageError
        If an option has no such value.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:40, 0:40] / 40
    >>> z = np.where(abs(x - 0.5) < 0.1, 0.1, 0.0)
    >>> vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    >>> corner = (np.arange(39)[:, None] * 40 + np.arange(39)).reshape(-1, 1)
    >>> faces = np.concatenate([corner + [0, 1, 40], corner + [1, 41, 40]])
    >>> picture = render((vertices, faces), size=64).picture
    >>> bool(picture[32, 32] < 100 < picture[32, 8])
    True
    """
    from sinonom_cli.meshes.height_maps import Scale
    from sinonom_cli.meshes.read import Notes
    from sinonom_cli.meshes.zbuffer import load_open3d
    from sinonom_cli.render.render import TONES, View
    from sinonom_cli.render.run import drawn, read_one
    from sinonom_cli.search.familiar import Familiar

    allowed = {"projection": ("orthographic", "perspective"), "level": ("auto", "off"), "tone": tuple(TONES)}
    for option, value in (("projection", projection), ("level", level), ("tone", tone)):
        if value not in allowed[option]:
            raise usage_error(f"{option}={value!r} is none", " or ".join(allowed[option]))
    if deeper not in ("dark", "light"):
        raise usage_error(f"deeper={deeper!r} is none", "dark or light")
    if not 16 <= size <= 4096:
        raise usage_error(f"size={size} is not from 16 to 4096", "size=256")
    if pixel is None and (deeper != "dark" or step is not None):
        raise usage_error("deeper and step mean nothing without pixel", "pixel=0.1, in mm")
    if pixel is not None and not 0 < pixel < float("inf"):
        raise usage_error(f"pixel={pixel} is no width", "pixel=0.1, in mm")
    if projection == "perspective":
        load_open3d("projection='perspective'")
    view = View(size=size, projection=projection, level=level, tone=tone, mirror=mirror, depth16=False, as_is=as_is)
    notes = Notes()
    if isinstance(mesh, str | Path):
        if not Path(mesh).is_file():
            raise BadInput(f"{mesh} does not exist", "check the path")
        triangles = read_one(Path(mesh), 0, None if pixel is None else Scale(pixel, deeper, step), notes)
    else:
        triangles = _triangles_of(mesh)
    done, _ = drawn(triangles, view, Familiar(), notes)
    return Rendering(
        picture=done.picture,
        heights=done.heights,
        width=float(done.width),
        tilt=float(done.tilt),
        turned=notes.turned,
        left_out=tuple(notes.left_out),
        remarks=tuple(notes.remarks),
    )


def _triangles_of(mesh: Any) -> NDArray[np.float32]:
    """Return (F, 3, 3) float32 triangles of arrays, moved to the origin where float32 would round them."""
    import numpy as np

    from sinonom_cli.meshes.stl import single_precision

    try:
        if isinstance(mesh, tuple):
            vertices, faces = (np.asarray(part) for part in mesh)
            if faces.dtype.kind not in "iu" or (faces.size and faces.min() < 0):
                raise BadInput("faces are no numbers of vertices, from 0 on", "(F, 3) integers")
            triangles = vertices.astype(np.float64)[faces]
        else:
            triangles = np.asarray(mesh, np.float64)
    except (ValueError, TypeError, IndexError) as error:
        raise BadInput(f"these arrays are no mesh: {error}", "(F, 3, 3), or (V, 3) and (F, 3)") from error
    if triangles.ndim != 3 or triangles.shape[1:] != (3, 3) or len(triangles) == 0:
        raise BadInput(f"an array of shape {triangles.shape} is no mesh", "(F, 3, 3), or (V, 3) and (F, 3)")
    if not np.isfinite(triangles).all() or abs(triangles).max() > 1e30:
        raise BadInput("some vertices are no finite numbers", "leave their faces out")
    return single_precision(triangles)


def _told(item: Item, reason: str) -> str:
    """Return why a picture could not be used, with what its user calls it in place of a file's name."""
    return reason.replace(str(item.path), item.key)


@contextmanager
def _as_items(images: Any) -> Iterator[list[Item]]:
    """Give the pictures as items that lie in files; those in memory are written to a folder that is removed after."""
    from sinonom_cli.storage.inputs import Item

    given = list(images) if isinstance(images, list | tuple) else [images]
    with TemporaryDirectory(prefix="sinonom-") as folder:
        items = []
        for place, image in enumerate(given):
            if isinstance(image, str | Path):
                items.append(Item(f"{image}", Path(image)))
            else:
                items.append(Item(f"picture {place + 1}", _written(image, Path(folder) / f"{place}", place + 1)))
        yield items


def _written(image: Any, path: Path, number: int) -> Path:
    """Write a picture in memory to a file that holds every pixel of it; return the file."""
    import numpy as np
    from PIL import Image

    if not isinstance(image, Image.Image):
        array = np.asarray(image)
        colour = array.ndim == 3 and array.shape[2] in (3, 4)
        if array.dtype != np.uint8 or not (array.ndim == 2 or colour) or 0 in array.shape:
            raise usage_error(
                f"picture {number}: an array of shape {array.shape} and type {array.dtype} is no image",
                "(H, W), (H, W, 3) or (H, W, 4) of uint8",
            )
        image = Image.fromarray(np.ascontiguousarray(array))
    lossless = image.mode in ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")
    path = path.with_suffix(".png" if lossless else ".tif")
    try:
        image.save(path)
    except Exception as error:
        raise BadInput(f"picture {number}: {error}", "a Pillow picture that can be saved") from error
    return path
