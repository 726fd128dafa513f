"""What goes wrong in a worker, in the words of the service."""

import torch

from app.core.errors import OutOfDeviceMemoryError, ServiceError, WorkerError
from app.core.logging import get_logger

_log = get_logger(__name__)


def describe_failure(error: Exception) -> ServiceError:
    """Turn what was raised into what the service may be told.

    Raises:
        Exception: The error itself where the device can only be brought back by a new process.
    """
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return OutOfDeviceMemoryError("the device has not enough memory for this version")
    if isinstance(error, torch.AcceleratorError):
        raise error
    _log.error("work-failed", exc_info=error)
    return WorkerError("the worker could not compute this; its log says why")
