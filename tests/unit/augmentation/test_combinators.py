from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from app.augmentation.draws import rows_of
from app.augmentation.frames import Frames
from app.augmentation.policy import Policy
from app.augmentation.sampler import Sampler
from app.augmentation.traces import dump_trace
from app.core.errors import InvalidInputError

COPIES = 2000
FLIP, TURN, ROTATE = {"op": "flip"}, {"op": "turn"}, {"op": "rotate"}


def draw(ops, *, copies=COPIES, first_copy=0, channels=1, seed=3):
    """Draw the operations of a policy, and return the traces of its outputs."""
    sizes = np.full(copies, 20), np.full(copies, 20)
    rows = rows_of(seed, 99, copies, first_copy)
    plan = Sampler(rows, Frames(*sizes, channels), 2**20).run(Policy(ops=ops).ops)
    return [dump_trace(plan, row) for row in range(copies)]


def names(trace):
    return tuple(step["op"] for step in trace)


def assert_frequencies(expected, drawn):
    """Compare counts with chances by chi-square, at about one failure in 10,000 seeds."""
    counts = Counter(drawn)
    total = len(drawn)
    square = sum((counts[key] - total * chance) ** 2 / (total * chance) for key, chance in expected.items())

    assert set(expected) >= set(counts)
    assert square < len(expected) - 1 + 4 * np.sqrt(2 * len(expected)) + 8


def test_a_sequence_applies_all_or_none():
    drawn = [names(trace) for trace in draw([{"op": "sequence", "p": 0.25, "ops": [FLIP, ROTATE]}])]

    assert_frequencies({("flip", "rotate"): 0.25, (): 0.75}, drawn)


def test_one_of_chooses_equally_without_weights():
    drawn = [names(trace) for trace in draw([{"op": "one_of", "ops": [FLIP, TURN, ROTATE]}])]

    assert_frequencies({("flip",): 1 / 3, ("turn",): 1 / 3, ("rotate",): 1 / 3}, drawn)


def test_one_of_chooses_by_weights_and_never_what_weighs_nothing():
    drawn = [names(trace) for trace in draw([{"op": "one_of", "ops": [FLIP, TURN, ROTATE], "weights": [3, 1, 0]}])]

    assert_frequencies({("flip",): 0.75, ("turn",): 0.25}, drawn)


def test_some_of_applies_several_in_their_order():
    drawn = [names(trace) for trace in draw([{"op": "some_of", "ops": [FLIP, TURN, ROTATE], "num": [2, 2]}])]

    pairs = [("flip", "turn"), ("flip", "rotate"), ("turn", "rotate")]
    assert_frequencies(dict.fromkeys(pairs, 1 / 3), drawn)


def test_some_of_draws_how_many():
    drawn = [len(trace) for trace in draw([{"op": "some_of", "ops": [FLIP, TURN, ROTATE], "num": [0, 3]}])]

    assert_frequencies(dict.fromkeys(range(4), 1 / 4), drawn)


def test_some_of_with_replacement_draws_each_anew():
    drawn = [names(trace) for trace in draw([{"op": "some_of", "ops": [FLIP, TURN], "num": [2, 2], "replace": True}])]

    pairs = [("flip", "flip"), ("flip", "turn"), ("turn", "flip"), ("turn", "turn")]
    assert_frequencies(dict.fromkeys(pairs, 1 / 4), drawn)


def test_random_order_applies_all_in_any_order():
    drawn = [names(trace) for trace in draw([{"op": "random_order", "ops": [FLIP, TURN, ROTATE]}])]

    orders = [("flip", "turn", "rotate"), ("flip", "rotate", "turn"), ("turn", "flip", "rotate")]
    assert_frequencies(dict.fromkeys([*orders, *(order[::-1] for order in orders)], 1 / 6), drawn)


def test_what_is_held_keeps_its_own_chance():
    drawn = [names(trace) for trace in draw([{"op": "one_of", "ops": [{"op": "flip", "p": 0.5}, TURN]}])]

    assert_frequencies({("flip",): 0.25, (): 0.25, ("turn",): 0.5}, drawn)


NESTED = [
    {
        "op": "some_of",
        "num": [1, 3],
        "replace": True,
        "ops": [
            {"op": "one_of", "ops": [{"op": "rotate", "p": 0.5}, FLIP], "weights": [1, 2]},
            {"op": "random_order", "p": 0.8, "ops": [TURN, {"op": "shear"}, {"op": "sequence", "ops": [FLIP, ROTATE]}]},
        ],
    },
    ROTATE,
]


def test_an_output_alone_draws_what_it_draws_among_others():
    together = draw(NESTED, copies=40)

    alone = [draw(NESTED, copies=1, first_copy=copy)[0] for copy in range(40)]

    assert together == alone


def test_what_does_not_go_with_the_pictures_is_refused_whether_it_is_chosen_or_not():
    for copy in range(10):
        with pytest.raises(InvalidInputError, match="`hue` needs pictures in grey"):
            draw([{"op": "one_of", "ops": [FLIP, {"op": "hue"}]}], copies=1, first_copy=copy, channels=2)


@pytest.mark.parametrize(
    ("ops", "sentence"),
    [
        ([{"op": "one_of", "ops": [{"op": "mixup"}]}], "only the policy itself holds `mixup`"),
        (
            [{"op": "sequence", "ops": [{"op": "one_of", "ops": [{"op": "slice"}]}]}],
            "only the policy itself holds `slice`",
        ),
        ([{"op": "one_of", "ops": [FLIP], "weights": [1, 1]}], "as many weights as operations"),
        ([{"op": "one_of", "ops": [FLIP], "weights": [0]}], "some weight is above 0"),
        ([{"op": "one_of", "ops": []}], "at least 1 item"),
        ([{"op": "some_of", "ops": [FLIP], "num": [1, 2]}], "at most as many are chosen as there are"),
        ([{"op": "some_of", "ops": [FLIP], "num": [2, 1]}], "lower end"),
        ([{"op": "random_order", "ops": [FLIP] * 9}], "at most 8 items"),
        ([{"op": "sequence", "ops": [FLIP] * 40}, {"op": "sequence", "ops": [FLIP] * 40}], "at most 64 operations"),
        ([{"op": "random_order", "ops": [{"op": "random_order", "ops": [FLIP] * 6}] * 8}], "at most 256 operations"),
        (
            [{"op": "sequence", "ops": [{"op": "sequence", "ops": [{"op": "sequence", "ops": [NESTED[0]]}]}]}],
            "at most 4 deep",
        ),
    ],
)
def test_policies_that_hold_too_much_or_the_wrong_things_are_refused(ops, sentence):
    with pytest.raises(ValidationError, match=sentence):
        Policy(ops=ops)


def test_a_policy_keeps_what_it_holds_when_it_is_written_and_read():
    policy = Policy(ops=NESTED)

    assert policy == Policy.model_validate_json(policy.model_dump_json())
    assert policy.digest == Policy.model_validate_json(policy.model_dump_json()).digest
    assert policy.digest != Policy(ops=NESTED[:1]).digest
