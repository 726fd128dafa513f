"""What goes wrong in a worker, in the words of the service."""

import torch

from app.core.errors import OutOfDeviceMemoryError, ServiceError, WorkerError
from app.core.logging import get_logger

_MEMORY_WORDS = ("out of memory", "can't allocate memory", "_ALLOC_FAILED")
_STICKY_WORDS = "CUDA error:"

_log = get_logger(__name__)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether there was no memory for something, which changes nothing for what comes after.

    Allocators on a CPU, and libraries on a GPU that allocate for themselves, say so in a plain ``RuntimeError``.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_WORDS)


def is_sticky(error: BaseException) -> bool:
    """Tell whether the device will answer nothing but this error until the process is another."""
    if is_out_of_memory(error) or not isinstance(error, RuntimeError):
        return False
    return isinstance(error, torch.AcceleratorError) or _STICKY_WORDS in str(error)


def describe_failure(error: Exception) -> ServiceError:
    """Turn what was raised into what the service may be told.

    Raises:
        Exception: The error itself where the device can only be brought back by a new process.
    """
    if isinstance(error, ServiceError):
        return error
    if is_out_of_memory(error):
        return OutOfDeviceMemoryError("the device has not enough memory for this version")
    if is_sticky(error):
        raise error
    _log.error("work-failed", exc_info=error)
    return WorkerError("the worker could not compute this; its log says why")
