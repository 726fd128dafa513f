import numpy as np
import pytest

from app.evaluation.class_order import order_classes, take_classes


def test_equal_shares_come_in_turn():
    assert [0, 1, 2, 0, 1, 2, 0] == order_classes(7, [5, 5, 5]).tolist()


def test_every_part_of_the_order_has_the_proportions():
    order = order_classes(1000, [700, 200, 100])

    assert [700, 200, 100] == np.bincount(order).tolist()
    for start in range(0, 1000, 100):
        assert [70, 20, 10] == pytest.approx(np.bincount(order[start : start + 100], minlength=3), abs=1)


def test_a_class_without_a_share_is_not_asked_for():
    assert [0, 2, 0, 2] == order_classes(4, [1, 0, 1]).tolist()


def test_the_first_rows_of_each_class_are_taken_in_their_order():
    labels = np.array([1, 0, 0, 1, 0, 1])

    assert [0, 1, 2, 3] == take_classes(labels, [2, 2]).tolist()
    assert [1] == take_classes(labels, [1, 0]).tolist()


def test_where_rows_are_too_few_all_are_taken():
    assert [0, 1, 3] == take_classes(np.array([1, 0, 0, 1]), [1, 9]).tolist()
