"""Meshes for a viewer from Python: read, reduced to few faces, as GLB."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A mesh with shared vertices.

    Attributes
    ----------
    vertices : (V, 3) float32, in the units of the file.
    faces : (F, 3) int64, indices of vertices.
    """

    vertices: NDArray[np.float32] = field(repr=False)
    faces: NDArray[np.int64] = field(repr=False)

    def decimated(self, most: int = 6000) -> Mesh:
        """Return the mesh with at most `most` faces (12 or more), for a small screen."""
        from sinonom_cli.meshes.decimate import decimated

        vertices, faces = decimated(self.vertices, self.faces, most)
        return Mesh(vertices=vertices, faces=faces)

    def glb(self) -> bytes:
        """Return the mesh as a binary glTF file."""
        from sinonom_cli.meshes.write_glb import glb

        return glb(self.vertices, self.faces)


def open_mesh(path: str | Path) -> Mesh:
    """Read a mesh (STL, PLY, OBJ, OFF, glTF).

    Raises
    ------
    BadInput
        If there is no such file, or it is not a mesh.
    """
    from sinonom_cli.meshes.decimate import welded
    from sinonom_cli.meshes.read import read_mesh

    if not Path(path).is_file():
        raise BadInput(f"{path} does not exist", "check the path")
    vertices, faces = welded(read_mesh(Path(path)))
    if not len(faces):
        raise BadInput(f"{path}: all faces have two equal corners", "export the mesh again")
    return Mesh(vertices=vertices, faces=faces)
