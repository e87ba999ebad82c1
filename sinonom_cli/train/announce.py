"""Say at the start of a training what it will do, with the settings that it takes from its network and loss."""

from __future__ import annotations

from sinonom_cli.train.config import Config
from sinonom_cli.train.progress import IN_ORDER


def described(config: Config) -> str:
    """Return one line on a phase of a training: network, weights, loss, mining, steps, pictures and rates.

    Parameters
    ----------
    config : options of the phase; in a recipe, those of its first or second one.
    """
    parts = [_network(config), _loss(config)]
    parts.append(f"{config.steps:,} steps of {config.classes * config.images} pictures")
    rate = f"learning rate {config.lr:g}"
    if config.layer_decay != 1:
        rate += f", from each layer to the one before it times {config.layer_decay:g}"
    parts.append(rate)
    if config.recover:
        parts.append("after a collapse it goes on milder")
    return "; ".join(parts)


def _network(config: Config) -> str:
    """Return the network, the size of its input and the weights that it begins with."""
    if config.resume_from is not None:
        weights = f"weights of {config.resume_from.name}"
    else:
        weights = "fresh weights" if config.weights is None else "weights that have learnt"
    return f"{config.backbone} of {config.size} pixels, {weights}"


def _loss(config: Config) -> str:
    """Return the loss, its margin, and its mining from the first step to the last."""
    words = config.loss if config.loss != "cross-entropy" else f"{config.loss} with the head {config.head}"
    if config.margin is not None:
        words += f" with margin {config.margin:g}"
    elif config.loss == "triplet":
        words += " with the margin soft"
    if config.first_mining and config.first_mining != config.mining:
        until = f"until {IN_ORDER:.0%} of a batch are in order or half of the steps are done"
        return f"{words}, mining {config.first_mining} {until}, then {config.mining}"
    return words if config.mining == "none" else f"{words}, mining {config.mining}"
