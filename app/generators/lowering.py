"""A generator in bfloat16: half the bytes per number, and 8 bits of precision instead of 24."""

import torch
from torch import nn

from app.generators.base import Generator, Images, Labels, Latents


class Bfloat16Generator(Generator):
    """Computes products in bfloat16 and what is sensitive in float32; images come out in float32.

    Args:
        generator: In evaluation mode; weights of its dense layers and convolutions are rounded, in place.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__(generator.space)
        self.generator = generator
        for layer in find_products(generator):
            layer.to(torch.bfloat16)
        self.eval()

    def forward(self, latents: Latents, labels: Labels | None) -> Images:
        """See ``Generator.forward``."""
        with torch.autocast(latents.device.type, torch.bfloat16, cache_enabled=False):
            images: Images = self.generator(latents, labels)
        return images.float()


def find_products(network: nn.Module) -> list[nn.Module]:
    """List the layers that multiply matrices: all that precision makes faster or slower."""
    return [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
