import json
import math

import numpy as np
import pytest
from pydantic import ValidationError

from app.augmentation.targets.documents import MAX_BOXES, Targets, read_boxes, read_points, write_boxes, write_points
from app.core.errors import InvalidInputError

SIZE = 40, 80  # height, width


@pytest.mark.parametrize(
    ("box", "box_format", "units"),
    [
        ([8, 4, 24, 36], "xyxy", "px"),
        ([8, 4, 16, 32], "xywh", "px"),
        ([16, 20, 16, 32], "cxcywh", "px"),
        ([0.1, 0.1, 0.3, 0.9], "xyxy", "fraction"),
        ([0.1, 0.1, 0.2, 0.8], "xywh", "fraction"),
        ([0.2, 0.5, 0.2, 0.8], "cxcywh", "fraction"),
    ],
)
def test_boxes_are_written_as_they_were_read(box, box_format, units):
    boxes = read_boxes(Targets(boxes=[box], box_format=box_format, units=units), SIZE)

    np.testing.assert_allclose([[8, 4, 24, 36]], boxes)
    assert [box] == write_boxes(boxes, box_format, units, SIZE)


def test_keypoints_are_written_as_they_were_read():
    points = read_points(Targets(keypoints=[[0.25, 0.5]], units="fraction"), SIZE)

    np.testing.assert_array_equal([[20, 20]], points)
    assert [[0.25, 0.5]] == write_points(points, "fraction", SIZE)


def test_boxes_end_where_their_picture_ends():
    assert [[0, 0, 80, 40]] == read_boxes(Targets(boxes=[[-1, -2, 81, 40]]), SIZE).tolist()


def test_box_outside_of_its_picture_is_refused_by_its_number():
    with pytest.raises(InvalidInputError, match="box 1") as problem:
        read_boxes(Targets(boxes=[[0, 0, 8, 8], [80, 0, 90, 8]]), SIZE)

    assert {"box": 1} == problem.value.fields


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"boxes": [[4, 4, 4, 8]]}, "more than 0"),
        ({"boxes": [[8, 4, 4, 8]]}, "more than 0"),
        ({"boxes": [[4, 4, -1, 8]], "box_format": "xywh"}, "more than 0"),
        ({"boxes": [[4, 4, 8]]}, "at least 4"),
        ({"boxes": [[4, 4, 8, math.inf]]}, "less than or equal|finite"),
        ({"boxes": [[4, 4, 8, math.nan]]}, "finite|less|greater"),
        ({"boxes": [["4", 4, 8, 8]]}, "valid number"),
        ({"boxes": [[4, 4, 8, 8]] * (MAX_BOXES + 1)}, "at most"),
        ({"boxes": [[4, 4, 8, 8]], "labels": []}, "one entry per box"),
        ({"boxes": [[4, 4, 8, 8]], "ids": ["a", "b"]}, "one entry per box"),
        ({"boxes": [[4, 4, 8, 8]] * 2, "ids": ["a", "a"]}, "the same"),
        ({"boxes": [], "label": True}, "label"),
        ({"boxes": [], "min_visibility": 1.1}, "less than or equal"),
        ({"keypoints": [[1, 2, 3]]}, "at most 2"),
        ({"keypoints": [[1, 2]], "keypoint_names": []}, "one entry per keypoint"),
        ({"keypoints": [[1, 2]], "swap": [[0, 1]]}, "each once"),
        ({"keypoints": [[1, 2], [3, 4]], "swap": [[0, 0]]}, "each once"),
        ({"polygons": []}, "Extra inputs"),
    ],
)
def test_documents_that_contradict_themselves_are_refused(document, reason):
    with pytest.raises(ValidationError, match=reason):
        Targets.model_validate(document)


def test_whole_numbers_of_json_are_coordinates():
    targets = Targets.model_validate_json(json.dumps({"boxes": [[4, 4, 20, 20]], "labels": ["cat"], "label": 3}))

    assert [[4, 4, 20, 20]] == targets.boxes
    assert 3 == targets.label


def test_keypoints_that_swap_trade_places_and_others_stay():
    targets = Targets(keypoints=[[0, 0]] * 5, swap=[[0, 3], [4, 2]])

    assert [3, 1, 4, 0, 2] == targets.mirror.tolist()
