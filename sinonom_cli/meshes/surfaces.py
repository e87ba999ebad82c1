"""Planes and quadratic surfaces over points: their residuals, and the normal equations that fit them.

Points are (N, 3) float64: x, y and a height. A surface is (6,) float64, the coefficients of 1, x, y, x^2, xy, y^2.
"""

from typing import Any

import numba
import numpy as np

from sinonom_cli.meshes.least_squares import solved


@numba.njit(cache=True)
def residuals(points: Any, surface: Any) -> Any:
    """Return the heights of points above a surface, (N,) float64."""
    out = np.empty(len(points))
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        fitted = surface[0] + surface[1] * x + surface[2] * y
        out[i] = z - fitted - surface[3] * x * x - surface[4] * x * y - surface[5] * y * y
    return out


@numba.njit(cache=True)
def plane_equations(points: Any, weights: Any) -> Any:
    """Return the normal equations of a plane: upper half, right side in the last column, (3, 4).

    They are computed twenty times for each mesh; sums in registers take a fifth of the time of sums in an array.
    """
    w_1 = w_x = w_y = w_z = w_xx = w_xy = w_xz = w_yy = w_yz = 0.0
    for i in range(len(points)):
        w, x, y, z = weights[i], points[i, 0], points[i, 1], points[i, 2]
        w_1, w_x, w_y, w_z = w_1 + w, w_x + w * x, w_y + w * y, w_z + w * z
        w_xx, w_xy, w_xz = w_xx + w * x * x, w_xy + w * x * y, w_xz + w * x * z
        w_yy, w_yz = w_yy + w * y * y, w_yz + w * y * z
    return np.array([[w_1, w_x, w_y, w_z], [0.0, w_xx, w_xy, w_xz], [0.0, 0.0, w_yy, w_yz]])


@numba.njit(cache=True)
def quadratic_equations(points: Any, weights: Any) -> Any:
    """Return the normal equations of a quadratic surface: upper half, right side in the last column, (6, 7)."""
    system = np.zeros((6, 7))
    basis = np.empty(7)
    for i in range(len(points)):
        if weights[i] == 0.0:
            continue
        x, y = points[i, 0], points[i, 1]
        basis[0], basis[1], basis[2] = 1.0, x, y
        basis[3], basis[4], basis[5] = x * x, x * y, y * y
        basis[6] = points[i, 2]
        for j in range(6):
            share = weights[i] * basis[j]
            for k in range(j, 7):
                system[j, k] += share * basis[k]
    return system


@numba.njit(cache=True)
def solution(system: Any, otherwise: Any) -> Any:
    """Solve normal equations, slightly regularised; return all six coefficients, `otherwise` if they are singular."""
    terms = len(system)
    least = 1e-9 * max(system[0, 0], 1e-300)
    for j in range(terms):
        system[j, j] += least
    found = solved(system, 0.1 * least)
    if len(found) == 0:
        return otherwise.copy()
    out = np.zeros(6)
    out[:terms] = found
    return out
