"""`preprocess.prepare` for whole batches in torch: the same steps and constants, tested to give the same pictures.

Simulated pictures go through it, so that training sees what files will look like. They have no plain frame around
them and are about as large as the result, so those two steps are left out.
"""

import math

import torch
from torch import Tensor

from sinonom_cli.models import preprocess as one


def prepare_batch(grey: Tensor, size: int) -> Tensor:
    """Return what the network sees of pictures of one character each.

    Parameters
    ----------
    grey : (N, H, W) float32, 0..255, of either polarity.
    size : side of the result in pixels.

    Returns
    -------
    (N, size, size) float32 in [0, 1], 1 = ink; all 0 where a picture is blank.
    """
    ink = _ink_of(grey)
    _, height, width = ink.shape
    weight = ((ink - one.SOLID[0]) / (one.SOLID[1] - one.SOLID[0])).clamp(0, 1)
    weight = weight * torch.from_numpy(one.rim(height)).to(ink)[:, None] * torch.from_numpy(one.rim(width)).to(ink)
    row_mean, row_sd = _moments(weight.sum(dim=2))
    column_mean, column_sd = _moments(weight.sum(dim=1))
    longer = torch.maximum(row_sd, column_sd)
    rows = _resampling(row_mean, row_sd, longer, size, height)
    columns = _resampling(column_mean, column_sd, longer, size, width)
    return (rows @ ink @ columns.mT).clamp(0, 1)


def _ink_of(grey: Tensor) -> Tensor:
    low = grey.amin(dim=(1, 2))
    high = grey.amax(dim=(1, 2))
    total = grey.mean(dim=(1, 2))
    blank = torch.zeros_like(low, dtype=torch.bool)
    for step in range(one.ROUNDS + 1):
        dark = (grey <= ((low + high) / 2)[:, None, None]).to(grey.dtype)
        if step == one.ROUNDS:
            break
        share = dark.mean(dim=(1, 2))
        blank |= (share <= 0) | (share >= 1)
        below = (grey * dark).mean(dim=(1, 2))
        low, high = below / share.clamp(min=1e-9), (total - below) / (1 - share).clamp(min=1e-9)
    blank |= ~(high - low >= one.FAINTEST)
    share = dark.mean(dim=(1, 2))
    edge = torch.cat([dark[:, 0], dark[:, -1], dark[:, :, 0], dark[:, :, -1]], dim=1).mean(dim=1)
    inverted = 2 * share + edge > one.INVERTED
    ground, full = torch.where(inverted, low, high), torch.where(inverted, high, low)
    ground = ground + one.MARGIN * (full - ground)
    slope = torch.where(blank, 0, 1 / torch.where(blank, 1, full - ground))
    return ((grey - ground[:, None, None]) * slope[:, None, None]).clamp(0, 1)


def _moments(profile: Tensor) -> tuple[Tensor, Tensor]:
    length = profile.shape[1]
    place = torch.arange(length, device=profile.device, dtype=profile.dtype) + 0.5
    total = profile.sum(dim=1)
    empty = total < 1e-6
    total = total.clamp(min=1e-6)
    mean = torch.where(empty, length / 2, profile @ place / total)
    variance = (profile * (place - mean[:, None]) ** 2).sum(dim=1) / total
    return mean, torch.where(empty, length / one.SPREAD, variance.sqrt().clamp(min=1))


def _resampling(mean: Tensor, sd: Tensor, longer: Tensor, size: int, length: int) -> Tensor:
    side = one.SPREAD * sd / (math.pi / 2 * (sd / longer).clamp(min=one.NARROWEST)).sin().sqrt()
    step = (side / size)[:, None]
    place = torch.arange(size, device=mean.device, dtype=mean.dtype) + 0.5
    centre = (mean - side / 2)[:, None] + place * step
    reach = step.clamp(min=1)[:, :, None]
    beyond = math.ceil(float(reach.max())) if len(reach) else 1
    pixels = torch.arange(-beyond, length + beyond, device=mean.device, dtype=mean.dtype) + 0.5
    away = (pixels - centre[:, :, None]).abs() / reach
    weights = (1 - away).clamp(min=0)
    weights = weights / weights.sum(dim=2, keepdim=True).clamp(min=0.5)
    return weights[:, :, beyond : beyond + length]
