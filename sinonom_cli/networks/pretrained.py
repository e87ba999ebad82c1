"""Load the weights that a training begins from, out of a file or timm's hub, and say which of them were loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError, need
from sinonom_cli.networks.directmap import WIDTHS

PRETRAINED = "pretrained"


def fetch_pretrained(backbone: str, option: str = "--weights") -> Path:
    """Download the weights that timm's authors trained, unless the hub's cache has them; say which they are.

    Parameters
    ----------
    option : command-line option that asks for them, for error messages.

    Raises
    ------
    SinonomError
        If there are none for this backbone, or they cannot be downloaded.
    """
    timm = need("timm", "train")
    known = timm.get_pretrained_cfg(backbone) if backbone not in WIDTHS else None
    if known is None or not known.hf_hub_id:
        raise SinonomError(
            f"there are no pretrained weights for backbone {backbone}",
            f"leave out {option}, or give {option} FILE.safetensors, for example a model's model.safetensors",
        )
    hub = known.hf_hub_id
    hugging_face = need("huggingface_hub", "train")
    name = "model.safetensors"
    cached = hugging_face.try_to_load_from_cache(hub, name)
    if isinstance(cached, str):
        messages.say(f"weights of {hub}, downloaded before")
        return Path(cached)
    messages.say(
        f"downloading the weights of {hub} from the Hugging Face hub (licence: {known.license or 'not stated'})"
    )
    try:
        return Path(hugging_face.hf_hub_download(hub, name, etag_timeout=10))
    except Exception as error:  # a missing network or file and a proxy each raise their own
        reason = str(error).strip().partition("\n")[0][:120]
        raise SinonomError(
            f"cannot download the weights of {hub}: {reason}",
            f"download {name} of {hub} on a machine that has a network, then give {option} {name}",
        ) from error


def load_weights(network: nn.Module, path: Path) -> None:
    """Load weights into a network of `backbones.build`; say what was loaded, what stays fresh and what was not used.

    The file may hold a model of ours or a timm checkpoint for the same backbone. As timm does, kernels on three
    channels are summed to one, and position embeddings of transformers are interpolated. The file must hold all of the
    backbone's tensors; if its head has another length or is missing, the network's head stays fresh.

    Raises
    ------
    SinonomError
        If the file is not in safetensors format, or belongs to another backbone.
    """
    found = _fitted(network, _named(network, _read(path)))
    wanted = {k: v for k, v in network.state_dict().items() if not k.startswith("maps.")}  # constants of the input size
    loaded = {k: v for k, v in found.items() if k in wanted and v.shape == wanted[k].shape}
    lacking = [k for k in wanted if k not in loaded and not k.endswith("num_batches_tracked")]
    body = [k for k in lacking if not k.startswith("head.")]
    if body:
        what = f"{body[0]} is {_shape(found[body[0]])}, not {_shape(wanted[body[0]])}" if body[0] in found else body[0]
        raise SinonomError(
            f"{path} lacks {len(body)} of the backbone's {len(wanted)} tensors, or has them in other shapes: {what}",
            "give the --backbone and --stem-stride that these weights were made with",
        )
    network.load_state_dict(loaded, strict=False)
    text = f"weights: {len(loaded)} tensors from {path}"
    if lacking:
        text += f"; fresh: {_some(lacking)}"
    if unused := [k for k in found if k not in loaded and k not in lacking and not k.startswith("maps.")]:
        text += f"; not used: {_some(unused)}"
    messages.say(text)


def _read(path: Path) -> dict[str, Tensor]:
    safetensors = need("safetensors", "train")
    if not path.is_file():
        raise SinonomError(f"{path} is not a file", "--weights FILE.safetensors, or --weights pretrained")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
    except (safetensors.SafetensorError, OSError) as error:
        raise SinonomError(
            f"{path} is not in safetensors format: {' '.join(str(error).split())[:120]}",
            "write it with safetensors.torch.save_file; pickled checkpoints (.pth, .pt) are refused: they can run code",
        ) from error


def _named(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors the network's names; they may come from a network, a classifier or a backbone alone."""
    if any(name.startswith("network.") for name in tensors):
        return {k.removeprefix("network."): v for k, v in tensors.items()}
    backbone = getattr(network, "backbone", None)
    if backbone is None or any(name.startswith("backbone.") for name in tensors):
        return tensors
    module = sys.modules[type(backbone).__module__]
    mend: Any = getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_checkpoint_filter_fn", None)
    if mend:
        tensors = mend(tensors, backbone)
    return {f"backbone.{k}": v for k, v in tensors.items()}


def _fitted(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Sum kernels on three colour channels to kernels on one channel."""
    from timm.models import adapt_input_conv

    wanted = network.state_dict()
    return {
        k: adapt_input_conv(1, v) if k in wanted and v.ndim == 4 and v.shape[1] == 3 and wanted[k].shape[1] == 1 else v
        for k, v in tensors.items()
    }


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
