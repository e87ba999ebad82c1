"""Name the characters of a block by two views of each: its mesh as `render` draws it, and its ink on the block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks.find import Read
from sinonom_cli.blocks.upright import cropped
from sinonom_cli.search.naming import CANDIDATES, Name, shipped_namer


def crops_of(read: Read) -> list[NDArray[np.uint8]]:
    """Return the ink inside the box of each character, (H, W) uint8 each, dark strokes on a light ground."""
    upright = np.round(255 * (1 - read.ink)).astype(np.uint8)
    return [cropped(upright, np.asarray(one.placed.box, np.float64)) for one in read.characters]


def named(
    pictures: Sequence[NDArray[np.uint8] | None], crops: Sequence[NDArray[np.uint8]]
) -> tuple[list[list[Name]], NDArray[np.float32]]:
    """Return the most probable names of each of N characters, and the embeddings that they were found by.

    They are those of the mesh, or those of the mean of both embeddings where this is nearer to a known character: the
    mesh may hold a piece of the border, and the ink may miss worn strokes.

    Parameters
    ----------
    pictures : of the meshes; None: the mesh has no relief, and no name.
    crops : the ink of each.

    Returns
    -------
    Names of each, at most `CANDIDATES`, nearest first, and (N, D) float32 of length 1, 0 for a mesh without relief.
    """
    places = [place for place, picture in enumerate(pictures) if picture is not None]
    names: list[list[Name]] = [[] for _ in pictures]
    namer = shipped_namer()
    mesh = namer.embed([picture for picture in pictures if picture is not None])
    embeddings = np.zeros((len(pictures), mesh.shape[1]), np.float32)
    if not places:
        return names, embeddings
    both = mesh + namer.embed([crops[place] for place in places])
    both /= np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-9)
    by_mesh, by_both = (namer.names(view, CANDIDATES) for view in (mesh, both))
    for k, place in enumerate(places):
        nearer = by_both[k][0].distance < by_mesh[k][0].distance
        names[place], embeddings[place] = (by_both[k], both[k]) if nearer else (by_mesh[k], mesh[k])
    return names, embeddings
