import numpy as np
import pytest

from app.augmentation.draws import rows_of
from app.augmentation.frames import frames_of
from app.augmentation.operations.crops import Crop
from app.augmentation.operations.curves import Gamma
from app.augmentation.operations.distortions import Elastic
from app.augmentation.operations.mixing import Cutmix, Mixup, Mosaic
from app.augmentation.operations.sizes import Pad
from app.augmentation.operations.turns import Flip, Rotate, Turn
from app.augmentation.sampler import Sampler
from app.augmentation.targets.boxes import hull
from app.augmentation.targets.documents import Targets
from app.augmentation.targets.following import Follower, follow_back, scene_of
from app.augmentation.targets.results import describe
from app.augmentation.targets.walking import way_of, way_of_matrix
from app.augmentation.traces import Trace, replay

SIZE = 20, 40  # height, width
TARGETS = Targets(boxes=[[4, 2, 14, 12]], keypoints=[[1, 1], [5, 6], [30, 10]], swap=[[0, 1]], label="cat")


def draw(nodes, size=SIZE, seed=0):
    return Sampler(rows_of(seed, 1, 1), frames_of(np.zeros((*size, 3), np.uint8), 1), 10**7).run(nodes)


def follow(nodes, targets=TARGETS, size=SIZE):
    return Follower([scene_of(0, targets, size)]).walk(0, draw(nodes, size), 0, ())


def test_a_mirror_swaps_keypoints_that_trade_places():
    [layer] = follow([Flip()]).layers

    assert [[35, 6], [39, 1], [10, 10]] == layer.points.tolist()
    assert [[26, 2, 36, 12]] == hull(layer.outlines).tolist()


def test_two_mirrors_swap_nothing():
    [layer] = follow([Flip(), Flip(axis="vertical")]).layers

    assert [[39, 19], [35, 14], [10, 10]] == layer.points.tolist()


def test_a_turn_swaps_nothing():
    scene = follow([Turn(quarters=[1])])

    assert (40, 20) == scene.size
    assert [[1, 39], [6, 35], [10, 10]] == scene.layers[0].points.tolist()
    assert [[2, 26, 12, 36]] == hull(scene.layers[0].outlines).tolist()


def test_keypoints_outside_stay_and_are_not_seen():
    [layer] = follow([Crop(height=20, width=20, position="centre")]).layers

    assert [[-9, 1], [-5, 6], [20, 10]] == layer.points.tolist()
    assert [False, False, True] == layer.visible.tolist()


def test_what_a_frame_cuts_off_comes_back_where_moves_are_one():
    crop, pad = Crop(height=20, width=20, position="centre"), Pad(px=10)

    [folded] = follow([crop, pad]).layers
    [apart] = follow([crop, Gamma(), pad]).layers

    assert [1] == folded.visibilities.tolist()
    assert [0.4] == apart.visibilities.tolist()
    assert [[10, 12, 14, 22]] == hull(apart.outlines).tolist()
    assert [True, True, True] == folded.visible.tolist()
    assert [False, False, True] == apart.visible.tolist()


def test_boxes_under_a_field_are_followed_along_their_edges():
    targets = Targets(boxes=[[20, 20, 100, 100]])
    plan = draw([Elastic(px=[12.0, 12.0])], (120, 120))

    scene = Follower([scene_of(0, targets, (120, 120))]).walk(0, plan, 0, ())
    corners = Follower([scene_of(0, Targets(keypoints=[[20, 20], [100, 20], [100, 100], [20, 100]]), (120, 120))])

    [box] = hull(scene.layers[0].outlines)
    points = corners.walk(0, plan, 0, ()).layers[0].points
    assert (box[:2] <= points.min(axis=0)).all()
    assert (box[2:] >= points.max(axis=0)).all()
    assert (box[2:] - box[:2] > np.ptp(points, axis=0)).any()


def test_the_way_back_undoes_the_way():
    plan = draw([Rotate(degrees=[30.0, 30.0]), Flip(), Turn(quarters=[1])])
    inner = Targets(boxes=[[15, 8, 21, 12]], keypoints=[[18, 9], [22, 11]], swap=[[0, 1]])

    there = Follower([scene_of(0, inner, SIZE)]).walk(0, plan, 0, ())
    back = follow_back(there, way_of(plan, 0))

    assert SIZE == back.size
    np.testing.assert_allclose(inner.keypoints, back.layers[0].points, atol=1e-9)
    np.testing.assert_allclose(inner.boxes, hull(back.layers[0].outlines), atol=1e-9)


