"""A head that normalises its embedding while a network learns, and the linear layer that replaces it afterwards."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from sinonom_cli.networks.directmap import Head  # noqa: E402
from sinonom_cli.networks.normalised_head import NormalisedHead, make_plain  # noqa: E402


def test_features_that_are_nearly_one_point_become_embeddings_that_are_far_apart() -> None:
    torch.manual_seed(0)
    features = 5 + 1e-2 * torch.randn(64, 20)
    plain, head = Head(20, 8), NormalisedHead(20, 8)
    cosines = [nn.functional.normalize(each(features), dim=1) for each in (plain, head)]
    near, far = (float((rows @ rows.T).mean()) for rows in cosines)
    assert near > 0.99 and abs(far) < 0.1


def test_a_batch_is_normalised_as_a_loop_over_dimensions_does_it() -> None:
    torch.manual_seed(1)
    head, features = NormalisedHead(5, 3), torch.randn(10, 5)
    found = head(features).detach().numpy()
    weight, bias = head.weight.detach().double().numpy(), head.bias.detach().double().numpy()
    for k in range(3):
        values = np.array([(row * weight[k]).sum() + bias[k] for row in features.double().numpy()])
        np.testing.assert_allclose(found[:, k], (values - values.mean()) / np.sqrt(values.var() + 1e-5), atol=1e-5)
        assert float(head.running_mean[k]) == pytest.approx(0.1 * values.mean(), abs=1e-6)


def test_the_plain_head_embeds_as_the_normalised_one_does_after_the_training() -> None:
    torch.manual_seed(2)
    network = nn.Module()
    network.head = NormalisedHead(6, 4)
    for _ in range(5):
        network.head(3 * torch.randn(16, 6) + 1)
    pictures = torch.randn(7, 6)
    expected = network.head.eval()(pictures)
    classifier = nn.Module()
    classifier.network = network
    make_plain(classifier)
    assert type(network.head) is Head and set(network.head.state_dict()) == {"weight", "bias"}
    torch.testing.assert_close(network.head(pictures), expected, atol=1e-5, rtol=1e-5)
