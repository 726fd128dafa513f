"""What one application shares between its requests, made once in ``app.main``; and how routes ask for it."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Request

from app.api.encoding import Encoder
from app.api.metrics import Metrics
from app.api.rates import Rates
from app.api.uploads import UploadMemory
from app.augmentation.pool import Augmenters
from app.core.settings import Settings
from app.decoding.pool import Decoders
from app.repository.store import ModelRepository
from app.schemas.names import ALIAS_PATTERN, NAME_PATTERN, SELECTOR_PATTERN
from app.serving.engine import Engine


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that routes work with."""

    settings: Settings
    engine: Engine
    repository: ModelRepository
    metrics: Metrics
    encoder: Encoder
    decoders: Decoders
    augmenters: Augmenters
    uploads: UploadMemory
    rates: Rates


async def _find_services(request: Request) -> Services:  # async: FastAPI sends others to a thread
    services: Services = request.app.state.services
    return services


ServicesDep: TypeAlias = Annotated[Services, Depends(_find_services)]

ModelName: TypeAlias = Annotated[str, Path(pattern=rf"^{NAME_PATTERN}$", description="Name of a model.")]
Selector: TypeAlias = Annotated[str, Path(pattern=rf"^{SELECTOR_PATTERN}$", description="Version number, or an alias.")]
AliasName: TypeAlias = Annotated[str, Path(pattern=rf"^{ALIAS_PATTERN}$", description="Name of an alias.")]
Number63: TypeAlias = Annotated[str, Path(pattern=r"^(?:0|[1-9][0-9]{0,18})$", description="In [0, 2**63).")]
