"""Batch norm without its cost: a fixed scale and shift per channel, put into the weights of the layer beside it."""

from collections.abc import Sequence
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor, nn

from app.generators.base import Generator, Unflatten

Channels: TypeAlias = Float[Tensor, " channels"]

_SILENT = (Unflatten, nn.Identity)  # change no value, and keep the channels the last axis in memory


def fold_batch_norms(generator: Generator) -> int:
    """Put batch norms into the weights of neighbouring layers, in place, wherever that is the same function.

    A norm goes into the layer before it; where that is none, into a dense layer or a convolution behind it that adds no
    zeros at the border, since the norm would have shifted those. Weights are computed in float64 and rounded once.

    Args:
        generator: In evaluation mode, in float32, on any device.

    Returns:
        How many norms are gone.

    Source:
        Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
        inference", equation 14.
    """
    return sum(_fold_chain(generator, chain) for chain in generator.chains())


def _fold_chain(generator: Generator, chain: Sequence[nn.Module]) -> int:
    layers = [module for module in chain if not isinstance(module, _SILENT)]
    folded = 0
    for number, norm in enumerate(layers):
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) and norm.track_running_stats:
            before = layers[number - 1] if number else None
            after = layers[number + 1] if number + 1 < len(layers) else None
            if _fold(norm, before, after):
                _remove(generator, norm)
                folded += 1
    return folded


def _fold(norm: nn.BatchNorm1d | nn.BatchNorm2d, before: nn.Module | None, after: nn.Module | None) -> bool:
    scale, shift = _read_norm(norm)
    if isinstance(before, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        _fold_into_outputs(before, scale, shift)
    elif isinstance(after, nn.Linear | nn.Conv2d) and _takes(after, len(scale)):
        _fold_into_inputs(after, scale, shift)
    else:
        return False
    return True


def _read_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Channels, Channels]:
    """Return scale and shift of each channel, in float64."""
    mean, variance = norm.get_buffer("running_mean").double(), norm.get_buffer("running_var").double()
    scale = (variance + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight.double()
    return scale, (norm.bias.double() if norm.affine else 0.0) - mean * scale


def _fold_into_outputs(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, scale: Channels, shift: Channels) -> None:
    """Let a layer scale and shift what it puts out; a dense layer has each channel once per pixel, channels last."""
    weight = layer.weight.double()
    if isinstance(layer, nn.Linear):
        repeats = layer.out_features // len(scale)
        scale, shift = scale.repeat(repeats), shift.repeat(repeats)
        weight = weight * scale[:, None]
    elif isinstance(layer, nn.ConvTranspose2d):  # (groups x inputs, outputs, height, width)
        by_group = weight.reshape(layer.groups, -1, *weight.shape[1:])
        weight = (by_group * scale.reshape(layer.groups, 1, -1, 1, 1)).flatten(0, 1)
    else:
        weight = weight * scale[:, None, None, None]
    _fill(layer, weight, shift if layer.bias is None else layer.bias.double() * scale + shift)


def _fold_into_inputs(layer: nn.Linear | nn.Conv2d, scale: Channels, shift: Channels) -> None:
    """Let a layer scale and shift what it takes in."""
    weight = layer.weight.double()
    if isinstance(layer, nn.Linear):
        scaled, added = weight * scale, weight @ shift
    else:  # (groups x outputs, inputs, height, width)
        by_group = weight.reshape(layer.groups, -1, *weight.shape[1:])
        shape = (layer.groups, 1, -1, 1, 1)
        scaled = (by_group * scale.reshape(shape)).flatten(0, 1)
        added = (by_group * shift.reshape(shape)).sum(dim=(2, 3, 4)).flatten()
    _fill(layer, scaled, added if layer.bias is None else layer.bias.double() + added)


def _takes(layer: nn.Linear | nn.Conv2d, channels: int) -> bool:
    """Whether a layer takes in these channels and nothing else, such as zeros around them."""
    if isinstance(layer, nn.Linear):
        return layer.in_features == channels
    return layer.padding_mode != "zeros" or layer.padding in {(0, 0), "valid"}


def _fill(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, weight: Tensor, bias: Tensor) -> None:
    layer.weight = nn.Parameter(weight.float(), requires_grad=False)
    layer.bias = nn.Parameter(bias.float(), requires_grad=False)


def _remove(generator: Generator, norm: nn.Module) -> None:
    for parent in generator.modules():
        for name, child in parent.named_children():
            if child is norm:
                setattr(parent, name, nn.Identity())
