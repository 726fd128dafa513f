"""DCGAN: stacked transposed convolutions with batch norm; the fastest first picture.

Source:
    Radford et al. 2016, "Unsupervised representation learning with deep convolutional generative adversarial
    networks", section 3 and figure 1. Here the discriminator has no batch norm and smooth activations, so that
    gradient penalties, which are second derivatives per image, hold.
"""

from collections.abc import Sequence

from pydantic import Field
from torch import nn

from app.generators.base import (
    ArchitectureConfig,
    Discriminator,
    Flatten,
    Generator,
    Images,
    Labels,
    LatentInput,
    Latents,
    ProjectionHead,
    Pyramid,
    SampleSpace,
    Scores,
    Unflatten,
)

INIT_STD = 0.02


class DcganConfig(ArchitectureConfig):
    """Widths of both networks."""

    base_width: int = Field(64, ge=4, le=512, description="Channels at half the image size; doubled per octave.")
    max_width: int = Field(512, ge=4, le=1024, description="Most channels at any level.")


class DcganGenerator(Generator):
    """Dense layer to the coarsest level, then one transposed convolution per doubling."""

    def __init__(self, config: DcganConfig, space: SampleSpace) -> None:
        super().__init__(space)
        self.pyramid = Pyramid.for_image(space.image)
        widths = [
            self.pyramid.channels_at(level, config.base_width, config.max_width) for level in range(self.pyramid.levels)
        ]
        self.input = LatentInput(space)
        self.dense = nn.Linear(self.input.features, widths[0] * self.pyramid.base_pixels, bias=False)
        self.place = Unflatten(self.pyramid.height, self.pyramid.width)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for narrow, wide in zip(widths[1:], widths[:-1], strict=True):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], space.image.channels, 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(_initialise)

    def forward(self, latents: Latents, labels: Labels | None) -> Images:
        """See ``Generator.forward``."""
        features = self.place(self.dense(self.input(latents, labels)))
        return self.pyramid.crop(self.layers(features), self.image)

    def chains(self) -> list[Sequence[nn.Module]]:
        """See ``Generator.chains``."""
        return [(self.dense, self.place, *self.layers)]


class DcganDiscriminator(Discriminator):
    """One strided convolution per halving, a dense layer that sees the whole image, then a projection head.

    Without the dense layer, the score of a 28 x 28 image is a sum over patches of 10 x 10 pixels, which one image per
    class can satisfy.
    """

    def __init__(self, config: DcganConfig, space: SampleSpace) -> None:
        super().__init__(space)
        self.pyramid = Pyramid.for_image(space.image)
        layers: list[nn.Module] = []
        channels: int = space.image.channels
        for level in reversed(range(self.pyramid.levels)):
            width = self.pyramid.channels_at(level, config.base_width, config.max_width)
            layers += [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.SiLU()]
            channels = width
        hidden = min(4 * config.base_width, config.max_width)
        layers += [Flatten(), nn.Linear(channels * self.pyramid.base_pixels, hidden), nn.SiLU()]
        self.layers = nn.Sequential(*layers)
        self.apply(_keep_scale)
        self.head = ProjectionHead(hidden, space.num_classes)

    def forward(self, images: Images, labels: Labels | None) -> Scores:
        """See ``Discriminator.forward``."""
        scores: Scores = self.head(self.layers(self.pyramid.pad(images)), labels)
        return scores


def _initialise(module: nn.Module) -> None:
    """Draw weights as the paper does: normal with standard deviation 0.02."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, std=INIT_STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, mean=1.0, std=INIT_STD)


def _keep_scale(module: nn.Module) -> None:
    """Draw weights that pass signals on as large as they came: the paper's small ones count on batch norm for that.

    Source:
        He et al. 2015, "Delving deep into rectifiers", equation 10.
    """
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
