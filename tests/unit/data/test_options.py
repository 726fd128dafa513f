import pytest

from app.core.errors import DatasetError
from app.data.options import ReadOptions, require_memory


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"image_size": (0, 8)}, "1 to 1024"),
        ({"image_size": (8, 1025)}, "1 to 1024"),
        ({"channels": 4}, "grey"),
        ({"split": "holdout"}, "train, val and test"),
        ({"limit": 1}, "at least 2"),
    ],
)
def test_an_option_out_of_range_is_refused_in_words(wrong, message):
    with pytest.raises(DatasetError, match=message):
        ReadOptions(**wrong)


def test_a_limit_takes_rows_evenly():
    assert ReadOptions(limit=4).choose_rows(10).tolist() == [0, 2, 5, 7]


@pytest.mark.parametrize("limit", [None, 3, 100])
def test_a_limit_above_the_number_of_images_takes_all(limit):
    assert ReadOptions(limit=limit).choose_rows(3).tolist() == [0, 1, 2]


def test_more_than_the_machine_holds_is_refused():
    with pytest.raises(DatasetError, match="smaller image size"):
        require_memory(2**60)
