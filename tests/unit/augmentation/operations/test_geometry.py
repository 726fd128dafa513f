"""What holds for every operation that moves pixels."""

import json

import numpy as np
import pytest

from app.augmentation.cpu import Renderer
from app.augmentation.draws import rows_of
from app.augmentation.frames import frames_of
from app.augmentation.policy import Policy, describe_operations
from app.augmentation.sampler import Sampler
from app.augmentation.traces import Trace, replay
from tests.augmenting import MAX_PIXELS, augment, augment_once, make_picture, make_plan, trace_of

OPERATIONS = {
    "affine": {"fill": "reflect"},
    "crop": {"fraction": [0.5, 0.9]},
    "d4": {},
    "elastic": {"px": [1, 3], "cells": 3, "fill": "edge"},
    "five_crop": {"height": 8, "width": 6},
    "flip": {},
    "grid_distortion": {},
    "pad": {"fraction": 0.2, "fill": "wrap"},
    "pad_to": {"height": 30, "width": 20, "value": 0.5},
    "perspective": {"interpolation": "cubic"},
    "random_resized_crop": {"height": 12, "width": 10},
    "resize": {"side": "longer", "px": 16},
    "rotate": {},
    "scale": {"same": False},
    "shear": {},
    "shift": {},
    "slice": {"rows": 2, "columns": 3, "overlap": 0.2},
    "transpose": {},
    "turn": {},
    "zoom": {"same": False, "value": 1.0},
}
PICTURE = make_picture(height=18, width=26)


@pytest.mark.parametrize("op", OPERATIONS)
def test_a_trace_replays_to_the_same_bytes(op):
    plan = make_plan([{"op": op, **OPERATIONS[op]}], PICTURE, copies=2, seed=5)
    traces = [Trace.model_validate_json(json.dumps({"steps": trace_of(plan, row)})) for row in range(len(plan.rows))]

    plans = replay(traces, frames_of(PICTURE, 1), MAX_PIXELS)

    for row, again in enumerate(plans):
        expected = Renderer([PICTURE], [plan]).render_one(0, row)
        np.testing.assert_array_equal(expected, Renderer([PICTURE], [again]).render_one(0, 0), strict=True)


@pytest.mark.parametrize("op", OPERATIONS)
def test_a_draw_does_not_depend_on_its_batch(op):
    policy = Policy.model_validate_json(json.dumps({"ops": [{"op": "scale"}, {"op": op, **OPERATIONS[op]}]}))

    together = Sampler(rows_of(3, 9, 4), frames_of(PICTURE, 4), MAX_PIXELS).run(policy.ops)
    alone = Sampler(rows_of(3, 9, 1, first_copy=2), frames_of(PICTURE, 1), MAX_PIXELS).run(policy.ops)

    parts = len(alone.rows)
    assert [trace_of(together, 2 * parts + part) for part in range(parts)] == [trace_of(alone, p) for p in range(parts)]


@pytest.mark.parametrize("op", OPERATIONS)
def test_an_output_has_the_size_that_was_planned(op):
    plan = make_plan([{"op": op, **OPERATIONS[op]}], PICTURE, copies=2)

    expected = list(zip(plan.after.heights.tolist(), plan.after.widths.tolist(), strict=True))

    assert expected == [output.shape[:2] for output in Renderer([PICTURE], [plan]).render(0)]


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("op", ["affine", "elastic", "pad", "random_resized_crop"])
def test_kind_and_channels_stay(op, channels, depth):
    picture = make_picture(depth, channels, height=18, width=26)

    output = augment_once(op, picture, **OPERATIONS[op])

    assert (depth, channels) == (output.dtype.name, output.shape[2])


def test_five_turns_that_cancel_out_lose_almost_nothing():
    y, x = np.mgrid[:48, :48] / 48
    picture = np.rint(127 + 60 * np.sin(17 * x + 5 * y) + 60 * np.cos(23 * y))[:, :, None].astype(np.uint8)
    turns = [{"op": "rotate", "degrees": [angle, angle]} for angle in (17.0, -40.0, 31.0, 9.0, -17.0)]

    (turned,) = augment(turns, picture)

    error = np.mean((turned.astype(float) - picture) ** 2)
    assert 40 <= 10 * np.log10(255**2 / max(error, 1e-9))


@pytest.mark.parametrize(
    "ops",
    [
        [{"op": "resize", "height": 64, "width": 64}],
        [{"op": "resize", "height": 64, "width": 64}, {"op": "elastic", "px": [2, 2]}],
        [{"op": "resize", "height": 64, "width": 64}, {"op": "perspective", "fraction": [0.02, 0.02]}],
    ],
)
def test_shrunk_noise_becomes_grey(ops):
    noise = make_picture(channels=1, height=512, width=512)

    (shrunk,) = augment(ops, noise)

    assert 10 >= shrunk[4:-4, 4:-4].std()


def test_every_example_of_a_schema_is_valid():
    examples = [example for one in describe_operations() for example in one["schema"].get("examples", [])]

    policies = [Policy.model_validate_json(json.dumps({"ops": [example]})) for example in examples]

    assert [example["op"] for example in examples] == [policy.ops[0].op for policy in policies]
