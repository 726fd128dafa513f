import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.evaluation.inception_score import inception_score


def draw_probabilities(seed, rows, classes):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), size=rows)


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 8))
@settings(deadline=None, max_examples=30)
def test_score_is_between_one_and_the_classes_in_any_order(seed, rows, classes):
    probabilities = draw_probabilities(seed, rows, classes)

    score = inception_score(probabilities, splits=1).value

    assert 1.0 <= score <= classes + 1e-9
    assert pytest.approx(score) == inception_score(probabilities[::-1].copy(), splits=1).value


def test_certain_and_even_classes_score_their_number():
    estimate = inception_score(np.tile(np.eye(4), (5, 1)), splits=1)

    assert pytest.approx(4.0) == estimate.value
    assert 0.0 == estimate.deviation


@pytest.mark.parametrize("row", [[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]], ids=["certain", "unsure"])
def test_images_that_all_look_the_same_score_one(row):
    assert pytest.approx(1.0) == inception_score(np.tile(row, (12, 1)), splits=3).value


def test_samples_sorted_by_class_score_as_mixed_ones():
    mixed = np.tile(np.eye(4), (500, 1))
    sorted_by_class = np.repeat(np.eye(4), 500, axis=0)

    assert pytest.approx(4.0, abs=0.05) == inception_score(mixed).value
    assert pytest.approx(4.0, abs=0.05) == inception_score(sorted_by_class).value


@pytest.mark.parametrize("row", [[0.5, 0.4], [1.5, -0.5]], ids=["sum", "negative"])
def test_rows_that_are_no_distribution_are_refused(row):
    with pytest.raises(ValueError, match="sum to 1"):
        inception_score(np.array([[0.5, 0.5], row]), splits=1)


def test_parts_without_images_are_refused():
    with pytest.raises(ValueError, match="at least 10"):
        inception_score(draw_probabilities(0, 9, 3))
    with pytest.raises(ValueError, match="0 splits"):
        inception_score(draw_probabilities(0, 9, 3), splits=0)
