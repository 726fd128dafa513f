"""The device that computes, and what may change pixels in the last place."""

import numpy as np
import torch
from numpy.typing import NDArray

from app.core.errors import ConfigurationError
from app.core.logging import get_logger
from app.generators.numerics import settle_numerics

_log = get_logger(__name__)


def open_device(name: str, threads: int) -> torch.device:
    """Choose the device and fix its arithmetic: float32 throughout, deterministic kernels.

    Args:
        name: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.
        threads: Compute threads on the CPU.

    Raises:
        ConfigurationError: If ``cuda`` is asked for and there is none.
    """
    torch.set_num_threads(threads)
    settle_numerics()
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ConfigurationError("no CUDA device is available; set `worker.device` to `auto` or `cpu`")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    return torch.device("cuda")


def describe_numerics(device: torch.device) -> str:
    """Name what may change pixels of all versions in the last place, for example ``torch-2.13.0/cpu/avx512``."""
    release = torch.__version__.partition("+")[0]
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        capability = f"sm_{major}{minor}"
    else:
        capability = torch.backends.cpu.get_cpu_capability().lower()
    return f"torch-{release}/{device.type}/{capability}"


def pin_slots(slots: NDArray[np.uint8], device: torch.device) -> None:
    """Let a GPU write into the shared memory itself, for as long as the process lives; without it, by a detour."""
    if device.type != "cuda":
        return
    runtime = torch.cuda.cudart()  # type: ignore[no-untyped-call]  # untyped in torch
    status = runtime.cudaHostRegister(slots.ctypes.data, slots.nbytes, 0)
    if status != runtime.cudaError.success:
        _log.warning("slots-not-pinned", status=int(status))
