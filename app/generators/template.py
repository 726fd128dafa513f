"""Pictures drawn by rules instead of a network: shapes, text and strokes with everything varied at random.

There is nothing to train. Latents are uniform, one number per thing that varies, so a truncation below 1 keeps
everything nearer to the middle of its range.
"""

from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from app.core.errors import UnsupportedArchitectureError
from app.generators.base import ArchitectureConfig, Generator, Images, Labels, Latents, SampleSpace
from app.generators.pixels import from_pixels
from app.generators.template_drawing import LATENT_DIM, draw_picture
from app.generators.template_spec import TemplateSpec
from app.repository.manifest import ImageSpec


class TemplateConfig(ArchitectureConfig):
    """What is drawn, and by which rules: rules that draw other pixels get another number."""

    rules: Literal[1] = Field(1, description="Version of the drawing rules.")
    template: TemplateSpec

    def create_space(self) -> SampleSpace:
        """Describe what the template's generator maps from and to."""
        image = ImageSpec.model_validate(self.template.image.model_dump())
        return SampleSpace(image, LATENT_DIM, len(self.template.classes), "uniform")


class TemplateGenerator(Generator):
    """Draws with Pillow, on the CPU, one picture after the other.

    Raises:
        UnsupportedArchitectureError: If the manifest around the template says something else than the template.
    """

    def __init__(self, config: TemplateConfig, space: SampleSpace) -> None:
        super().__init__(space)
        if space != config.create_space():
            raise UnsupportedArchitectureError("the template is not of the manifest's image, classes and latents")
        self.spec = config.template
        # Where pictures are wanted; weights files hold at least one number.
        self.place = nn.Parameter(torch.zeros(1))

    def forward(self, latents: Latents, labels: Labels | None) -> Images:
        """See ``Generator.forward``."""
        numbers = latents.detach().cpu().numpy()
        classes = [0] * len(numbers) if labels is None else labels.tolist()
        pictures = [draw_picture(self.spec, latent, label) for latent, label in zip(numbers, classes, strict=True)]
        pixels = torch.from_numpy(np.stack(pictures)).to(self.place.device)
        return from_pixels(pixels)
