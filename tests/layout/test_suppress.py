"""Test that of several boxes of one character the best is kept, against loops and torchvision."""

import numpy as np
import pytest

from sinonom_cli.layout.suppress import overlaps, suppressed


def test_suppression_keeps_the_best_of_boxes_that_show_the_same() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 60, (80, 2))
    boxes, scores = np.hstack([low, low + rng.uniform(5, 30, (80, 2))]), rng.random(80)

    def iou(a: np.ndarray, b: np.ndarray) -> float:
        wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        common = max(wide, 0) * max(high, 0)
        return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)

    kept: list[int] = []
    for i in sorted(range(80), key=lambda i: -scores[i]):
        if all(iou(boxes[i], boxes[j]) < 0.5 for j in kept):
            kept.append(i)
    assert suppressed(boxes, scores).tolist() == kept
    assert overlaps(boxes[0], boxes[1:]) == pytest.approx([iou(boxes[0], box) for box in boxes[1:]])


def test_torchvision_suppresses_the_same_boxes() -> None:
    ops = pytest.importorskip("torchvision.ops")
    import torch

    rng = np.random.default_rng(1)
    low = rng.uniform(0, 60, (200, 2))
    boxes, scores = np.hstack([low, low + rng.uniform(5, 30, (200, 2))]), rng.random(200)
    expected = ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.5)
    assert suppressed(boxes, scores).tolist() == expected.tolist()


def test_a_box_in_a_better_one_is_left_out_if_asked() -> None:
    boxes = np.array([[0, 0, 40, 40], [0, 0, 20, 20], [30, 0, 50, 20], [100, 0, 110, 10], [98, 0, 130, 30.0]])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert suppressed(boxes, scores).tolist() == [0, 1, 2, 3, 4]
    assert suppressed(boxes, scores, inside=0.8).tolist() == [0, 2, 3]
    assert suppressed(boxes, scores, inside=0.4).tolist() == [0, 3]
