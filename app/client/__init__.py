"""The Python client: samples, augmentation and datasets of a running service, as arrays, pictures and tensors.

Knows the service by HTTP alone. What is listed here is public; a name is imported when it is used, so that neither
``import app.client`` nor the plugin of pytest costs anybody much, and torch is only there for those who use it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.client.async_client import AsyncClient
    from app.client.augmented import Augmented, AugmentedImage
    from app.client.balanced import Balanced
    from app.client.client import Client
    from app.client.dataset import AsyncDataset, Dataset, Shard
    from app.client.errors import (
        AccessError,
        BrokenAnswerError,
        CapacityError,
        ConflictError,
        FountError,
        InvalidRequestError,
        NotFoundError,
        ServiceFailedError,
        UnreachableError,
    )
    from app.client.retrying import RetryPolicy
    from app.client.samples import Sample, Samples
    from app.client.synthetic import SyntheticDataset

_PLACES = {
    "AccessError": "errors",
    "AsyncClient": "async_client",
    "AsyncDataset": "dataset",
    "Augmented": "augmented",
    "AugmentedImage": "augmented",
    "Balanced": "balanced",
    "BrokenAnswerError": "errors",
    "CapacityError": "errors",
    "Client": "client",
    "ConflictError": "errors",
    "Dataset": "dataset",
    "FountError": "errors",
    "InvalidRequestError": "errors",
    "NotFoundError": "errors",
    "RetryPolicy": "retrying",
    "Sample": "samples",
    "Samples": "samples",
    "ServiceFailedError": "errors",
    "Shard": "dataset",
    "SyntheticDataset": "synthetic",
    "UnreachableError": "errors",
}

__all__ = [
    "AccessError",
    "AsyncClient",
    "AsyncDataset",
    "Augmented",
    "AugmentedImage",
    "Balanced",
    "BrokenAnswerError",
    "CapacityError",
    "Client",
    "ConflictError",
    "Dataset",
    "FountError",
    "InvalidRequestError",
    "NotFoundError",
    "RetryPolicy",
    "Sample",
    "Samples",
    "ServiceFailedError",
    "Shard",
    "SyntheticDataset",
    "UnreachableError",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is used first."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(f"{name} takes torch, which the client does not bring: pip install torch") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
