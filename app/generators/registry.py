"""Architecture name -> networks; the only place that lists them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from app.core.errors import UnsupportedArchitectureError
from app.generators.autoencoder import AutoencoderConfig, AutoencoderDecoder, AutoencoderEncoder
from app.generators.base import ArchitectureConfig, Discriminator, Encoder, Generator, SampleSpace
from app.generators.dcgan import DcganConfig, DcganDiscriminator, DcganGenerator
from app.generators.mlp_gan import MlpDiscriminator, MlpGanConfig, MlpGenerator
from app.generators.resnet_gan import ResnetDiscriminator, ResnetGanConfig, ResnetGenerator
from app.generators.template import TemplateConfig, TemplateGenerator
from app.generators.vae import VaeConfig, VaeDecoder, VaeEncoder

TrainingKind: TypeAlias = Literal["adversarial", "variational", "none"]


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A network family: its hyperparameters, and how to build its networks from them.

    A discriminator makes it adversarial, an encoder variational; with neither there is nothing to train.
    """

    config: type[ArchitectureConfig]
    generator: Callable[[Any, SampleSpace], Generator]
    discriminator: Callable[[Any, SampleSpace], Discriminator] | None = None
    encoder: Callable[[Any, SampleSpace], Encoder] | None = None

    @property
    def training(self) -> TrainingKind:
        """Which kind of training it takes."""
        if self.discriminator is not None:
            return "adversarial"
        return "none" if self.encoder is None else "variational"

    def parse(self, hyperparameters: Mapping[str, Any]) -> ArchitectureConfig:
        """Check hyperparameters.

        Raises:
            UnsupportedArchitectureError: If one is unknown or out of bounds.
        """
        try:
            return self.config.model_validate(dict(hyperparameters))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UnsupportedArchitectureError(f"hyperparameter {where}: {first['msg']}") from error


ARCHITECTURES: dict[str, Architecture] = {
    "autoencoder": Architecture(AutoencoderConfig, AutoencoderDecoder, encoder=AutoencoderEncoder),
    "dcgan": Architecture(DcganConfig, DcganGenerator, DcganDiscriminator),
    "mlp_gan": Architecture(MlpGanConfig, MlpGenerator, MlpDiscriminator),
    "resnet_gan": Architecture(ResnetGanConfig, ResnetGenerator, ResnetDiscriminator),
    "template": Architecture(TemplateConfig, TemplateGenerator),
    "vae": Architecture(VaeConfig, VaeDecoder, encoder=VaeEncoder),
}


def find_architecture(name: str) -> Architecture:
    """Look up an architecture.

    Raises:
        UnsupportedArchitectureError: If this build has none of this name.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        known = ", ".join(ARCHITECTURES)
        raise UnsupportedArchitectureError(f"this build has no such architecture; it has {known}") from None
