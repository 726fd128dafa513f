import re

import numpy as np
import pytest
import torch

from app.core.errors import ConfigurationError
from app.worker.device import describe_numerics, open_device, pin_slots


@pytest.fixture(autouse=True)
def _keep_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_without_a_gpu_the_cpu_computes(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert torch.device("cpu") == open_device(name, 1)
    assert 1 == torch.get_num_threads()


def test_a_gpu_that_is_asked_for_must_be_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(ConfigurationError, match="CUDA"):
        open_device("cuda", 1)


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_a_gpu_that_is_there_is_taken_with_exact_arithmetic(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    device = open_device(name, 1)

    assert torch.device("cuda") == device
    assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.deterministic


def test_the_numerics_of_a_cpu_name_its_instruction_set():
    assert re.fullmatch(r"torch-\d+\.\d+\.\d+/cpu/[a-z0-9 _]+", describe_numerics(torch.device("cpu")))


def test_the_numerics_of_a_gpu_name_its_generation(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))

    assert describe_numerics(torch.device("cuda")).endswith("/cuda/sm_90")


class FakeRuntime:
    """The part of the CUDA runtime that registers memory."""

    class cudaError:  # noqa: N801 - its name in CUDA
        success = 0

    def __init__(self, status):
        self.registered = []
        self._status = status

    def cudaHostRegister(self, address, num_bytes, flags):  # noqa: N802 - its name in CUDA
        self.registered.append((address, num_bytes, flags))
        return self._status


@pytest.mark.parametrize("status", [0, 2])
def test_a_gpu_may_write_into_the_slots_if_it_can(monkeypatch, status):
    runtime = FakeRuntime(status)
    monkeypatch.setattr(torch.cuda, "cudart", lambda: runtime)
    slots = np.zeros((2, 4096), dtype=np.uint8)

    pin_slots(slots, torch.device("cuda"))

    assert [(slots.ctypes.data, 8192, 0)] == runtime.registered


def test_a_cpu_needs_no_pinned_slots(monkeypatch):
    runtime = FakeRuntime(0)
    monkeypatch.setattr(torch.cuda, "cudart", lambda: runtime)

    pin_slots(np.zeros((2, 4096), dtype=np.uint8), torch.device("cpu"))

    assert [] == runtime.registered
