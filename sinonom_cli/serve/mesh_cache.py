"""Keep meshes with few faces in the user's cache folder, because reading a whole scan takes seconds."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from sinonom_cli.api.meshes import open_mesh
from sinonom_cli.errors import OutputInTheWay
from sinonom_cli.messages import detail, warn
from sinonom_cli.storage.atomic import write_bytes
from sinonom_cli.storage.user_cache import user_cache

FACES = 6000
"""Usual number of faces of a mesh that is sent first: 60 to 80 kB."""
MOST = 512 * 2**20
"""Bytes that the cache may take when a server starts; above it the longest unused meshes are deleted."""
_ENTRY = re.compile(r"[0-9a-f]{40}\.glb")


class MeshCache:
    """Cache of meshes with few faces.

    Parameters
    ----------
    folder : where they are kept, in `meshes`; None: the cache folder of this system.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (user_cache("serve") if folder is None else folder) / "meshes"
        self._writes = True
        self._prune()

    def glb(self, path: Path, faces: int | None = FACES) -> bytes:
        """Return a mesh as GLB.

        Parameters
        ----------
        path : file of the mesh.
        faces : largest number of faces; None: all, which are not kept.

        Raises
        ------
        BadInput
            If the mesh cannot be read.
        """
        if faces is None:
            return open_mesh(path).glb()
        entry = self.folder / f"{_key(path, faces)}.glb"
        with suppress(OSError):
            content = entry.read_bytes()
            entry.touch()
            return content
        content = open_mesh(path).decimated(faces).glb()
        if self._writes:
            try:
                write_bytes(entry, content)
            except (OutputInTheWay, OSError) as error:  # OSError: a file stands where the folder should be
                self._writes = False
                warn(f"{error}: meshes are not kept, and take longer to appear")
        return content

    def _prune(self) -> None:
        """Delete the longest unused meshes while all together take more than `MOST`."""
        entries = []
        with suppress(OSError):
            for path in self.folder.iterdir():
                if _ENTRY.fullmatch(path.name):
                    status = path.stat()
                    entries.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= MOST:
                break
            path.unlink(missing_ok=True)
            total -= size
            detail(f"{path} was deleted: it was unused for the longest time")


def _key(path: Path, faces: int) -> str:
    """Return a name that changes when the file does."""
    status = path.stat()
    known = f"1\0{path.absolute()}\0{status.st_size}\0{status.st_mtime_ns}\0{faces}"
    return hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:40]
