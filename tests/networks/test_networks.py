"""Backbones of every family take sizes, strides and weights, and answer in ONNX Runtime as in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from refused import refused  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from sinonom_cli import console  # noqa: E402
from sinonom_cli.errors import ExitCode, SinonomError  # noqa: E402
from sinonom_cli.networks import pretrained  # noqa: E402
from sinonom_cli.networks.backbones import build  # noqa: E402
from sinonom_cli.networks.embedder import session_of  # noqa: E402
from sinonom_cli.networks.onnx_export import export_onnx  # noqa: E402

# Whole networks take half a minute each to export; with one block in each stage they have the same layers.
SMALL: dict[str, dict[str, Any]] = {
    "efficientvit_b0": {"depths": (1, 1, 1, 1), "widths": (8, 8, 16, 32, 64), "head_widths": (64, 64)},
}
SMALL_CAFORMER = {"depths": (1, 1, 1, 1), "dims": (8, 16, 32, 64)}
FAMILIES = [
    ("test_efficientnet", 1),
    ("mobilenetv3_small_050", 1),
    ("efficientvit_b0", 1),
    ("test_convnext", 2),
    ("caformer_s18", 2),
    ("test_vit", 8),
    ("test_resnet", 1),
]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **more: create(name, **SMALL.get(name, {}), **more))
    family = timm.models.metaformer
    make = family._create_metaformer
    monkeypatch.setattr(family, "_create_metaformer", lambda name, **more: make(name, **more | SMALL_CAFORMER))
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    console.reset()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("name", "stride"), FAMILIES)
def test_a_backbone_of_each_family_answers_in_onnx_runtime_as_in_torch(name: str, stride: int, small: None) -> None:
    network = build(name, 6, 48, stride).eval()
    for part in network.modules():  # fresh residual blocks add nothing, and would hide what is in them
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
    onnx, _ = export_onnx(network, 48)
    pictures = np.random.default_rng(0).random((5, 1, 48, 48), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(pictures)).numpy()
    (found,) = session_of(onnx, 1).run(None, {"image": pictures})
    assert found.shape == (5, 6)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "size", "plain", "stride", "fine"),
    [
        ("test_efficientnet", 64, 4, 1, 16),
        ("mobilenetv3_small_050", 128, 16, 1, 64),
        ("test_convnext", 64, 4, 2, 16),
        ("test_vit", 48, 1 + 9, 8, 1 + 36),
        ("caformer_s18", 96, 9, 1, 144),
    ],
)
def test_a_finer_stem_gives_a_finer_map(name: str, size: int, plain: int, stride: int, fine: int, small: None) -> None:
    picture = torch.rand(1, 1, size, size)
    with torch.no_grad():
        assert build(name, 4, size).eval().tokens(picture).shape[1] == plain
        assert build(name, 4, size, stride).eval().tokens(picture).shape[1] == fine


@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenetv3_small_100", "mobilenetv4_conv_small"])
def test_fresh_residual_blocks_begin_as_the_identity_and_the_others_do_not(name: str) -> None:
    network = build(name, 4, 64, 2).train()
    seen = []

    def compare(block: Any, given: Any, made: Any) -> None:
        if block.has_skip:
            seen.append(block)
            assert torch.equal(made, given[0])
        else:
            assert made.std() > 0

    for block in (part for part in network.modules() if hasattr(part, "has_skip")):
        block.register_forward_hook(compare)
    network(torch.rand(2, 1, 64, 64))
    assert len(seen) > 3


def test_tokens_are_what_is_pooled(small: None) -> None:
    network = build("test_resnet", 4, 64).eval()
    picture = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.tokens(picture).mean(dim=1), network.features(picture))


@pytest.mark.parametrize(
    ("name", "size", "stride", "words"),
    [
        ("resnet181", 64, None, "no backbone 'resnet181'"),
        ("directmap", 64, 1, "directmap has no stem"),
        ("directmap-large", 64, 1, "directmap-large has no stem"),
        ("coat_tiny", 50, None, "does not take pictures of 50 x 50"),
        ("test_vit", 50, 64, "with --stem-stride 64"),
    ],
)
def test_what_a_backbone_cannot_do_is_a_usage_error(name: str, size: int, stride: int | None, words: str) -> None:
    with pytest.raises(SinonomError, match=words) as caught:
        build(name, 4, size, stride)
    assert caught.value.code == ExitCode.USAGE and caught.value.hint
    assert "\n" not in caught.value.message


def test_weights_of_a_checkpoint_on_colours_are_loaded_and_the_account_is_given(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    other = timm.create_model("test_resnet", num_classes=9)
    save_file(other.state_dict(), tmp_path / "resnet.safetensors")
    network = build("test_resnet", 4, 64)
    head = network.head.weight.clone()
    pretrained.load_weights(network, tmp_path / "resnet.safetensors")
    body = network.backbone.state_dict()
    torch.testing.assert_close(body["conv1.0.weight"], other.state_dict()["conv1.0.weight"].sum(dim=1, keepdim=True))
    torch.testing.assert_close(body["layer4.0.conv1.weight"], other.state_dict()["layer4.0.conv1.weight"])
    assert torch.equal(network.head.weight, head)
    said = capsys.readouterr().err
    assert "fresh: head.weight, head.bias" in said
    assert "not used: backbone.fc.bias, backbone.fc.weight" in said


def test_weights_of_a_transformer_are_fitted_to_another_size(tmp_path: Any) -> None:
    other = timm.create_model("test_vit", num_classes=0)
    save_file(other.state_dict(), tmp_path / "vit.safetensors")
    network = build("test_vit", 4, 64)
    pretrained.load_weights(network, tmp_path / "vit.safetensors")
    assert network.backbone.pos_embed.shape[1] == 17
    torch.testing.assert_close(network.backbone.norm.weight, other.norm.weight)


def test_a_model_of_ours_gives_its_weights_to_another_embedding_length(tmp_path: Any) -> None:
    first, second = build("directmap", 8, 64), build("directmap", 4, 48)
    save_file(first.state_dict(), tmp_path / "model.safetensors")
    pretrained.load_weights(second, tmp_path / "model.safetensors")
    torch.testing.assert_close(second.body[0][0].weight, first.body[0][0].weight)
    assert second.head.out_features == 4


def test_weights_of_another_backbone_are_refused_and_pickles_are_not_opened(tmp_path: Any) -> None:
    save_file(build("directmap", 4, 48).state_dict(), tmp_path / "directmap.safetensors")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "model.pth")
    network = build("test_resnet", 4, 64)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    for name, words in (
        ("directmap.safetensors", "lacks .* of the backbone's"),
        ("model.pth", "not in safetensors format"),
        ("nothing.safetensors", "is not a file"),
    ):
        with pytest.raises(SinonomError, match=words) as caught:
            pretrained.load_weights(network, tmp_path / name)
        assert caught.value.code == ExitCode.BAD_INPUT
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_pretrained_weights_are_downloaded_and_said_so_or_one_line_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(hub, "hf_hub_download", lambda repo, name, **_: str(tmp_path / repo / name))
    assert (
        pretrained.fetch_pretrained("test_resnet") == tmp_path / "timm" / "test_resnet.r160_in1k" / "model.safetensors"
    )
    assert "timm/test_resnet" in capsys.readouterr().err

    def fails(*_: Any, **__: Any) -> str:
        raise OSError("no route to host\nsecond line")

    monkeypatch.setattr(hub, "hf_hub_download", fails)
    with refused(ExitCode.BAD_INPUT, "test_resnet", "--weights model.safetensors"):
        pretrained.fetch_pretrained("test_resnet")
    with refused(ExitCode.BAD_INPUT, "directmap"):
        pretrained.fetch_pretrained("directmap")
