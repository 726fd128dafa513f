import json

import numpy as np
import pytest

from app.augmentation.draws import rows_of
from app.augmentation.frames import frames_of
from app.augmentation.operations.crops import Crop
from app.augmentation.operations.distortions import Elastic
from app.augmentation.operations.mixing import Mixup
from app.augmentation.operations.sizes import Resize
from app.augmentation.operations.turns import Flip, Turn
from app.augmentation.sampler import Sampler
from app.augmentation.targets.documents import Targets
from app.augmentation.targets.following import Follower, scene_of
from app.augmentation.targets.results import describe, describe_matrix

SIZE = 20, 40  # height, width


def draw(*nodes):
    return Sampler(rows_of(0, 1, 1), frames_of(np.zeros((*SIZE, 3), np.uint8), 1), 10**7).run(nodes)


def answer(plan, *targets):
    scenes = [scene_of(number, one, SIZE) for number, one in enumerate(targets)]
    return describe(Follower(scenes).walk(0, plan, 0, [plan] * len(targets)))


def test_dropped_boxes_take_their_labels_with_them():
    targets = Targets(
        boxes=[[0, 0, 10, 10], [15, 5, 25, 15], [5, 0, 15, 20]],
        labels=["cat", "dog", "cow"],
        ids=["a", "b", "c"],
        min_visibility=0.6,
    )

    told = answer(draw(Crop(height=20, width=20, position="centre")), targets)

    expected = {"boxes": [[5, 5, 15, 15]], "labels": ["dog"], "ids": ["b"], "visibility": [1], "dropped": ["a", "c"]}
    assert expected == told


def test_boxes_without_ids_are_known_by_their_numbers():
    told = answer(draw(Crop(height=20, width=20, position="centre")), Targets(boxes=[[0, 0, 5, 5], [5, 0, 15, 20]]))

    assert {"boxes": [[0, 0, 5, 20]], "ids": [1], "visibility": [0.5], "dropped": [0]} == told


def test_targets_that_do_not_move_read_as_they_were_written():
    targets = Targets(
        boxes=[[0.3, 0.7, 0.1, 0.2]], box_format="cxcywh", units="fraction", keypoints=[[0.1, 0.7]], min_visibility=1.0
    )

    told = answer(draw(Resize(height=60, width=120)), targets)

    assert targets.boxes == told["boxes"]
    assert targets.keypoints == told["keypoints"]
    assert [True] == told["visible"]


def test_names_of_keypoints_stay_in_their_order():
    targets = Targets(keypoints=[[1, 1], [9, 2]], keypoint_names=["left eye", "right eye"], swap=[[0, 1]])

    told = answer(draw(Flip()), targets)

    assert {
        "keypoints": [[31, 2], [39, 1]],
        "visible": [True, True],
        "keypoint_names": ["left eye", "right eye"],
    } == told


def test_nothing_is_said_of_what_was_not_sent():
    assert {} == answer(draw(Flip()), None)


@pytest.mark.parametrize(
    ("labels", "shares"),
    [
        (("cat", "dog"), [{"label": "cat", "share": 0.75}, {"label": "dog", "share": 0.25}]),
        (("cat", "cat"), [{"label": "cat", "share": 1}]),
        (("1", 1), [{"label": "1", "share": 0.75}, {"label": 1, "share": 0.25}]),
        (("cat", None), [{"label": "cat", "share": 0.75}, {"label": None, "share": 0.25}]),
    ],
)
def test_equal_labels_are_added_up(labels, shares):
    told = answer(draw(Mixup(fraction=[0.25, 0.25])), *(Targets(label=label) for label in labels))

    assert {"label_shares": shares} == told


def test_mixed_targets_say_of_which_image_they_are():
    own = Targets(boxes=[[0, 0, 0.5, 1]], units="fraction", keypoints=[[0.5, 0.5]])
    other = Targets(boxes=[[2, 2, 6, 6]], labels=["dog"], keypoints=[[4, 5]], keypoint_names=["nose"])

    told = answer(draw(Mixup(fraction=[0.5, 0.5])), own, other)

    assert [[0, 0, 0.5, 1], [0.05, 0.1, 0.15, 0.3]] == told["boxes"]
    assert [None, "dog"] == told["labels"]
    assert [0, 1] == told["images"] == told["keypoint_images"]
    assert [[0.5, 0.5], [0.1, 0.25]] == told["keypoints"]
    assert [None, "nose"] == told["keypoint_names"]


def test_matrix_and_inverse_are_told_row_by_row():
    told = describe_matrix(draw(Flip(), Turn(quarters=[1])), 0)

    assert [0, 1, 0, 1, 0, 0, 0, 0, 1] == pytest.approx(told["matrix"])
    assert [0, 1, 0, 1, 0, 0, 0, 0, 1] == pytest.approx(told["inverse"])


def test_a_field_has_no_matrix():
    assert {"matrix": None, "inverse": None} == describe_matrix(draw(Elastic()), 0)


def test_answers_are_json():
    targets = Targets(boxes=[[1, 1, 9, 9]], labels=[3], keypoints=[[1, 2]], label="cat")
    plan = draw(Elastic(), Flip())

    told = answer(plan, targets) | describe_matrix(plan, 0)

    assert told == json.loads(json.dumps(told))
