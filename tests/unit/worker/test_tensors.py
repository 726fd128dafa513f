from typing import get_args

import numpy as np
import pytest
import torch

from app.augmentation.policy import Policy
from app.augmentation.registry import OPERATIONS
from app.augmentation.samples import check_policy, plan_samples
from app.worker import tensors
from app.worker.augmenting import execute_on_cpu
from app.worker.tensors import TensorExecutor

COUNT = 24
SHAPES = [(28, 28, 1), (20, 32, 3)]
NAMES = [one.model_fields["op"].default for one in OPERATIONS]
NOT_FOR_SAMPLES = {"mixup", "cutmix", "mosaic", "slice", "five_crop"}
FILLS = ["constant", "edge", "reflect", "wrap"]
SIZED = {
    "resize": [{"height": 14, "width": 40}, {"height": 28, "width": 28}],
    "pad": [{"px": 3}],
    "pad_to": [{"height": 40, "width": 40}],
    "crop": [{"height": 9, "width": 12}],
    "random_resized_crop": [{"height": 28, "width": 28}],
    "scale": [{"factor": [0.4, 2.0]}],
}


def fit(shape):
    """Bring pictures back to the size of samples."""
    return {"op": "resize", "height": shape[0], "width": shape[1], "interpolation": "linear"}


def list_variants(name):
    """Return an operation with each way to fill and to interpolate; whatever it does not know of is left out."""
    fields = dict(zip(NAMES, OPERATIONS, strict=True))[name].model_fields
    sized = SIZED.get(name, [{}])
    fills = [{"fill": fill} for fill in FILLS] if "interpolation" in fields and "fill" in fields else [{}]
    known = get_args(fields["interpolation"].annotation) if "interpolation" in fields else ()
    kinds = [{"interpolation": kind} for kind in known] or [{}]
    return [{"op": name, **size, **fill, **kind} for size in sized for fill in fills for kind in kinds]


def make_pixels(shape, count=COUNT):
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (count, *shape), dtype=np.uint8))


def make_plan(ops, shape, indices):
    policy = Policy.model_validate({"ops": ops})
    check_policy(policy, shape)
    return plan_samples(policy.ops, 7, np.asarray(indices), shape)


def share_of_agreement(ops, shape):
    plan, pixels = make_plan(ops, shape, range(COUNT)), make_pixels(shape)
    outputs = [execute(plan, pixels.clone()) for execute in (execute_on_cpu, TensorExecutor(torch.device("cpu")))]
    differences = np.abs(outputs[0].numpy().astype(np.int16) - outputs[1].numpy())
    return float((differences <= 1).mean())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", sorted(set(NAMES) - NOT_FOR_SAMPLES))
def test_both_executors_agree_to_a_level(name, shape):
    shares = [share_of_agreement([one, fit(shape)], shape) for one in list_variants(name)]

    assert min(shares) >= 0.999


def test_chains_agree_to_a_level():
    ops = [
        {"op": "rotate", "fill": "reflect"},
        {"op": "elastic"},
        {"op": "affine", "p": 0.5},
        {"op": "contrast", "p": 0.5},
        {"op": "gamma"},
        {"op": "one_of", "ops": [{"op": "equalise"}, {"op": "zoom"}, {"op": "gaussian_noise", "per_channel": False}]},
    ]

    assert share_of_agreement(ops, (32, 32, 3)) >= 0.999


def test_what_becomes_of_a_sample_does_not_hang_on_the_others():
    ops = [
        {"op": "scale", "factor": [0.4, 2.0]},
        {"op": "elastic", "p": 0.5},
        {"op": "hue"},
        {"op": "gaussian_noise", "p": 0.5},
        fit((28, 28)),
    ]
    pixels = make_pixels((28, 28, 3))
    execute = TensorExecutor(torch.device("cpu"))
    together = execute(make_plan(ops, (28, 28, 3), range(COUNT)), pixels)

    alone = [execute(make_plan(ops, (28, 28, 3), [index]), pixels[index, None])[0] for index in range(COUNT)]

    assert torch.equal(torch.stack(alone), together)


def test_many_large_pictures_are_computed_in_parts(monkeypatch):
    plan, pixels = make_plan([{"op": "rotate"}], (28, 28, 1), range(COUNT)), make_pixels((28, 28, 1))
    execute = TensorExecutor(torch.device("cpu"))
    together = execute(plan, pixels)

    monkeypatch.setattr(tensors, "_PIXELS_AT_ONCE", 5 * 28 * 28)

    assert torch.equal(together, execute(plan, pixels))
