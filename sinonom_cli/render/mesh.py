"""Meshes of every format a lab has, read into triangles and checked."""

from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.artifacts.stl import read_stl
from sinonom_cli.errors import SinonomError
from sinonom_cli.render.depth import load_open3d
from sinonom_cli.render.ply import read_ply
from sinonom_cli.render.polygons import bad_mesh, read_obj, read_off, triangles_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_mesh(path: Path) -> "NDArray[np.float32]":
    """Read a mesh and check that it can be rendered.

    STL, PLY, OBJ and OFF are read by readers that refuse a file which lies about itself; GLB by Open3D. Polygons are
    split into triangles, colours ignored.

    Returns
    -------
    (F, 3, 3) float32: F >= 1 triangles of three finite vertices (x, y, z), in the file's units. Where a file holds
    more digits than float32 and the mesh lies far from the origin, it is moved there.

    Raises
    ------
    SinonomError
        If the file is empty, truncated, no mesh, has no face, a vertex that is not finite, or a face that names a
        vertex which does not exist.
    """
    suffix = path.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise SinonomError(f"{path.name}: not a mesh format we read", f"one of {' '.join(sorted(MESH_SUFFIXES))}")
    if not path.stat().st_size:
        raise bad_mesh(path, "the file is empty")
    return _checked(path, _READERS[suffix](path))


def _checked(path: Path, triangles: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import numpy as np

    if not len(triangles):
        raise SinonomError(f"{path.name}: the mesh has no faces", "export the mesh again, with its faces")
    # A sum is finite only if all its terms are: one fast pass, and the slow one only for bad or huge meshes.
    with np.errstate(over="ignore", invalid="ignore"):
        fine = np.isfinite(triangles.sum())
    bad = 0 if fine else int((~np.isfinite(triangles)).any(axis=(1, 2)).sum())
    if bad:
        raise SinonomError(
            f"{path.name}: {bad:,} of {len(triangles):,} faces have a vertex that is NaN or infinite",
            "repair the mesh, or export it again",
        )
    return triangles


def _read_glb(path: Path) -> "NDArray[np.float32]":
    import numpy as np

    try:
        open3d = load_open3d("reading GLB")
    except SinonomError as error:  # what the others in the folder do not need does not stop them
        raise SinonomError(f"{path.name}: {error.message}; {error.hint}", error.hint) from None
    with open3d.utility.VerbosityContextManager(open3d.utility.VerbosityLevel.Error):
        mesh = open3d.io.read_triangle_mesh(str(path))
    return triangles_of(path, np.asarray(mesh.vertices), np.asarray(mesh.triangles))


_READERS = {".stl": read_stl, ".ply": read_ply, ".obj": read_obj, ".off": read_off, ".glb": _read_glb}
MESH_SUFFIXES = frozenset(_READERS)
