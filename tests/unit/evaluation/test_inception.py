import hashlib

import numpy as np
import pytest
import safetensors.torch
import torch

from app.core.errors import ConfigurationError
from app.evaluation.inception import FeatureNetwork, open_inception
from app.evaluation.inception_network import InceptionV3
from tests.factories import TinyEyes, make_inception


@pytest.fixture
def tensors():
    """Zeros of the right names and shapes, 90 MiB."""
    with torch.device("meta"):
        state = InceptionV3().state_dict()
    return {name: torch.zeros(tensor.shape, dtype=tensor.dtype) for name, tensor in state.items()}


@pytest.fixture
def save(tmp_path):
    path = tmp_path / "inception.safetensors"

    def write(tensors):
        safetensors.torch.save_file(tensors, path)
        return path

    yield write
    path.unlink(missing_ok=True)  # 90 MiB


@pytest.mark.parametrize("has_counters", [True, False], ids=["counters", "no-counters"])
def test_weights_are_read_by_name(tensors, save, has_counters):
    tensors["fc.weight"][3, 5] = 2.0
    path = save({name: tensor for name, tensor in tensors.items() if has_counters or not name.endswith("tracked")})

    inception = open_inception(path)

    assert isinstance(inception.network, FeatureNetwork)
    assert 2.0 == inception.network.fc.weight[3, 5].item()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == inception.sha256
    assert not inception.network.training
    assert not any(tensor.is_meta for tensor in inception.network.state_dict().values())


@pytest.mark.parametrize(
    ("given", "counts", "fields"),
    [
        ({}, "471 missing, 0 unknown, 0 of another", {}),
        ({"AuxLogits.fc.bias": torch.zeros(3)}, "471 missing, 1 unknown", {"unknown": ["AuxLogits.fc.bias"]}),
        ({"fc.weight": torch.zeros(1000, 2048)}, "1 of another", {"of_another_shape_or_type": ["fc.weight"]}),
        ({"fc.weight": torch.zeros(1008, 2048).half()}, "1 of another", {"of_another_shape_or_type": ["fc.weight"]}),
    ],
    ids=["missing", "unknown", "shape", "type"],
)
def test_other_tensors_are_refused_by_name(save, given, counts, fields):
    path = save({"fc.bias": torch.zeros(1008), **given})

    with pytest.raises(ConfigurationError, match=counts) as caught:
        open_inception(path)

    first = [f"Conv2d_1a_3x3.bn.{part}" for part in ("bias", "running_mean", "running_var")]
    assert {"missing": first, **fields} == caught.value.fields
    assert "docs/evaluation.md says how to make the file" in caught.value.detail


def test_a_file_that_is_no_safetensors_is_refused(tmp_path):
    path = tmp_path / "inception.pth"
    path.write_bytes(b"PK\x03\x04" + bytes(60))

    with pytest.raises(ConfigurationError, match=r"not a safetensors file; docs/evaluation\.md"):
        open_inception(path)


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_file_that_cannot_be_read_is_told(tmp_path, name):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        open_inception(tmp_path / name)


def test_looking_does_not_depend_on_what_else_is_looked_at(make_halves):
    images, inception, calls = make_halves(70).images, make_inception(), []

    look = inception.look(images, on_progress=lambda *at: calls.append(at))

    assert [(32, 70), (64, 70), (70, 70)] == calls
    assert np.array_equal(look.features[40:], inception.look(images[40:]).features)
    assert np.array_equal(TinyEyes().features(torch.from_numpy(images)).double().numpy(), look.features)
    assert np.allclose(1.0, look.probabilities.sum(axis=1))
