"""Compare direction features with a plain loop and with edges computed by hand, and exports with torch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sinonom_cli.networks.directmap import WIDTHS, DirectionFeatures, DirectionMaps, DirectMapNet  # noqa: E402
from sinonom_cli.networks.embedder import session_of  # noqa: E402
from sinonom_cli.networks.onnx_export import export_onnx  # noqa: E402


def reference(picture, grid):
    """Return the (8, grid, grid) maps of one (S, S) picture, from angles of each pixel and sums at each place."""
    size = len(picture)
    padded = np.pad(picture.astype(np.float64), 1)
    maps = np.zeros((8, size, size))
    for i in range(size):
        for j in range(size):
            w = padded[i : i + 3, j : j + 3]
            x = ((w[0, 2] - w[0, 0]) + 2 * (w[1, 2] - w[1, 0]) + (w[2, 2] - w[2, 0])) / 8
            y = ((w[2, 0] - w[0, 0]) + 2 * (w[2, 1] - w[0, 1]) + (w[2, 2] - w[0, 2])) / 8
            strength = np.hypot(x, y)
            angle = np.arctan2(y, x) % (2 * np.pi)
            k = int(angle // (np.pi / 4)) % 8
            rest = angle - k * np.pi / 4
            maps[k, i, j] += strength * np.sin(np.pi / 4 - rest) / np.sin(np.pi / 4)
            maps[(k + 1) % 8, i, j] += strength * np.sin(rest) / np.sin(np.pi / 4)
    step = size / grid
    sd = np.sqrt(2) * step / np.pi
    out = np.zeros((8, grid, grid))
    place = np.arange(size) + 0.5
    for a in range(grid):
        for b in range(grid):
            wy = np.exp(-((place - (a + 0.5) * step) ** 2) / (2 * sd**2)) / (sd * np.sqrt(2 * np.pi))
            wx = np.exp(-((place - (b + 0.5) * step) ** 2) / (2 * sd**2)) / (sd * np.sqrt(2 * np.pi))
            out[:, a, b] = np.einsum("i,j,kij->k", wy, wx, maps)
    return out


@pytest.mark.parametrize(("size", "grid"), [(24, 9), (20, 5), (30, 24)])
def test_maps_equal_a_loop_over_pixels_and_angles(size, grid):
    pictures = np.random.default_rng(0).random((3, size, size)).astype(np.float32)
    got = DirectionMaps(size, grid)(torch.from_numpy(pictures)[:, None]).numpy()
    wanted = np.stack([reference(p, grid) for p in pictures])
    assert np.abs(got - wanted).max() < 1e-5


def test_features_are_square_roots_of_the_maps_with_length_one():
    picture = np.random.default_rng(1).random((1, 24, 24)).astype(np.float32)
    got = DirectionFeatures(24)(torch.from_numpy(picture)[:, None]).numpy()[0]
    wanted = np.sqrt(reference(picture[0], 9)).ravel()
    assert got.shape == (648,)
    assert np.abs(got - wanted / np.linalg.norm(wanted)).max() < 1e-5


@pytest.mark.parametrize(
    ("direction", "turn"),
    [(0, lambda a: a), (2, lambda a: a.T), (4, lambda a: a[:, ::-1]), (6, lambda a: a[::-1].T[::-1])],
)
def test_an_edge_points_into_the_ink(direction, turn):
    edge = np.zeros((18, 18), np.float32)
    edge[:, 9:] = 1
    picture = np.ascontiguousarray(turn(edge))
    maps = DirectionMaps(18, 9)(torch.from_numpy(picture)[None, None]).numpy()[0]
    middle = maps[:, 3:6, 3:6].sum(axis=(1, 2))
    assert middle[direction] > 0.5
    assert np.delete(middle, direction).max() < 1e-6
    # Two columns have slope 1/2, at 8.5 and 9.5. The middle place is at 9, the deviation is 2 sqrt(2) / pi, and the
    # Gaussian sum along the edge is 1 (sampled every pixel, to four digits).
    deviation = 2 * np.sqrt(2) / np.pi
    wanted = 2 * 0.5 * np.exp(-0.5 * (0.5 / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    assert maps[direction, 4, 4] == pytest.approx(wanted, abs=5e-3)


def test_a_diagonal_edge_goes_to_the_diagonal_map():
    rows, columns = np.mgrid[:24, :24]
    picture = np.clip((rows + columns - 23) / 4 + 0.5, 0, 1).astype(np.float32)
    maps = DirectionMaps(24, 9)(torch.from_numpy(picture)[None, None]).numpy()[0][:, 4, 4]
    assert maps.argmax() == 1
    assert np.delete(maps, 1).max() < 1e-6


def test_a_blank_picture_has_finite_features():
    blank = torch.zeros(2, 1, 24, 24)
    assert torch.isfinite(DirectionFeatures(24)(blank)).all()
    assert torch.isfinite(DirectMapNet(24, 16).eval()(blank)).all()


def test_direction_maps_are_not_learnt_and_the_rest_is():
    network = DirectMapNet(32, 16)
    network(torch.rand(4, 1, 32, 32)).sum().backward()
    assert not list(network.maps.parameters())
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize(
    "make",
    [
        lambda: DirectionFeatures(32),
        lambda: DirectMapNet(32, 16),
        lambda: DirectMapNet(32, 16, widths=WIDTHS["directmap-large"]),
    ],
)
def test_onnx_equals_torch_for_any_batch_and_the_same_module_gives_the_same_bytes(make, capfd):
    torch.manual_seed(0)
    module = make()
    onnx, difference = export_onnx(module, 32)
    assert difference < 1e-5
    assert export_onnx(module, 32)[0] == onnx
    module.eval()
    session = session_of(onnx, 1)
    assert [i.name for i in session.get_inputs()] == ["image"]
    for count in (1, 5):
        pictures = torch.rand(count, 1, 32, 32)
        with torch.no_grad():
            wanted = module(pictures).numpy()
        assert np.abs(session.run(None, {"image": pictures.numpy()})[0] - wanted).max() < 1e-5
    assert capfd.readouterr() == ("", "")


def test_a_network_that_onnx_changes_is_refused():
    class Fickle(torch.nn.Module):
        """Network that gives another result while it is exported."""

        def forward(self, pictures):
            return pictures.flatten(1) * (2.0 if torch.compiler.is_exporting() else 1.0)

    with pytest.raises(ArithmeticError, match="differs"):
        export_onnx(Fickle(), 24)


def test_export_leaves_the_module_in_training():
    module = DirectMapNet(32, 8).train()
    export_onnx(module, 32)
    assert module.training
