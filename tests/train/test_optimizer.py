"""Learning rates by layer, and the moving average of the weights."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from sinonom_cli.networks.backbones import build  # noqa: E402
from sinonom_cli.networks.classifier import Classifier  # noqa: E402
from sinonom_cli.networks.moving_average import averaged, update  # noqa: E402
from sinonom_cli.train.optimizer import layer_rates, optimizer_of  # noqa: E402


def depths(backbone: str) -> dict[str, int]:
    """Return how many blocks before the last one each parameter is."""
    rates = layer_rates(build(backbone, 4, 64), 0.5)
    return {name: round(-math.log2(rate)) for name, rate in rates.items()}


@pytest.mark.parametrize(
    ("backbone", "blocks", "first", "then"),
    [
        ("directmap", 5, "body.0.0.weight", "body.2.1.bias"),
        ("efficientnet_b0", 18, "backbone.conv_stem.weight", "backbone.blocks.0.0.conv_dw.weight"),
        ("resnet18", 9, "backbone.conv1.weight", "backbone.layer1.0.conv2.weight"),
        ("vit_tiny_patch16_224", 14, "backbone.pos_embed", "backbone.blocks.0.attn.qkv.weight"),
    ],
)
def test_each_block_learns_slower_than_the_next_and_the_head_at_the_full_rate(
    backbone: str, blocks: int, first: str, then: str
) -> None:
    if backbone != "directmap":
        pytest.importorskip("timm")
    found = depths(backbone)
    assert set(found.values()) == set(range(blocks))
    assert (found[first], found[then]) == (blocks - 1, blocks - 2)
    assert not any(name.startswith("head.") for name in found)


def test_the_groups_hold_every_parameter_once_and_biases_do_not_decay() -> None:
    model = Classifier(build("directmap", 4, 32), 7, "linear")
    proxies = [nn.Parameter(torch.zeros(7, 4))]
    groups = optimizer_of(model, proxies, 0.1, 0.3, 0.5, 5.0).param_groups
    held = [id(p) for group in groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in [*model.parameters(), *proxies])
    for group in groups:
        for parameter in group["params"]:
            assert group["weight_decay"] == (0.3 if parameter.ndim >= 2 and parameter is not proxies[0] else 0.0)
    rate = {id(p): group["rate"] for group in groups for p in group["params"]}
    assert rate[id(proxies[0])] == 5.0 and rate[id(model.classify.weight)] == 1.0
    assert rate[id(model.network.body[0][0].weight)] == 0.5**4
    plain = optimizer_of(model, [], 0.1, 0.3, 1.0, 1.0).param_groups
    assert [group["rate"] for group in plain] == [1.0, 1.0]


def test_the_average_is_that_of_a_loop_and_holds_running_statistics() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = averaged(model)
    expected = {name: value.double().numpy().copy() for name, value in model.state_dict().items()}
    for step in range(1, 31):
        with torch.no_grad():
            for value in model.state_dict().values():
                value.add_(torch.randn_like(value) if value.is_floating_point() else 1)
        update(average, model, 0.6, step)
        decay = min(0.6, step / (step + 9))
        for name, value in model.state_dict().items():
            now = value.double().numpy()
            expected[name] = now if not value.is_floating_point() else decay * expected[name] + (1 - decay) * now
    for name, value in average.state_dict().items():
        np.testing.assert_allclose(value.double().numpy(), expected[name], rtol=1e-4, atol=1e-5)
    assert not any(p.requires_grad for p in average.parameters())
