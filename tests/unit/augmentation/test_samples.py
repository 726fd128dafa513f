import numpy as np
import pytest

from app.augmentation.policy import ENGINE_VERSION, Policy
from app.augmentation.presets import PRESETS
from app.augmentation.samples import check_policy, name_arithmetic, plan_samples
from app.core.errors import InvalidInputError, LimitExceededError

SHAPE = (8, 10, 1)
ROTATE = {"op": "rotate"}
RARE = {"op": "turn", "quarters": [1], "p": 0.001}
PADDED = [{"op": "pad", "px": 2}, {"op": "crop", "height": 8, "width": 10}]
LARGE = {"op": "resize", "height": 500, "width": 500}


def make_policy(*ops):
    return Policy.model_validate({"ops": list(ops)})


def test_draws_hang_on_seed_and_index():
    nodes = make_policy(ROTATE).ops

    whole = plan_samples(nodes, 5, np.arange(2**40, 2**40 + 6), SHAPE).steps[0].columns["degrees"]
    part = plan_samples(nodes, 5, np.array([2**40 + 4, 2**40]), SHAPE).steps[0].columns["degrees"]
    other = plan_samples(nodes, 6, np.arange(2**40, 2**40 + 6), SHAPE).steps[0].columns["degrees"]

    assert whole[[4, 0]].tolist() == part.tolist()
    assert 12 == len({*whole, *other})


@pytest.mark.parametrize("ops", [[], [ROTATE], PADDED, [{"op": "turn", "quarters": [0, 2]}]], ids=str)
def test_policies_that_keep_sizes_are_for_samples(ops):
    policy = make_policy(*ops)

    check_policy(policy, SHAPE)

    assert 3 == len(plan_samples(policy.ops, 1, np.arange(3), SHAPE).rows)


@pytest.mark.parametrize(
    ("ops", "pointer", "words"),
    [
        ([ROTATE, RARE], "/ops/1", "makes 8 x 10 pixels of the model's 10 x 8"),
        ([{"op": "one_of", "ops": [ROTATE, RARE], "weights": [1e6, 1e-6]}], "/ops/0", "keep their size"),
        ([PADDED[0], ROTATE], "/ops/0", "keep their size"),
        ([ROTATE, {"op": "mixup"}], "/ops/1", "`mixup` puts several inputs together"),
        ([{"op": "slice", "rows": 2, "columns": 2}, ROTATE], "/ops/0", "`slice` makes several pictures"),
        ([ROTATE, LARGE], "/ops/1", "at most 1280 pixels"),
    ],
)
def test_other_policies_are_refused_with_the_place_of_the_operation(ops, pointer, words):
    with pytest.raises(InvalidInputError, match=words) as caught:
        check_policy(make_policy(*ops), SHAPE)

    assert pointer == caught.value.fields["pointer"]


def test_what_a_look_at_some_draws_misses_is_refused_when_it_comes():
    with pytest.raises(InvalidInputError, match="keep their size"):
        plan_samples(make_policy(RARE).ops, 1, np.arange(10_000), SHAPE)
    with pytest.raises(InvalidInputError, match="stays one sample"):
        plan_samples(make_policy({"op": "mixup"}).ops, 1, np.arange(3), SHAPE)
    with pytest.raises(LimitExceededError):
        plan_samples(make_policy(LARGE).ops, 1, np.arange(3), SHAPE)


@pytest.mark.parametrize(("name", "shape"), [("digits-safe", (28, 28, 1)), ("cifar-standard", (32, 32, 3))])
def test_presets_for_small_pictures_are_for_samples(name, shape):
    policy = PRESETS[name].policy

    check_policy(policy, shape)

    assert (shape[0],) * 4 == tuple(plan_samples(policy.ops, 1, np.arange(4), shape).after.heights)


def test_the_arithmetic_names_engine_and_library():
    assert name_arithmetic().startswith(f"augmentation-{ENGINE_VERSION}/opencv-")
