"""The detector's targets and loss are those of their papers; its ONNX file gives what the network gives."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sinonom_cli.layout.detect import SIZE, Detector  # noqa: E402
from sinonom_cli.layout.detector_network import Decoded, DetectorNetwork, distances, loss_of, targets  # noqa: E402
from sinonom_cli.networks.onnx_export import export_onnx  # noqa: E402

BOXES = np.array([[10.0, 12, 42, 40], [60, 20, 84, 52], [100, 90, 112, 104]])
SIDE = 128


def test_targets_are_gaussians_about_middles_with_the_distances_to_the_sides() -> None:
    made = targets(BOXES, SIDE)
    assert made.shape == (6, 32, 32)
    middles = [(int((y0 + y1) / 8), int((x0 + x1) / 8)) for x0, y0, x1, y1 in BOXES]
    assert sorted(zip(*np.nonzero(made[0] == 1), strict=True)) == sorted(middles)
    for row in range(32):
        for column in range(32):
            y, x = 4 * row + 2, 4 * column + 2
            best, owner = 0.0, -1
            for number, (x0, y0, x1, y1) in enumerate(BOXES):
                wide, high = max(0.13 * (x1 - x0), 2), max(0.13 * (y1 - y0), 2)
                near = math.exp(-((x - (x0 + x1) / 2) ** 2) / (2 * wide**2) - (y - (y0 + y1) / 2) ** 2 / (2 * high**2))
                if (row, column) == middles[number]:
                    near = 1.0
                if near > best:
                    best, owner = near, number
            assert made[0, row, column] == pytest.approx(best, abs=1e-6)
            if made[5, row, column]:
                x0, y0, x1, y1 = BOXES[owner]
                right = np.maximum([x - x0, y - y0, x1 - x, y1 - y], 1)
                assert made[1:5, row, column] == pytest.approx(right) and made[5, row, column] == pytest.approx(best)
            else:
                assert best <= 0.35


def test_the_loss_of_boxes_is_that_of_torchvision_and_of_middles_that_of_a_loop() -> None:
    ops = pytest.importorskip("torchvision.ops")
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(2, 5, 32, 32, generator=generator)
    wanted = torch.from_numpy(np.stack([targets(BOXES, SIDE), targets(BOXES[:1], SIDE)]))
    middles, boxes = loss_of(output, wanted)
    places = torch.nonzero(wanted[:, 5])
    found, right, weights = [], [], []
    for n, row, column in places.tolist():
        y, x = 4.0 * row + 2, 4.0 * column + 2
        for list_, (left, up, to_right, down) in (
            (found, distances(output)[n, :, row, column].tolist()),
            (right, wanted[n, 1:5, row, column].tolist()),
        ):
            list_.append([x - left, y - up, x + to_right, y + down])
        weights.append(float(wanted[n, 5, row, column]))
    each = ops.generalized_box_iou_loss(torch.tensor(found), torch.tensor(right))
    expected = 2 * float((each * torch.tensor(weights)).sum()) / sum(weights)
    assert float(boxes) == pytest.approx(expected, rel=1e-4)
    total, count = 0.0, 0
    for logit, near in zip(output[:, 0].ravel().tolist(), wanted[:, 0].ravel().tolist(), strict=True):
        share = min(max(1 / (1 + math.exp(-logit)), 1e-4), 1 - 1e-4)
        if near == 1:
            total, count = total - (1 - share) ** 2 * math.log(share), count + 1
        else:
            total -= (1 - near) ** 4 * share**2 * math.log(1 - share)
    assert float(middles) == pytest.approx(total / count, rel=1e-4)


def test_the_onnx_file_gives_probabilities_and_pixels_for_any_multiple_of_32(tmp_path) -> None:
    torch.manual_seed(0)
    network = DetectorNetwork().eval()
    onnx, _ = export_onnx(Decoded(network), 64, ("boxes",), step=32)
    (tmp_path / "d.onnx").write_bytes(onnx)
    detector = Detector(tmp_path / "d.onnx")
    for shape in ((32, 96), (160, 64)):
        ink = np.random.default_rng(0).random(shape).astype(np.float32)
        given = detector._session.run(None, {"image": ink[None, None]})[0][0]
        with torch.inference_mode():
            output = network(torch.from_numpy(ink)[None, None])[0]
        assert given.shape == (5, shape[0] // 4, shape[1] // 4)
        assert given[0] == pytest.approx(1 / (1 + np.exp(-output[0].numpy())), abs=1e-4)
        assert given[1:] == pytest.approx(SIZE / 2 * np.exp(np.clip(output[1:].numpy(), -4, 3)), rel=1e-3)
