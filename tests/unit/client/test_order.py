import numpy as np
import pytest

from app.client.errors import InvalidRequestError
from app.client.order import SampleOrder

NAMES = ("a", "b", "7")


def labels_of(segments):
    return [name for name, count in segments for _ in range(count)]


def test_a_body_has_what_was_given():
    order = SampleOrder("tiny", num_samples=3, seed=0, augment="light")

    assert {
        "model": "tiny",
        "num_samples": 3,
        "seed": 0,
        "augment": {"preset": "light"},
        "format": "npz",
    } == order.document("npz")


def test_keys_of_counts_may_be_numbers():
    counted = SampleOrder("tiny", class_counts={3: 1}).document("npz")
    balanced = SampleOrder("tiny", balance={3: 1, 4: 9}).document("npz")

    assert {"3": 1} == counted["class_counts"]
    assert {"have": {"3": 1, "4": 9}} == balanced["balance"]


def test_classes_are_counted_in_the_order_of_their_numbers():
    order = SampleOrder("tiny", class_counts={"7": 1, "a": 2, "1": 3})

    assert [("a", 2), ("b", 3), ("7", 1)] == order.segments(NAMES)


@pytest.mark.parametrize(("to", "expected"), [("max", [("b", 3), ("7", 4)]), (6, [("a", 1), ("b", 4), ("7", 5)])])
def test_balance_is_what_is_missing(to, expected):
    assert expected == SampleOrder("tiny", balance={"have": {"a": 5, "b": 2, "7": 1}, "to": to}).segments(NAMES)


@pytest.mark.parametrize("values", [{}, {"num_samples": 1, "class_counts": {"a": 1}}])
def test_there_is_one_way_to_count(values):
    with pytest.raises(InvalidRequestError, match="exactly one"):
        SampleOrder("tiny", **values).segments(NAMES)


def test_a_class_that_is_not_there_is_refused():
    with pytest.raises(InvalidRequestError, match="its classes are a, b, 7") as caught:
        SampleOrder("tiny", class_counts={"9": 1}).segments(NAMES)

    assert "unknown-class" == caught.value.code


def test_parts_have_the_samples_of_the_whole():
    order = SampleOrder("tiny", class_counts={"a": 5, "b": 1, "7": 4}, seed=3, first_index=100)
    segments = order.segments(NAMES)
    rng = np.random.default_rng(1)

    for _ in range(50):
        start, stop = sorted(rng.choice(11, 2, replace=False).tolist())
        part = order.part(segments, start, stop)

        assert 100 + start == part.first_index
        assert labels_of(segments)[start:stop] == labels_of(part.segments(NAMES))


def test_a_part_of_uncounted_samples_is_a_range():
    order = SampleOrder("tiny", num_samples=9, class_label="b", seed=3)

    part = order.part(order.segments(NAMES), 4, 7)

    assert (3, 4, "b") == (part.num_samples, part.first_index, part.class_label)
