"""Search an index, name characters and embed pictures from Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from sinonom_cli.api.pictures import as_items, named_as_given
from sinonom_cli.api.results import Answer, Match
from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.messages import Report, reporting
from sinonom_cli.messages import progress as counting
from sinonom_cli.storage.record_fields import DISTANCES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sinonom_cli.api.items import Items
    from sinonom_cli.api.pictures import Picture
    from sinonom_cli.networks.embedder import Embedder
    from sinonom_cli.search.finder import Finder
    from sinonom_cli.search.rerank import RowViews
    from sinonom_cli.search.results import Answer as Found
    from sinonom_cli.storage.inputs import Item


class Index:
    """Opened index, with the model that embedded its pictures. Several threads may search it at the same time.

    Attributes
    ----------
    path : path of the index.
    distance : name of the distance that the search uses.
    """

    def __init__(self, path: Path | None, model: Path | None, distance: str | None, tta: bool) -> None:
        from sinonom_cli.search.opening import model_of, open_index
        from sinonom_cli.search.searcher import Searcher
        from sinonom_cli.search.stale import Stale

        self._index = open_index(path)
        self._model = model_of(self._index, model)
        self._tta = tta
        self.path, self.distance = self._index.path, distance or self._index.distance
        characters = path is None or self._index.prototypes is not None
        self._characters = characters
        self._searcher = Searcher(self._index, self.distance, characters, self._model)
        self._finders: dict[bool, Finder] = {}
        self._stale = None if characters else Stale(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"<index {self.path}, {len(self):,} rows>"

    def items(self, meshes: Sequence[str | Path] = ()) -> Items:
        """Return the rows of the index, to look through them.

        Parameters
        ----------
        meshes : folders that hold the meshes of its rows, if they are not beside its image sets.
        """
        from sinonom_cli.api.items import Items

        return Items(self._index, map(Path, meshes))

    @cached_property
    def _embedder(self) -> Embedder:
        from sinonom_cli.networks.embedder import Embedder

        return Embedder(self._model, 1)

    @cached_property
    def _row_views(self) -> RowViews:
        from sinonom_cli.search.rerank import RowViews

        return RowViews(self._index)

    def _finder(self, names: bool) -> Finder:
        from sinonom_cli.search.finder import Finder

        if names not in self._finders:
            self._finders[names] = Finder(self._searcher, names)
        return self._finders[names]

    @overload
    def search(
        self,
        images: Picture,
        top: int = 5,
        *,
        rerank: int | None = None,
        names: bool = True,
        reject: bool = False,
        progress: Report | None = None,
    ) -> Answer: ...
    @overload
    def search(
        self,
        images: list[Any] | tuple[Any, ...],
        top: int = 5,
        *,
        rerank: int | None = None,
        names: bool = True,
        reject: bool = False,
        progress: Report | None = None,
    ) -> list[Answer]: ...
    def search(
        self,
        images: Picture | list[Any] | tuple[Any, ...],
        top: int = 5,
        *,
        rerank: int | None = None,
        names: bool = True,
        reject: bool = False,
        progress: Report | None = None,
    ) -> Answer | list[Answer]:
        """Find the rows that are nearest to pictures, as `sinonom query` does.

        Parameters
        ----------
        images : one picture, or a list of them.
        top : number of matches for each picture, 1 or more.
        rerank : number of first rows that registration orders again; None: 20 for an index of meshes, else 0.
        names : order rows also by the characters that they and the picture probably show, where the model that ships
            made the index; otherwise by their distances alone.
        reject : give no matches for pictures that show nothing in the index, which must be calibrated.
        progress : called as `progress(done, total, what)` after each picture; None: no progress is reported.

        Returns
        -------
        An `Answer` for one picture, a list of them for a list. If a picture of a list cannot be used, its answer says
        why in `failure`.

        Raises
        ------
        BadInput
            If the only picture cannot be used, or `reject` is True for an index that is not calibrated.
        UsageError
            If `top` or `rerank` is out of range, or an argument is not an image.
        """
        from sinonom_cli.reports.query import DEPTH
        from sinonom_cli.search.answers import answers, batches_embedded
        from sinonom_cli.search.probability import judge_of
        from sinonom_cli.search.rerank import Reranker, count_of

        if top < 1 or (rerank is not None and rerank < 0):
            raise UsageError(f"top={top}, rerank={rerank}: top must be 1 or more, rerank 0 or more", "top=5, rerank=20")
        finder = self._finder(names)
        judge = judge_of(self._index, finder.way(self._tta), reject)
        count = count_of(rerank, self._index)
        reranker = Reranker(self._index, count, self._row_views) if count else None
        deep = max(top, count, DEPTH)
        found = []
        with as_items(images) as items, reporting(progress), counting(len(items), "pictures") as counted:
            batches = batches_embedded(items, self._embedder, 0, self._tta, self._index.record.dimension)
            for each in answers(batches, finder, {}, deep, judge, reranker):
                found.append(self._answer(*each, top))
                counted.advance()
        if isinstance(images, list | tuple):
            return found
        if found[0].failure:
            raise BadInput(found[0].failure, "use another picture; PNG, JPEG, TIFF, WebP and BMP can be read")
        return found[0]

    def _answer(self, item: Item, found: Found | str, top: int) -> Answer:
        if isinstance(found, str):
            return Answer(query=item.key, matches=(), failure=named_as_given(item, found))
        from sinonom_cli.reports.text import record_of

        found = self._stale.look_at(found, top) if self._stale else found
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
                number=found.numbers[place],
            )
            for place, row in enumerate(rows)
        )
        record = record_of(found, top, self._characters) | {"query": item.key}
        return Answer(query=item.key, matches=matches, known=found.known, record=record)


def open_index(
    path: str | Path | None = None,
    *,
    model: str | Path | None = None,
    distance: str | None = None,
    tta: bool = False,
) -> Index:
    """Open an index that `sinonom index` made, or, without a path, the index of characters that ships with it.

    Parameters
    ----------
    model : folder of the model that the index was made with; None: found from the index.
    distance : "euclidean", "cosine", "kl" or "cross-entropy"; None: the distance of the index.
    tta : embed each picture as the mean over five slightly changed views of it.

    Raises
    ------
    BadInput
        If there is no such index, it is damaged, or its model is missing.
    UsageError
        If no distance has this name.

    Examples
    --------
    >>> index = open_index()
    >>> len(index) > 30_000
    True
    """
    if distance not in (None, *DISTANCES):
        raise UsageError(f"distance={distance!r} is not a valid value", " or ".join(DISTANCES))
    return Index(Path(path) if path is not None else None, Path(model) if model is not None else None, distance, tta)


@lru_cache(1)
def _characters() -> Index:
    return open_index()


@overload
def name(images: Picture, top: int = 5) -> Answer: ...
@overload
def name(images: list[Any] | tuple[Any, ...], top: int = 5) -> list[Answer]: ...
def name(images: Picture | list[Any] | tuple[Any, ...], top: int = 5) -> Answer | list[Answer]:
    """Name the characters that pictures show with the index of characters, as `sinonom query` does without `--index`.

    Parameters, results and errors are those of `Index.search`.

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
    model : folder of a model; None: `./model` if it exists, else the default model.
    tta : take the mean over five slightly changed views of each picture.

    Returns
    -------
    (N, D) float32, a row for each picture; N = 1 for a single picture.

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
    with as_items(images) as items:
        for batch in batches_embedded(items, embedder, 0, tta, queries=False):
            for item, reason in batch.failures.items():
                raise BadInput(named_as_given(item, reason), "leave it out")
            parts.append(batch.vectors)
    return np.concatenate(parts) if parts else np.zeros((0, embedder.model.embedding_size), np.float32)
