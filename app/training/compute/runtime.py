"""Where training computes: device, threads, precision."""

import contextlib
import dataclasses
import os
import statistics
import time
from typing import Literal, TypeAlias

import torch

from app.core.errors import RecipeError
from app.core.heap import keep_freed_memory
from app.generators.numerics import settle_numerics
from app.training.compute.lanes import Lanes
from app.training.config import RuntimeConfig

Precision: TypeAlias = Literal["float32", "bfloat16"]

PRECISION_TRIALS = 9
WORTHWHILE_RATIO = 0.9  # a gain below the noise is not worth the coarser numbers


@dataclasses.dataclass(frozen=True)
class Runtime:
    """A device and the precision of its matrix products; weights and losses stay float32."""

    device: torch.device
    precision: Precision
    threads: int

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """Return the context in which networks run."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def describe(self) -> str:
        """Name the device as a person would."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return f"cpu, {self.threads} threads, {torch.backends.cpu.get_cpu_capability()}"


def start_runtime(config: RuntimeConfig, lanes: Lanes | None = None) -> Runtime:
    """Choose device and precision, and set the number of threads of this process.

    Lanes of one machine share its cores out among them, and have a GPU each.

    Raises:
        RecipeError: If a GPU is asked for and there is none.
    """
    kind = config.device if config.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda" and not torch.cuda.is_available():
        raise RecipeError("runtime.device: there is no CUDA device here")
    lanes = lanes or Lanes()
    threads = config.threads or max(available_cores() // lanes.local_count, 1)
    keep_freed_memory()
    torch.set_num_threads(threads)
    settle_numerics()
    device = torch.device(kind, lanes.local_index) if kind == "cuda" else torch.device(kind)
    precision = config.precision if config.precision != "auto" else fastest_precision(device)
    return Runtime(device, precision, threads)


def available_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fastest_precision(device: torch.device) -> Precision:
    """Time a convolution both ways, in turns: some CPUs have bfloat16 instructions and are slower with them."""
    if device.type == "cpu" and not torch.cpu.get_capabilities().get("avx512_bf16"):
        return "float32"
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "float32"
    _time_convolution(device, torch.bfloat16), _time_convolution(device, torch.float32)  # both pay for their setup
    ratios = [
        _time_convolution(device, torch.bfloat16) / _time_convolution(device, torch.float32)
        for _ in range(PRECISION_TRIALS)
    ]
    return "bfloat16" if statistics.median(ratios) < WORTHWHILE_RATIO else "float32"


def _time_convolution(device: torch.device, dtype: torch.dtype) -> float:
    """Return how long a convolution and its gradients take, in seconds.

    On a CPU in time of this process, which other processes disturb less than the clock on the wall.
    """
    read_clock = time.process_time if device.type == "cpu" else time.perf_counter
    images, kernel = (
        torch.ones(shape, device=device).contiguous(memory_format=torch.channels_last).requires_grad_()
        for shape in ((16, 128, 14, 14), (128, 128, 3, 3))
    )
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = read_clock()
    with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
        torch.autograd.backward(torch.nn.functional.conv2d(images, kernel, padding=1).sum())
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return read_clock() - start
