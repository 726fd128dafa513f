"""Weights to bytes and back; safetensors only, so that reading a file never runs code."""

from collections.abc import Callable, Mapping
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from app.core.errors import UnsupportedArchitectureError
from app.generators.base import Encoder, Generator, Network, SampleSpace
from app.generators.header import check_header
from app.generators.registry import find_architecture
from app.repository.manifest import Manifest, Part

GENERATOR: Part = "generator"
ENCODER: Part = "encoder"

_RANDOM_FILLS = frozenset({"normal_", "uniform_", "trunc_normal_"})


def dump_weights(modules: Mapping[Part, nn.Module]) -> bytes:
    """Write the weights of named parts as float32 safetensors; keys are ``<part>.<parameter>``."""
    tensors = {
        f"{part}.{name}": tensor.detach().to("cpu", copy=True).contiguous()
        for part, module in modules.items()
        for name, tensor in module.state_dict().items()
    }
    return bytes(safetensors.torch.save(tensors))


def load_generator(manifest: Manifest, weights: bytes) -> Generator:
    """Build the generator that a manifest describes and fill in its weights.

    Returns:
        The generator on the CPU, in evaluation mode, in float32.

    Raises:
        UnsupportedArchitectureError: If this build lacks the architecture, a hyperparameter is out of bounds, or the
            weights are not those of the architecture.
    """
    return _load_part(manifest, weights, GENERATOR, find_architecture(manifest.architecture).generator)


def load_parts(networks: Mapping[Part, nn.Module], weights: bytes) -> None:
    """Fill networks with weights that ``dump_weights`` wrote for the same ones.

    Raises:
        UnsupportedArchitectureError: If they do not fit.
    """
    try:
        tensors = _read_tensors(weights)
        for part, network in networks.items():
            network.load_state_dict(_select_part(tensors, part))
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise UnsupportedArchitectureError("the weights are not those of these networks") from error


def load_encoder(manifest: Manifest, weights: bytes) -> Encoder:
    """Build the encoder that a manifest describes and fill in its weights.

    Returns:
        The encoder on the CPU, in evaluation mode, in float32.

    Raises:
        UnsupportedArchitectureError: If the version has no encoder, or as for ``load_generator``.
    """
    build = find_architecture(manifest.architecture).encoder
    if build is None or ENCODER not in manifest.parts:
        raise UnsupportedArchitectureError("this version has no encoder")
    return _load_part(manifest, weights, ENCODER, build)


def _load_part(manifest: Manifest, weights: bytes, part: Part, build: Callable[[Any, SampleSpace], Network]) -> Network:
    config = find_architecture(manifest.architecture).parse(manifest.hyperparameters)
    space = SampleSpace(manifest.image, manifest.latent_dim, manifest.num_classes, manifest.latent_prior)
    with torch.device("meta"), _WithoutInit():
        network = build(config, space)
    try:
        tensors = _read_tensors(weights)
        network.load_state_dict(_select_part(tensors, part), strict=True, assign=True)
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise UnsupportedArchitectureError("the weights do not fit the architecture in the manifest") from error
    return network.requires_grad_(requires_grad=False).eval()


class _WithoutInit(TorchFunctionMode):
    """Leaves out random fills: on the meta device they cost a second of imports, and the weights come from a file."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", None) in _RANDOM_FILLS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def _read_tensors(weights: bytes) -> dict[str, torch.Tensor]:
    check_header(weights)
    return dict(safetensors.torch.load(weights))


def _select_part(tensors: Mapping[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
