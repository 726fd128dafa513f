import numpy as np
import pytest

from app.evaluation.label_agreement import label_agreement


def agree(predicted, asked, num_classes):
    return label_agreement(np.array(predicted, np.int64), np.array(asked, np.int64), num_classes)


def test_each_class_has_its_share_and_the_worst_is_named():
    agreement = agree([0, 0, 0, 0, 1, 2, 2, 0], [0, 0, 0, 0, 1, 1, 2, 2], 3)

    assert {0: 1.0, 1: 0.5, 2: 0.5} == agreement.per_class
    assert (0.5, 1) == (agreement.worst, agreement.worst_class)


def test_classes_count_the_same_whatever_their_number_of_images():
    assert 0.5 == agree([0, 0, 0, 0, 0], [0, 0, 0, 0, 1], 2).mean


def test_classes_that_were_not_asked_for_have_no_share():
    agreement = agree([3, 1], [3, 3], 5)

    assert {3: 0.5} == agreement.per_class
    assert 0.5 == agreement.mean


@pytest.mark.parametrize(("predicted", "asked"), [([], []), ([5], [0]), ([0], [5])], ids=["none", "judged", "asked"])
def test_input_without_an_answer_is_refused(predicted, asked):
    with pytest.raises(ValueError, match=r"there are none|classes are 0 to 4"):
        agree(predicted, asked, 5)
