import re

import pytest
import torch

from app.core.errors import ConfigurationError
from app.worker.device import describe_numerics, open_device


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
    assert re.fullmatch(
        r"torch-\d+\.\d+\.\d+/cpu/[a-z0-9 _]+/float32/channels_last", describe_numerics(torch.device("cpu"))
    )


def test_the_numerics_of_a_gpu_name_its_generation(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))

    assert "/cuda/sm_90/" in describe_numerics(torch.device("cuda"))