def test_targets_of_an_output_are_brought_to_the_input_by_its_matrix():
    after = Targets(boxes=[[0, 0, 4, 6]], keypoints=[[1, 2]])
    way = way_of_matrix(np.array([[2.0, 0, -20], [0, 2, 0], [0, 0, 1]]), SIZE, (40, 80))

    answer = describe(follow_back(scene_of(0, after, (40, 80)), way))

    assert [[10, 0, 12, 3]] == answer["boxes"]
    assert [[10.5, 1]] == answer["keypoints"]


def mix(nodes, *targets, sizes=(SIZE, SIZE)):
    plans = [draw(nodes, size, seed=3) for size in sizes]
    scenes = [scene_of(n, one, size) for n, (one, size) in enumerate(zip(targets, sizes, strict=True))]
    return Follower(scenes).walk(0, plans[0], 0, plans)


def cut_in(left, top, right, bottom):
    """Return the plan of a window."""
    step = {"op": "cutmix", "partners": [0.5], "left": left, "top": top, "right": right, "bottom": bottom}
    frames = frames_of(np.zeros((*SIZE, 3), np.uint8), 1)
    return replay([Trace.model_validate({"steps": [step]})] * 2, frames, 10**7)


def test_a_window_hides_what_lies_below_and_shows_only_its_own():
    other = Targets(boxes=[[0, 0, 5, 5], [20, 5, 40, 15]], keypoints=[[30, 10], [3, 3]], label="dog")
    plans = cut_in(10, 0, 30, 20)

    scene = Follower([scene_of(0, TARGETS, SIZE), scene_of(1, other, SIZE)]).walk(0, plans[0], 0, plans)

    own, under = scene.layers
    assert [[4, 2, 10, 12]] == hull(own.outlines).tolist()
    assert [0.6] == own.visibilities.tolist()
    assert [True, True, False] == own.visible.tolist()
    assert [0, 0.5] == under.visibilities.tolist()
    assert [20, 5, 30, 15] == hull(under.outlines)[1].tolist()
    assert [True, False] == under.visible.tolist()
    assert (0.5, 0.5) == (own.share, under.share)


def test_blended_pictures_keep_all_boxes():
    scene = mix([Mixup(fraction=[0.25, 0.25])], TARGETS, TARGETS)

    assert [[1], [1]] == [layer.visibilities.tolist() for layer in scene.layers]
    assert [0.75, 0.25] == [layer.share for layer in scene.layers]


def test_a_picture_that_is_mixed_in_wholly_hides_the_own_one():
    own, other = mix([Mixup(fraction=[1.0, 1.0])], TARGETS, TARGETS).layers

    assert ([0], [1]) == (own.visibilities.tolist(), other.visibilities.tolist())
    assert not own.visible.any()


def test_others_are_stretched_to_the_size_of_the_picture():
    other = Targets(boxes=[[0, 0, 30, 5]], keypoints=[[30, 5]])

    scene = mix([Mixup(fraction=[0.5, 0.5])], TARGETS, other, sizes=(SIZE, (10, 60)))

    assert [[0, 0, 20, 10]] == hull(scene.layers[1].outlines).tolist()
    assert [[20, 10]] == scene.layers[1].points.tolist()


def test_tiles_hold_the_targets_of_their_pictures():
    scene = mix([Mosaic(centre_fraction=[0.5, 0.5])], TARGETS, TARGETS)

    assert [0, 1, 1, 1] == [layer.number for layer in scene.layers]
    assert [[2, 1, 7, 6], [22, 1, 27, 6], [2, 11, 7, 16], [22, 11, 27, 16]] == [
        hull(layer.outlines)[0].tolist() for layer in scene.layers
    ]


@pytest.mark.parametrize("before", [True, False])
def test_others_follow_only_what_is_done_before_the_mixing(before):
    nodes = [Flip(), Mixup(fraction=[0.5, 0.5])] if before else [Mixup(fraction=[0.5, 0.5]), Flip()]

    own, other = mix(nodes, TARGETS, TARGETS).layers

    assert own.points.tolist() == other.points.tolist() == [[35, 6], [39, 1], [10, 10]]


def test_cutmix_shares_sum_to_one():
    own, other = mix([Cutmix()], TARGETS, TARGETS).layers

    assert 1 == pytest.approx(own.share + other.share)
