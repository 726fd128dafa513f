"""Architecture name -> networks; the only place that lists them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from app.core.errors import UnsupportedArchitectureError
from app.generators.base import ArchitectureConfig, Discriminator, Generator, SampleSpace
from app.generators.dcgan import DcganConfig, DcganDiscriminator, DcganGenerator
from app.generators.resnet_gan import ResnetDiscriminator, ResnetGanConfig, ResnetGenerator


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A network family: its hyperparameters and how to build both networks from them."""

    config: type[ArchitectureConfig]
    generator: Callable[[Any, SampleSpace], Generator]
    discriminator: Callable[[Any, SampleSpace], Discriminator]

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
    "dcgan": Architecture(DcganConfig, DcganGenerator, DcganDiscriminator),
    "resnet_gan": Architecture(ResnetGanConfig, ResnetGenerator, ResnetDiscriminator),
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
