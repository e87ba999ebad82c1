"""Hold what a server serves: the index, its items, the folders of pages and blocks, and the cache of meshes."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sinonom_cli import api
from sinonom_cli.api.correcting import Sheets
from sinonom_cli.errors import UsageError
from sinonom_cli.serve.mesh_cache import MeshCache

if TYPE_CHECKING:
    from sinonom_cli.api.items import Item, Items


class NotFound(Exception):
    """There is nothing at this address."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a server serves.

    Attributes
    ----------
    index : the index that is asked; None: the index of characters that ships.
    items : its rows; None without an index.
    folders : pages and blocks.
    meshes : cache of meshes with few faces.
    uploads : folder for pictures while they are looked at.
    who : usual name of the one who corrects.
    write_token : word that requests which write must bring.
    """

    index: api.Index | None
    items: Items | None
    folders: tuple[Sheets, ...]
    meshes: MeshCache
    uploads: TemporaryDirectory[str]
    who: str
    write_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def served_items(self) -> Items:
        """Rows of the index; NotFound without an index."""
        if self.items is None:
            raise NotFound("no index is served; sinonom serve --index db.faiss serves one")
        return self.items

    def item(self, number: int) -> Item:
        """Return a row of the index; NotFound if there is none."""
        items = self.served_items
        if number >= len(items):
            raise NotFound(f"there is no item {number}; the index has {len(items)}")
        return items[number]

    def close(self) -> None:
        """Remove uploads, and let other programs write the corrections."""
        for folder in self.folders:
            folder.close()
        self.uploads.cleanup()


def make_site(
    *,
    index: Path | None = None,
    folders: Sequence[Path] = (),
    meshes: Sequence[Path] = (),
    cache: Path | None = None,
    who: str | None = None,
) -> Site:
    """Open what a server serves; `commands/serve.py` explains the parameters.

    Raises
    ------
    SinonomError
        If the index or a folder cannot be opened.
    """
    for folder in meshes:
        if not folder.is_dir():
            raise UsageError(f"--meshes {folder} is not a folder", "give the folder that sinonom render was given")
    opened = api.open_index(index) if index is not None else None
    return Site(
        index=opened,
        items=opened.items(meshes) if opened is not None else None,
        folders=tuple(map(Sheets, folders)),
        meshes=MeshCache(cache),
        uploads=TemporaryDirectory(prefix="sinonom-serve-"),
        who=_user() if who is None else who,
    )


def _user() -> str:
    """Return the name under which the user is known to the system; "" if it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
