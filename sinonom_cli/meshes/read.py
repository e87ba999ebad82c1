"""Meshes of every format a lab has, read into triangles and checked."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.gltf import read_gltf
from sinonom_cli.meshes.obj import read_obj
from sinonom_cli.meshes.off import read_off
from sinonom_cli.meshes.ply import read_ply
from sinonom_cli.meshes.polygons import bad_mesh
from sinonom_cli.meshes.stl import read_stl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEW = 0.05
"""Share of its faces that a mesh may lose because they have a vertex that is no number."""


@dataclass
class Notes:
    """What `metadata.csv` says of a mesh that was not drawn as its file has it.

    Attributes
    ----------
    turned : where its carved face looked, as `-Z`; "" if it was left as it was.
    left_out : what was left out, and of how many faces.
    remarks : what is odd about the file, or not sure.
    """

    turned: str = ""
    left_out: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_mesh(path: Path, notes: Notes | None = None) -> "NDArray[np.float32]":
    """Read a mesh and check that it can be rendered.

    STL, PLY, OBJ, OFF and glTF are read by readers that refuse a file which lies about itself. Polygons are split into
    triangles, colours ignored.

    Parameters
    ----------
    notes : where it is said what was left out and what is odd.

    Returns
    -------
    (F, 3, 3) float32: F >= 1 triangles of three finite vertices (x, y, z), in the file's units. Where a file holds
    more digits than float32 and the mesh lies far from the origin, it is moved there.

    Raises
    ------
    SinonomError
        If the file is empty, truncated, no mesh, has no face, many vertices that are not finite, or a face that names
        a vertex which does not exist.
    """
    import numpy as np

    notes = notes or Notes()
    suffix = path.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise SinonomError(f"{path.name}: not a mesh format we read", f"one of {' '.join(sorted(MESH_SUFFIXES))}")
    if not path.stat().st_size:
        raise bad_mesh(path, "the file is empty")
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number, or no vertex, is refused below
        triangles = _READERS[suffix](path, notes.remarks)
    return _finite(path, triangles, notes)


def _finite(path: Path, triangles: "NDArray[np.float32]", notes: Notes) -> "NDArray[np.float32]":
    """Return the triangles whose vertices are numbers, if these are nearly all."""
    import numpy as np

    if not len(triangles):
        raise SinonomError(f"{path.name}: the mesh has no faces", "export the mesh again, with its faces")
    # A sum is finite only if all its terms are: one fast pass, and the slow one only for bad or huge meshes.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(triangles.sum()):
            return triangles
    fine = np.asarray(np.isfinite(triangles).all(axis=(1, 2)))
    bad = len(fine) - int(fine.sum())
    if bad > FEW * len(triangles):
        raise SinonomError(
            f"{path.name}: {bad:,} of {len(triangles):,} faces have a vertex that is NaN or infinite",
            "repair the mesh, or export it again",
        )
    if not bad:
        return triangles
    notes.left_out.append(f"NaN or infinite: {bad:,}")
    return triangles[fine]


_READERS = {
    ".stl": read_stl,
    ".ply": read_ply,
    ".obj": read_obj,
    ".off": read_off,
    ".glb": read_gltf,
    ".gltf": read_gltf,
}
MESH_SUFFIXES = frozenset(_READERS)
