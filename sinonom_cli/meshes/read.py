"""Read meshes in the usual formats into triangles, and check them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.foreign import known_as
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
"""Largest share of its faces that a mesh may lose because a vertex is not finite."""


@dataclass
class Notes:
    """Notes for `metadata.csv` about a mesh that was not drawn exactly as its file has it.

    Attributes
    ----------
    turned : direction in which the carved side looked, such as `-Z`; "" if the mesh was not turned.
    left_out : kinds of faces that were left out, each with their number.
    remarks : what is unusual about the file, or uncertain.
    """

    turned: str = ""
    left_out: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_mesh(path: Path, notes: Notes | None = None) -> "NDArray[np.float32]":
    """Read a mesh and check that it can be rendered.

    The readers of STL, PLY, OBJ, OFF and glTF refuse files whose header and content disagree. Polygons are split into
    triangles; colours are ignored.

    Parameters
    ----------
    notes : receives what was left out and what is unusual.

    Returns
    -------
    (F, 3, 3) float32: F >= 1 triangles of three finite vertices (x, y, z), in the file's units. A mesh far from the
    origin is moved there if its file holds more digits than float32.

    Raises
    ------
    SinonomError
        If the file is empty, truncated or not a mesh, has no face or too many vertices that are not finite, or has a
        face that names a vertex which does not exist.
    """
    import numpy as np

    notes = notes or Notes()
    suffix = suffix_of(path)
    with np.errstate(over="ignore", invalid="ignore"):  # bad numbers and indices are refused below
        triangles = _READERS[suffix](path, notes.remarks)
    return _finite(path, triangles, notes)


def suffix_of(path: Path) -> str:
    """Return the ending of a mesh's file in small letters.

    Raises
    ------
    SinonomError
        If no reader takes such files, or the file is empty or clearly of another format.
    """
    suffix = path.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise SinonomError(f"{path.name}: not a mesh format we read", f"give one of {' '.join(sorted(MESH_SUFFIXES))}")
    if not path.stat().st_size:
        raise bad_mesh(path, "the file is empty")
    what, hint = known_as(path)
    if what:
        raise SinonomError(f"{path.name}: {what}", hint)
    return suffix


def _finite(path: Path, triangles: "NDArray[np.float32]", notes: Notes) -> "NDArray[np.float32]":
    """Return the triangles whose vertices are finite, if nearly all are."""
    fine = finite_of(triangles)
    note_not_finite(path, len(triangles) - len(fine), len(triangles), notes)
    return fine


def finite_of(triangles: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Return the triangles whose vertices are finite: the same array if all are."""
    import numpy as np

    # A sum is finite only if all its terms are: one fast pass suffices, except for bad or huge meshes.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(triangles.sum()):
            return triangles
    fine = np.asarray(np.isfinite(triangles).all(axis=(1, 2)))
    return triangles if fine.all() else triangles[fine]


def note_not_finite(path: Path, bad: int, faces: int, notes: Notes) -> None:
    """Note that `bad` of a mesh's faces were left out because a vertex of theirs is not finite.

    Raises
    ------
    SinonomError
        If the mesh has no faces, or too many that are not finite.
    """
    if not faces:
        raise SinonomError(f"{path.name}: the mesh has no faces", "export the mesh again, with its faces")
    if bad > FEW * faces:
        raise SinonomError(
            f"{path.name}: {bad:,} of {faces:,} faces have a vertex that is NaN or infinite",
            "repair the mesh, or export it again",
        )
    if bad:
        notes.left_out.append(f"NaN or infinite: {bad:,}")


_READERS = {
    ".stl": read_stl,
    ".ply": read_ply,
    ".obj": read_obj,
    ".off": read_off,
    ".glb": read_gltf,
    ".gltf": read_gltf,
}
MESH_SUFFIXES = frozenset(_READERS)
