"""Meshes of every format a lab has, read into triangles and checked."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.artifacts.stl import read_stl
from sinonom_cli.errors import SinonomError, need

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MESH_SUFFIXES = frozenset((".stl", ".ply", ".obj", ".off", ".glb"))


def read_mesh(path: Path) -> "NDArray[np.float32]":
    """Read a mesh and check that it can be rendered.

    STL has a reader of its own; the other formats are read by trimesh, quads are split, colours ignored.

    Returns
    -------
    (F, 3, 3) float32: F >= 1 triangles of three finite vertices (x, y, z), in the file's units.

    Raises
    ------
    SinonomError
        If the file is empty, truncated, no mesh, has no face, a vertex that is not finite, or a face that names a
        vertex which does not exist.
    """
    suffix = path.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise SinonomError(f"{path.name}: not a mesh format we read", f"one of {' '.join(sorted(MESH_SUFFIXES))}")
    triangles = read_stl(path) if suffix == ".stl" else _read_by_trimesh(path)
    return _checked(path, triangles)


def _checked(path: Path, triangles: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import numpy as np

    if not len(triangles):
        raise SinonomError(f"{path.name}: the mesh has no faces", "export the mesh again, with its faces")
    # A sum is finite only if all its terms are: one fast pass, and the slow one only for bad meshes.
    if not np.isfinite(triangles.sum(dtype=np.float64)):
        bad = int((~np.isfinite(triangles)).any(axis=(1, 2)).sum())
        raise SinonomError(
            f"{path.name}: {bad:,} of {len(triangles):,} faces have a vertex that is NaN or infinite",
            "repair the mesh, or export it again",
        )
    return triangles


def _read_by_trimesh(path: Path) -> "NDArray[np.float32]":
    if not path.stat().st_size:
        raise SinonomError(f"{path.name}: the file is empty", "export or copy the mesh again")
    need("trimesh", "all")
    import trimesh

    try:
        scene = trimesh.load_scene(path, process=False, maintain_order=True)
        parts = scene.dump() if len(scene.geometry) != 1 else list(scene.geometry.values())
    except Exception as error:  # whatever a reader of foreign files may stumble on, it is the file's fault
        raise SinonomError(
            f"{path.name}: cannot be read as {path.suffix[1:].upper()}: {type(error).__name__}: {error}",
            "export or copy the mesh again",
        ) from error
    return _triangles(path, [part for part in parts if isinstance(part, trimesh.Trimesh)])


def _triangles(path: Path, parts: list[Any]) -> "NDArray[np.float32]":
    import numpy as np

    soups = [np.zeros((0, 3, 3), np.float32)]
    for part in parts:
        faces = np.asarray(part.faces)
        vertices = np.asarray(part.vertices, np.float32)
        if faces.size and (faces.min() < 0 or faces.max() >= len(vertices)):
            raise SinonomError(
                f"{path.name}: a face names vertex {faces.max():,}, there are {len(vertices):,}",
                "export or copy the mesh again",
            )
        soups.append(vertices[faces])
    return np.concatenate(soups)
