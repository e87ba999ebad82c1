"""Carve a picture of a character into a relief that looks like a scanned woodblock, and make its mesh.

Lengths are in plate widths. `physics` models the relief's surface.
"""

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Amounts, Lie, amounts, bent, heights, lie, plate
from sinonom_cli.relief.random_fields import numpy_fields
from sinonom_cli.relief.strokes import Place, stand

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pose:
    """Pose of a plate: rotations about x, then y, then z, in degrees; x points to the right, y up."""

    x: float
    y: float
    z: float


@dataclass(frozen=True)
class Carved:
    """A carved plate.

    Attributes
    ----------
    heights : (N, N) float32, in plate widths; row 0 is the top of the character.
    plate : (N, N) bool, True inside the plate's ragged edge.
    pose : rotation of the plate.
    known : all amounts that were drawn, by the names of the columns of `metadata.csv`.
    """

    heights: "NDArray[np.float32]"
    plate: "NDArray[np.bool_]"
    pose: Pose
    known: dict[str, float]


KNOWN = (
    *("tilt", "tilt_x", "tilt_y", "turn", "bend_xx", "bend_yy", "bend_xy"),
    *("shift_x", "shift_y", "stretch_x", "stretch_y", "swell", "neighbours"),
    *("depth", "flank", "deepening", "gouge", "uneven", "wear"),
    *("breaks", "smear", "blur", "noise"),
)
"""Keys of `Carved.known`, in degrees and plate widths; x points to the right, y up. With x and y from -1 to 1, the
plate is bent by bend_xx x^2 + bend_xy x y + bend_yy y^2. It is then turned about x, y and z."""


def carve_plate(ink: "NDArray[np.float32]", carving: Carving, rng: np.random.Generator) -> Carved:
    """Carve a picture into a plate.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], 1 = ink; at least one pixel is inked.
    rng : source of all random numbers.
    """
    standing, carved = rng.spawn(2)
    strokes = stand(ink[:, ::-1] if carving.mirror else ink, carving, standing)
    draw = numpy_fields(carved, carving.resolution)
    drawn = amounts(carving.relief, draw)
    where = plate(carving.relief.ragged, draw)[0]
    lies = lie(carving.tilt, carving.bend, draw)
    surface = heights(strokes.far[None], strokes.own[None], drawn, draw) + bent(lies, draw)
    pose = pose_of(lies, float(standing.uniform(carving.turn.low, carving.turn.high)))
    return Carved(surface[0].astype(np.float32), where, pose, _known(drawn, lies, pose, strokes.place))


def pose_of(lies: Lie, turn: float) -> Pose:
    """Convert tilt and its direction, and a turn in degrees, into rotations about x, y and z."""
    tilt, way = math.radians(lies.tilt.item()), lies.way.item()
    normal = (math.sin(tilt) * math.cos(way), -math.sin(tilt) * math.sin(way), math.cos(tilt))
    about_x, about_y = math.asin(-normal[1]), math.atan2(normal[0], normal[2])
    return Pose(math.degrees(about_x), math.degrees(about_y), turn)


def _known(drawn: Amounts, lies: Lie, pose: Pose, place: Place) -> dict[str, float]:
    a, b, c = (coefficient.item() for coefficient in lies.bend)
    values = (
        *(lies.tilt.item(), pose.x, pose.y, pose.z, a, b, -c / 2),
        *(place.shift[0], -place.shift[1], *place.stretch, place.swell, place.neighbours),
        *(amount.item() for amount in vars(drawn).values()),
    )
    return dict(zip(KNOWN, values, strict=True))


def mesh_of(carved: Carved) -> "NDArray[np.float32]":
    """Return the open surface of a plate as triangles facing +Z, y up, in the unit cube around the origin.

    Returns
    -------
    (F, 3, 3) float32.
    """
    size = len(carved.heights)
    at = np.arange(size) / (size - 1) - 0.5
    x, y, there = at, -at[:, None], carved.plate
    # Terms are summed one by one: matrix products of BLAS round differently on different processors.
    turned = [a * x + b * y + c * carved.heights for a, b, c in rotation(carved.pose)]
    whole = there[:-1, :-1] & there[:-1, 1:] & there[1:, :-1] & there[1:, 1:]
    used = np.zeros_like(there)
    for down in (slice(None, -1), slice(1, None)):
        for across in (slice(None, -1), slice(1, None)):
            used[down, across] |= whole
    ends = [(each[used].min(), each[used].max()) for each in turned]
    longest = max(high - low for low, high in ends)
    points = np.empty((size * size, 3), np.float32)
    for k, (each, (low, high)) in enumerate(zip(turned, ends, strict=True)):
        points[:, k] = ((each - (low + high) / 2) / longest).ravel()
    return points.take(_faces(size)[:, whole].reshape(-1, 3), axis=0)


@functools.lru_cache(1)
def _faces(size: int) -> "NDArray[np.int32]":
    """Return the vertices of both triangles of each square of a grid, (2, size - 1, size - 1, 3)."""
    index = np.arange(size * size, dtype=np.int32).reshape(size, size)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.stack([np.stack([a, c, b], -1), np.stack([b, c, d], -1)])


def rotation(lies: Pose) -> "NDArray[np.float64]":
    """Return the (3, 3) float64 rotation of a pose; `points @ rotation.T` are the rotated points."""
    turns = [math.radians(turn) for turn in (lies.x, lies.y, lies.z)]
    (sx, sy, sz), (cx, cy, cz) = ([f(turn) for turn in turns] for f in (math.sin, math.cos))
    # The matrix product Rz Ry Rx, multiplied out.
    return np.array(
        [
            [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
            [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
            [-sy, cy * sx, cy * cx],
        ]
    )
