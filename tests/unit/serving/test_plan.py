import numpy as np
import pytest

from app.core.seeds import draw_labels
from app.schemas.jobs import PathRun
from app.serving.plan import PathPlan, SampleAddress, SamplePlan, labels_of


def test_an_unconditional_plan_has_no_labels():
    plan = SamplePlan.drawn(seed=1, first_index=0, num_samples=5)

    assert plan.labels(0, 5) is None


def test_drawn_labels_are_those_of_the_samples_own_keys():
    plan = SamplePlan.drawn(seed=9, first_index=100, num_samples=50, num_classes=7)

    assert np.array_equal(draw_labels(9, np.arange(110, 140), 7), plan.labels(10, 30))


def test_a_class_is_the_same_for_every_sample():
    plan = SamplePlan.of_class(3, seed=1, first_index=0, num_samples=5, num_classes=4)

    assert [3, 3, 3] == plan.labels(1, 3).tolist()


def test_counted_classes_come_in_class_order():
    plan = SamplePlan.of_counts([(5, 2), (1, 3), (2, 0)], seed=1, first_index=0, num_classes=6)

    assert 5 == plan.num_samples
    assert [1, 1, 1, 5, 5] == plan.labels(0, 5).tolist()


@pytest.mark.parametrize("offset", range(6))
def test_counted_classes_do_not_depend_on_the_split(offset):
    plan = SamplePlan.of_counts([(0, 1), (1, 3), (4, 2)], seed=1, first_index=0, num_classes=6)

    whole = plan.labels(0, 6).tolist()

    assert whole == plan.labels(0, offset).tolist() + plan.labels(offset, 6 - offset).tolist()


def test_labels_of_many_requests_are_those_of_each():
    runs = [
        (SamplePlan.drawn(seed=2**62, first_index=2**62, num_samples=9, num_classes=5), 2, 4),
        (SamplePlan.of_class(3, seed=1, first_index=0, num_samples=5, num_classes=5), 0, 2),
        (SamplePlan.drawn(seed=4, first_index=1, num_samples=9, num_classes=5), 0, 3),
    ]

    joined = labels_of(runs)

    assert [plan.labels(offset, count).tolist() for plan, offset, count in runs] == [x.tolist() for x in joined]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": -1},
        {"seed": 2**63},
        {"first_index": -1},
        {"first_index": 2**63},
        {"num_samples": 0},
        {"truncation": 0.0},
        {"truncation": 1.5},
    ],
    ids=str,
)
def test_a_plan_out_of_range_is_a_mistake(changes):
    facts = {"seed": 1, "first_index": 0, "num_samples": 1, "truncation": 1.0}

    with pytest.raises(ValueError):
        SamplePlan.drawn(**facts | changes)


def test_a_class_that_does_not_exist_is_a_mistake():
    with pytest.raises(ValueError):
        SamplePlan.of_class(4, seed=1, first_index=0, num_samples=1, num_classes=4)


def test_the_last_index_can_be_asked_for():
    plan = SamplePlan.drawn(seed=1, first_index=2**63 - 2, num_samples=2, num_classes=3)

    assert [2**63 - 2, 2**63 - 1] == plan.indices(0, 2).tolist()


def make_path(**changes):
    ends = {"start": SampleAddress(1, 2), "end": SampleAddress(3, 4)}
    facts = {**ends, "num_frames": 6, "num_samples": 6, "class_index": 5}
    return PathPlan(**facts | changes)


def test_a_path_is_cut_into_runs_of_frames():
    plan = make_path(truncation=0.5, is_spherical=False)

    assert PathRun(1, 2, 3, 4, 6, 2, 3, False, 0.5) == plan.run(2, 3)
    assert [5, 5, 5] == plan.labels(2, 3).tolist()
    assert PathRun(1, 2, 3, 4, 6, 4, 1, True, 1.0) == make_path(first_index=3, num_samples=2).run(1, 1)
    assert make_path(class_index=None).labels(0, 2) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"num_frames": 1, "num_samples": 1},
        {"num_samples": 0},
        {"first_index": 1},
        {"first_index": -1, "num_samples": 2},
        {"truncation": 0.0},
        {"truncation": 1.5},
    ],
    ids=str,
)
def test_a_path_needs_two_frames_and_a_factor(changes):
    with pytest.raises(ValueError, match=r"must be|at least"):
        make_path(**changes)


@pytest.mark.parametrize("address", [(-1, 0), (0, -1), (2**63, 0), (0, 2**63)])
def test_addresses_are_below_2_to_the_63(address):
    with pytest.raises(ValueError, match="must be in"):
        SampleAddress(*address)


def test_classes_of_paths_and_samples_are_computed_together():
    drawn = SamplePlan.drawn(seed=4, first_index=1, num_samples=9, num_classes=5)
    runs = [(drawn, 0, 2), (make_path(), 0, 2), (drawn, 2, 2)]

    labels = labels_of(runs)

    assert [drawn.labels(0, 2).tolist(), [5, 5], drawn.labels(2, 2).tolist()] == [part.tolist() for part in labels]
