import gc
import weakref

import pytest
import torch

from app.core.errors import OutOfDeviceMemoryError
from app.schemas.jobs import ModelRef
from app.worker import halving
from app.worker.halving import LOWERED_S, Halving
from tests.fakes import FakeClock

MODEL = ModelRef("digits", 1, "d" * 64)
SIZES = (64, 16, 4)


class Device:
    """Computes rows as themselves, up to a size; remembers what it was asked."""

    def __init__(self, largest, error=lambda: torch.OutOfMemoryError("full")):
        self.largest = largest
        self.error = error
        self.asked = []
        self.held = []

    def __call__(self, rows, size):
        self.asked.append((rows.start, rows.stop, size))
        activations = torch.zeros(1000)
        self.held.append(weakref.ref(activations))
        if size > self.largest:
            raise self.error()
        return torch.arange(rows.start, rows.stop, dtype=torch.uint8)


def make_halving(clock=None):
    return Halving(torch.device("cpu"), clock or FakeClock())


def test_a_batch_that_fits_is_computed_whole():
    device = Device(64)

    pixels = make_halving().compute(MODEL, 40, SIZES, device)

    assert list(range(40)) == pixels.tolist()
    assert [(0, 40, 64)] == device.asked


@pytest.mark.parametrize(
    "error",
    [
        lambda: torch.OutOfMemoryError("full"),
        MemoryError,
        lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
        lambda: RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
    ids=["torch", "python", "cpu allocator", "cudnn"],
)
def test_a_batch_that_does_not_fit_is_computed_in_parts(error):
    device = Device(16, error)

    pixels = make_halving().compute(MODEL, 40, SIZES, device)

    assert list(range(40)) == pixels.tolist()
    assert [(0, 40, 64), (0, 16, 16), (16, 32, 16), (32, 40, 16)] == device.asked


def test_without_memory_for_the_smallest_size_there_is_an_error_with_a_time():
    with pytest.raises(OutOfDeviceMemoryError) as refusal:
        make_halving().compute(MODEL, 40, SIZES, Device(1))

    assert 1 <= refusal.value.fields["retry_after_s"]


def test_what_did_not_fit_is_not_tried_again_for_a_while():
    clock, device = FakeClock(), Device(4)
    tries = make_halving(clock)
    tries.compute(MODEL, 3, SIZES, device)
    device.asked.clear()

    tries.compute(MODEL, 3, SIZES, device)
    clock.now += LOWERED_S
    device.largest = 64
    tries.compute(MODEL, 3, SIZES, device)

    assert [(0, 3, 4), (0, 3, 64)] == device.asked


def test_the_smallest_size_is_always_tried():
    device = Device(1)
    tries = make_halving()
    for _ in range(2):
        with pytest.raises(OutOfDeviceMemoryError):
            tries.compute(MODEL, 3, SIZES, device)
    device.largest = 4

    assert [0, 1, 2] == tries.compute(MODEL, 3, SIZES, device).tolist()


def test_other_errors_are_not_held_back():
    with pytest.raises(RuntimeError, match="no such kernel"):
        make_halving().compute(MODEL, 3, SIZES, Device(1, lambda: RuntimeError("no such kernel")))


def test_nothing_is_kept_of_a_thousand_batches_without_memory(monkeypatch):
    freed = []
    monkeypatch.setattr(halving, "give_back_memory", lambda: freed.append(1))
    clock, device = FakeClock(), Device(1)
    tries = make_halving(clock)
    gc.disable()
    try:
        for _ in range(1000):
            clock.now += LOWERED_S
            with pytest.raises(OutOfDeviceMemoryError):
                tries.compute(MODEL, 3, SIZES, device)
    finally:
        gc.enable()

    assert 3000 == len(device.held) == len(freed)
    assert not any(held() is not None for held in device.held)
    assert 1 == len(tries._lowered)


def test_a_version_that_is_forgotten_is_tried_whole_again():
    device = Device(16)
    tries = make_halving()
    tries.compute(MODEL, 3, SIZES, device)
    device.asked.clear()

    tries.forget(MODEL)
    tries.compute(MODEL, 3, SIZES, device)

    assert (0, 3, 64) == device.asked[0]


def test_a_gpu_is_given_its_memory_back_between_tries(monkeypatch):
    freed = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: freed.append(1))

    Halving(torch.device("cuda"), FakeClock()).compute(MODEL, 3, SIZES, Device(4))

    assert [1, 1] == freed
