"""Find the block that printed a page, and the very carving that printed each of its characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.upright import Way
from sinonom_cli.layout.register import LEAST
from sinonom_cli.pages.block_matches import CERTAIN, BlockMatches, BlockScore, Carving, CharacterMatches
from sinonom_cli.pages.placing import Placing, evidence_of, placed, probabilities
from sinonom_cli.pages.very_carving import fit_of
from sinonom_cli.pages.votes import candidates, likeness, votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.pages.carvings import Carvings
    from sinonom_cli.pages.reading import Reading

TRIED = 8
"""Number of blocks, those with most votes, that a page is registered with."""
PROMISING = 1.0
"""Evidence from which a block is also judged by how smoothly its carvings fit the print."""
SHOWN = 5
"""Largest number of blocks, and of carvings of a character, that an answer has."""


def find_blocks(reading: Reading, pictures: Sequence[NDArray[np.uint8]], carvings: Carvings) -> BlockMatches:
    """Look a page up in an index of carvings.

    The characters vote for blocks with their nearest carvings. The page is laid on each of the best blocks so that its
    characters meet carvings that look like them; probability and very carvings come from there (`placing`).

    Parameters
    ----------
    reading : the page.
    pictures : (H, W) uint8 of each of its characters, upright, dark strokes on a light ground, as `see_page` has them.
    carvings : the index, see `carvings.opened_carvings`.

    Returns
    -------
    Blocks and carvings; no blocks if the index does not know them.
    """
    vectors = carvings.embed(pictures)
    rows, distances = carvings.nearest(vectors)
    points = upright_middles(reading)
    tried = laid_on_blocks(points, pictures, vectors, rows, distances, carvings) if len(vectors) else []
    sure = probabilities(tried, len(carvings.places.blocks))
    judged = sorted(zip(tried, sure, strict=True), key=lambda pair: (-pair[1], -pair[0].score))
    return _answer(reading, carvings, rows, distances, judged)


def laid_on_blocks(
    points: NDArray[np.float64],
    pictures: Sequence[NDArray[np.uint8]],
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    distances: NDArray[np.float64],
    carvings: Carvings,
) -> list[Placing]:
    """Return the placings of a page on the blocks with most votes.

    Parameters
    ----------
    points : (N, 2) float64, middles of its characters, upright; N >= 1.
    pictures, vectors : of the characters, and their embeddings, (N, D) float32.
    rows, distances : (N, k), their nearest carvings.
    carvings : the index.
    """
    places = carvings.places
    energies = carvings.energies(distances)
    likely = likeness(energies, energies[:, 0], carvings.temperature)
    counted = votes(likely, places.owner[rows], len(places.blocks))
    others = {i: rows[i][likely[i] >= LEAST].tolist() for i in range(len(rows))}
    tried = []
    for block in candidates(counted, TRIED):
        away = carvings.distances(vectors, block)
        own = carvings.energies(away)
        like = likeness(own, energies[:, 0], carvings.temperature)
        middles = places.middles(places.rows_of(block))
        placing = placed(block, points, middles, like, own, away)
        if evidence_of(placing, len(places.blocks)) >= PROMISING:
            placing = replace(placing, fit=fit_of(placing, pictures, others, carvings))
        tried.append(placing)
    return tried


def upright_middles(reading: Reading) -> NDArray[np.float64]:
    """Return the middles of a page's characters, (N, 2) float64, in pixels of the upright page that is not mirrored."""
    outlines = np.array([one.outline for one in reading.characters], np.float64).reshape(-1, 4, 2)
    way = Way(mirrored=reading.mirrored, turned=reading.turned)
    return way.points(outlines.mean(axis=1), (reading.height, reading.width))


def _answer(
    reading: Reading,
    carvings: Carvings,
    rows: NDArray[np.int64],
    distances: NDArray[np.float64],
    judged: list[tuple[Placing, float]],
) -> BlockMatches:
    """Put the answer together; the blocks that were tried come with their probabilities, the most probable first."""
    very: dict[int, tuple[int, float, bool, bool]] = {}
    for placing, probability in judged:
        if probability >= CERTAIN:
            own = carvings.places.rows_of(placing.block)
            for (i, j), away, alike in zip(placing.pairs.tolist(), placing.distances, placing.alike, strict=True):
                very.setdefault(i, (int(own[j]), float(away), True, bool(alike)))
    is_found = any(probability >= CERTAIN for _, probability in judged)
    characters = []
    for number, character in enumerate(reading.characters):
        ranked: list[tuple[int, float, bool | None, bool | None]] = []
        if number in very:
            ranked.append(very[number])
        for row, away in zip(rows[number].tolist(), distances[number].tolist(), strict=True):
            if row >= 0 and row != very.get(number, (None,))[0]:
                ranked.append((row, away, False if is_found else None, None))
        found = tuple(_carving(carvings, *one) for one in ranked[:SHOWN])
        characters.append(CharacterMatches(character=character, carvings=found))
    return BlockMatches(
        page=reading.page,
        blocks=tuple(_score(carvings, *pair) for pair in judged[:SHOWN]),
        characters=tuple(characters),
    )


def _carving(carvings: Carvings, row: int, distance: float, agrees: bool | None, alike: bool | None) -> Carving:
    places, about = carvings.places, carvings.index.rows[row]
    block = int(places.owner[row])
    x0, y0, x1, y1 = places.boxes[row].tolist()
    return Carving(
        item=about.item,
        block=places.blocks[block].name if block >= 0 else "",
        distance=distance,
        agrees=agrees,
        alike=alike,
        box=(x0, y0, x1, y1) if block >= 0 else None,
        picture=carvings.index.picture(about),
    )


def _score(carvings: Carvings, placing: Placing, probability: float) -> BlockScore:
    block = carvings.places.blocks[placing.block]
    return BlockScore(
        block=block.name,
        score=placing.score,
        probability=probability,
        agreeing=int(placing.same.sum()),
        placed=len(placing.pairs),
        size=block.size,
        picture=block.picture,
    )
