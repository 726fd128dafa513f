import json

import numpy as np
import pytest
from pydantic import ValidationError

from app.augmentation.auto.aug_mix import NAMES, AppliedAugMix
from app.augmentation.betas import STEP
from tests.augmenting import apply, augment, augment_once, make_picture, make_plan, trace_of

OUTSIDE = {"fill": "constant", "value": 0.0, "interpolation": "linear"}
PICTURE = make_picture(height=16, width=20)


def make_step(operations, strengths, *, weights=None, fraction=1.0):
    weights = weights or [1 / len(operations)] * len(operations)
    chains = {"fraction": fraction, "weights": weights, "operations": operations, "strengths": strengths}
    return {"op": "aug_mix", **chains, **OUTSIDE}


def test_weights_sum_to_one_and_chains_have_as_many_operations_as_asked_for():
    columns = make_plan([{"op": "aug_mix", "width": 4, "depth": [2, 3]}], PICTURE, copies=300).steps[0].columns

    lengths = (columns["operations"] != "none").sum(axis=2)
    assert (columns["weights"].sum(axis=1) == 1).all()
    assert (columns["fraction"] % STEP == 0).all()
    assert {2, 3} == set(lengths.ravel().tolist())


def test_all_nine_operations_are_drawn_as_often_with_levels_up_to_the_severity():
    columns = make_plan([{"op": "aug_mix", "severity": 5}], PICTURE, copies=1500).steps[0].columns

    drawn = columns["operations"][columns["operations"] != "none"]
    levels = columns["strengths"][columns["operations"] != "none"]
    counts = [(drawn == name).sum() for name in NAMES]
    assert pytest.approx([1000] * 9, abs=130) == counts  # 1,500 outputs, 3 chains of 2 operations
    assert 0.01 <= abs(levels).min()
    assert 0.49 < abs(levels).max() <= 0.5
    assert pytest.approx(0.5, abs=0.03) == (levels > 0).mean()


def test_a_chain_is_its_operations_one_after_the_other():
    step = make_step([["solarise", "rotate"]], [[0.5, -1.0]])

    made = apply(PICTURE, step)

    expected = apply(PICTURE, {"op": "solarise", "threshold": 128 / 255}, {"op": "rotate", "degrees": -30.0, **OUTSIDE})
    assert (expected == made).all()


def test_posterise_keeps_four_bits_and_fewer_with_higher_levels():
    four = apply(PICTURE, make_step([["posterise"]], [[-0.1]]))
    two = apply(PICTURE, make_step([["posterise"]], [[0.5]]))

    assert (apply(PICTURE, {"op": "posterise", "bits": 4}) == four).all()
    assert (apply(PICTURE, {"op": "posterise", "bits": 2}) == two).all()


def test_the_result_is_the_weighed_sum_of_the_picture_and_its_chains():
    step = make_step([["shift_x"], ["none"]], [[1.0], [0.0]], weights=[0.25, 0.75], fraction=0.5)

    made = apply(PICTURE, step)

    shifted = apply(PICTURE, make_step([["shift_x"]], [[1.0]])).astype(float)
    assert np.abs(0.125 * shifted + 0.875 * PICTURE - made).max() <= 0.5


def test_no_share_leaves_the_picture():
    assert (PICTURE == apply(PICTURE, make_step([["equalise"]], [[0.1]], fraction=0.0))).all()


@pytest.mark.parametrize("has_alpha", [False, True])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [2, 4])
def test_any_kind_of_picture_keeps_its_shape_and_replays(depth, channels, has_alpha):
    pixels = make_picture(depth, channels, height=12, width=14)
    ops = [{"op": "aug_mix", "severity": 10}]

    made = augment(ops, pixels, has_alpha=has_alpha, copies=5)

    plan = make_plan(ops, pixels, has_alpha=has_alpha, copies=5)
    for row, picture in enumerate(made):
        assert (pixels.shape, pixels.dtype) == (picture.shape, picture.dtype)
        assert (picture == apply(pixels, *trace_of(plan, row), has_alpha=has_alpha)).all()


def test_what_is_wholly_opaque_stays_so_where_nothing_moves():
    pixels = make_picture(channels=4)
    pixels[:, :, 3] = 255

    made = augment_once("aug_mix", pixels, has_alpha=True, fill="edge")

    assert (made[:, :, 3] == 255).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"operations": [["rotate"], ["rotate", "none"]]},
        {"weights": [1.0]},
        {"strengths": [[0.1], []]},
        {"strengths": [[0.1], [1.1]]},
        {"operations": [["rotate"], ["invert"]]},
        {"operations": [], "strengths": [], "weights": []},
        {"operations": [["rotate"]] * 5, "strengths": [[0.1]] * 5, "weights": [0.2] * 5},
    ],
)
def test_a_trace_whose_chains_do_not_fit_together_is_refused(changes):
    step = {**make_step([["rotate"], ["rotate"]], [[0.1], [0.1]]), **changes}

    with pytest.raises(ValidationError):
        AppliedAugMix.model_validate_json(json.dumps(step))
