"""Normal equations and Tukey's weights, compared with numpy's solver and the formula of the paper."""

import numpy as np

from sinonom_cli.meshes.least_squares import biweight, biweights, solved


def test_normal_equations_have_numpy_s_solution() -> None:
    rng = np.random.default_rng(0)
    basis, right = rng.normal(size=(40, 7)), rng.normal(size=7)
    matrix = np.einsum("ni,nj->ij", basis, basis)
    upper = np.concatenate([np.triu(matrix), right[:, None]], axis=1)
    np.testing.assert_allclose(solved(upper, 0.0), np.linalg.solve(matrix, right), rtol=1e-9)


def test_singular_equations_have_no_solution() -> None:
    upper = np.array([[1.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    assert len(solved(upper.copy(), 1e-12)) == 0
    assert len(solved(np.full((2, 3), np.nan), 0.0)) == 0


def test_biweights_fall_from_one_to_nothing_at_their_width() -> None:
    residuals = np.array([0.0, 0.5, -1.0, 1.999, 2.0, -7.0])
    slow = [(1 - (r / 2) ** 2) ** 2 if -2 < r < 2 else 0 for r in residuals.tolist()]
    assert biweights(residuals, 2.0).tolist() == slow
    assert [biweight(r, 2.0) for r in residuals.tolist()] == slow
