from collections import Counter

import numpy as np
import pytest

from app.augmentation.auto.auto_augment import PAIRS
from app.augmentation.auto.kinds import KINDS, STANDARD, WIDE
from app.augmentation.draws import rows_of
from app.augmentation.frames import Frames
from app.augmentation.policy import Policy
from app.augmentation.sampler import Sampler
from app.augmentation.traces import dump_trace

SIDE = 331
OUTSIDE = {"fill": "constant", "value": 0.0, "interpolation": "linear"}


def draw(node, *, copies=1500, first_copy=0, channels=3):
    """Draw a published policy, and return the traces of its outputs."""
    sizes = np.full(copies, SIDE), np.full(copies, SIDE)
    plan = Sampler(rows_of(8, 99, copies, first_copy), Frames(*sizes, channels), 2**20).run(Policy(ops=[node]).ops)
    return [dump_trace(plan, row) for row in range(copies)]


def kind_of(step):
    """Name an operation of a trace, axis included."""
    moved = [name for name in ("degrees_x", "degrees_y", "px_x", "px_y") if step.get(name)]
    return step["op"] + "".join(moved)


def strongest(name, table, sign):
    frames = Frames(np.array([SIDE]), np.array([SIDE]), 3)
    drawn = KINDS[name].draw(np.array([sign * table[name]]), frames, OUTSIDE)
    return {key: float(value[0]) for key, value in drawn.items() if key not in OUTSIDE and key != "about"}


@pytest.mark.parametrize(
    ("name", "sign", "expected"),
    [
        ("shear_x", 1, {"degrees_x": np.degrees(np.arctan(0.3)), "degrees_y": 0}),
        ("shear_y", -1, {"degrees_x": 0, "degrees_y": -np.degrees(np.arctan(0.3))}),
        ("shift_x", -1, {"px_x": -150, "px_y": 0}),
        ("shift_y", 1, {"px_x": 0, "px_y": 150}),
        ("rotate", 1, {"degrees": 30}),
        ("brightness", -1, {"factor": 0.1}),
        ("contrast", 1, {"factor": 1.9}),
        ("saturation", -1, {"factor": 0.1}),
        ("sharpness", 1, {"factor": 1.9}),
        ("posterise", 1, {"bits": 4}),
        ("solarise", 1, {"threshold": 0}),
    ],
)
def test_the_strongest_operations_are_those_of_the_table_of_autoaugment(name, sign, expected):
    assert pytest.approx(expected) == strongest(name, STANDARD, sign)


@pytest.mark.parametrize(
    ("name", "sign", "expected"),
    [
        ("shear_x", 1, {"degrees_x": np.degrees(np.arctan(0.99)), "degrees_y": 0}),
        ("shear_y", 1, {"degrees_x": 0, "degrees_y": np.degrees(np.arctan(0.99))}),
        ("shift_px_x", -1, {"px_x": -32, "px_y": 0}),
        ("shift_px_y", 1, {"px_x": 0, "px_y": 32}),
        ("rotate", -1, {"degrees": -135}),
        ("brightness", -1, {"factor": 0.01}),
        ("contrast", 1, {"factor": 1.99}),
        ("saturation", -1, {"factor": 0.01}),
        ("sharpness", 1, {"factor": 1.99}),
        ("posterise", 1, {"bits": 2}),
        ("solarise", 1, {"threshold": 0}),
    ],
)
def test_the_strongest_operations_are_those_of_the_wide_table_of_trivialaugment(name, sign, expected):
    assert pytest.approx(expected) == strongest(name, WIDE, sign)


def test_randaugment_draws_each_of_fourteen_as_often():
    counts = Counter(kind_of(step) for trace in draw({"op": "rand_augment", "n": 2, "magnitude": 9}) for step in trace)

    assert 13 == len(counts)  # the fourteenth leaves the picture as it is
    assert pytest.approx([3000 / 14] * 13, abs=60) == list(counts.values())


