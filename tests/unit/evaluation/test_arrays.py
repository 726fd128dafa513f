import numpy as np
import pytest

from app.evaluation.arrays import Estimate, require_classes, require_rows, summarise


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (np.zeros((1, 3)), "1 rows, and this metric needs at least 2"),
        (np.zeros((4, 0)), "no entries"),
        (np.array([[1.0, np.nan], [np.inf, 0.0]]), "2 entries are not finite"),
    ],
    ids=["too few", "empty rows", "not finite"],
)
def test_rows_without_an_answer_are_refused(rows, says):
    with pytest.raises(ValueError, match=f"generated: .*{says}"):
        require_rows("generated", rows, minimum=2)


@pytest.mark.parametrize("classes", [[], [0, 3], [-1, 0]], ids=["none", "above", "below"])
def test_classes_that_do_not_exist_are_refused(classes):
    with pytest.raises(ValueError, match="asked: "):
        require_classes("asked", np.array(classes, np.int64), 3)


def test_an_estimate_is_mean_and_population_deviation():
    assert Estimate(2.0, 1.0) == summarise([1.0, 3.0])
    assert Estimate(5.0, 0.0) == summarise([5.0])