def test_randaugment_has_one_strength_and_two_signs():
    steps = [step for trace in draw({"op": "rand_augment", "n": 3, "magnitude": 15}) for step in trace]

    degrees = Counter(step["degrees"] for step in steps if step["op"] == "rotate")
    factors = Counter(step["factor"] for step in steps if step["op"] == "brightness")
    assert {-15.0, 15.0} == set(degrees)
    assert pytest.approx([0.55, 1.45]) == sorted(factors)
    assert pytest.approx(0.5, abs=0.1) == degrees[15.0] / degrees.total()
    assert {6} == {step["bits"] for step in steps if step["op"] == "posterise"}


def test_randaugment_without_magnitude_leaves_out_what_would_change_nothing():
    steps = [step for trace in draw({"op": "rand_augment", "n": 2, "magnitude": 0}, copies=300) for step in trace]

    assert {"auto_contrast", "equalise"} == {step["op"] for step in steps}


def test_trivialaugment_draws_one_operation_at_any_of_31_levels():
    traces = draw({"op": "trivial_augment"}, copies=6000)

    degrees = {abs(step["degrees"]) for trace in traces for step in trace if step["op"] == "rotate"}
    assert {1} >= {len(trace) for trace in traces} - {0}
    assert pytest.approx([4.5 * level for level in range(1, 31)]) == sorted(degrees)


def test_trivialaugment_draws_each_of_fourteen_as_often():
    counts = Counter(kind_of(step) for trace in draw({"op": "trivial_augment"}, copies=2800) for step in trace)

    assert pytest.approx(200, abs=50) == counts["equalise"]
    assert pytest.approx(200 * 30 / 31, abs=50) == counts["sheardegrees_x"]


@pytest.mark.parametrize("dataset", PAIRS)
def test_autoaugment_has_25_pairs_of_known_operations(dataset):
    parts = [part for pair in PAIRS[dataset] for part in pair]

    assert 25 == len(PAIRS[dataset])
    assert set(KINDS) >= {part.name for part in parts}
    assert all(0 <= part.chance <= 1 and 0 <= part.magnitude <= 9 for part in parts)


@pytest.mark.parametrize(
    ("dataset", "number", "expected"),
    [
        ("imagenet", 0, "posterise 0.4 8 rotate 0.6 9"),
        ("imagenet", 24, "equalise 0.8 0 equalise 0.6 0"),
        ("cifar10", 1, "rotate 0.7 2 shift_x 0.3 9"),
        ("cifar10", 19, "brightness 0.1 3 saturation 0.7 0"),
        ("svhn", 0, "shear_x 0.9 4 invert 0.2 0"),
        ("svhn", 14, "contrast 0.3 3 rotate 0.8 4"),
    ],
)
def test_pairs_of_autoaugment_are_those_of_the_paper(dataset, number, expected):
    assert expected == " ".join(f"{name} {chance} {magnitude}" for name, chance, magnitude in PAIRS[dataset][number])


def test_autoaugment_applies_both_operations_of_a_pair_by_their_chances():
    traces = draw({"op": "auto_augment", "policy": "svhn"}, copies=4000)

    counts = Counter(tuple(map(kind_of, trace)) for trace in traces)
    both = 4000 / 25 * 0.3 * 0.8
    assert pytest.approx(both, abs=4 * np.sqrt(both)) == counts["contrast", "rotate"]
    assert {-10.0, 10.0, -40 / 3, 40 / 3} == {
        step["degrees"] for trace in traces for step in trace if step["op"] == "rotate"
    }


@pytest.mark.parametrize("node", [{"op": "rand_augment"}, {"op": "trivial_augment"}, {"op": "auto_augment"}])
def test_an_output_alone_draws_what_it_draws_among_others(node):
    together = draw(node, copies=30)

    alone = [draw(node, copies=1, first_copy=copy)[0] for copy in range(30)]

    assert together == alone


def test_published_policies_go_with_pictures_of_any_colours():
    assert not any(kind.operation.needs_rgb for kind in KINDS.values())


@pytest.mark.parametrize("name", KINDS)
def test_operations_of_published_policies_draw_what_a_trace_holds(name):
    frames = Frames(np.array([20, 24]), np.array([30, 12]), 3)
    strongest = {**STANDARD, **WIDE}.get(name, 0.0)

    drawn = KINDS[name].draw(np.array([strongest, 0.0]), frames, OUTSIDE)

    assert set(KINDS[name].operation.applied.model_fields) == {"op", *drawn}
