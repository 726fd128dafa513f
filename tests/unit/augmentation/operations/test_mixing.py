import json

import numpy as np
import pytest

from app.augmentation.cpu import Renderer
from app.augmentation.draws import rows_of
from app.augmentation.engine import Source, augment
from app.augmentation.frames import Frames, frames_of
from app.augmentation.operations.mixing import blend, check_mixable
from app.augmentation.orders import Order
from app.augmentation.policy import Policy
from app.augmentation.primitives import Mix
from app.augmentation.sampler import Sampler
from app.augmentation.traces import Trace, replay
from app.core.errors import InvalidInputError
from tests.augmenting import make_picture, make_plan, trace_of

MIXING = [{"op": "mixup"}, {"op": "mixup", "fraction": [0.2, 0.4]}, {"op": "cutmix"}, {"op": "mosaic"}]


def plan_many(op, *, copies=500, height=40, width=30):
    frames = Frames(np.full(copies, height), np.full(copies, width), 3)
    return Sampler(rows_of(2, 7, copies), frames, 2**20).run(Policy(ops=[op]).ops)


def mix_of(plan) -> Mix:
    return plan.steps[0].primitive


def flat(level, *, height=8, width=8, channels=3):
    return np.full((height, width, channels), level, np.uint8)


def mix(steps, *pictures, has_alpha=False):
    """Replay a mixing on the first of some pictures."""
    trace = Trace.model_validate_json(json.dumps({"steps": steps}))
    plans = [replay([trace], frames_of(one, 1, has_alpha=has_alpha), 2**20)[0] for one in pictures]
    return Renderer(pictures, plans).render_one(0, 0)


@pytest.mark.parametrize("op", MIXING)
def test_shares_of_labels_sum_to_one(op):
    shares = mix_of(plan_many(op)).shares

    assert (abs(shares.sum(axis=1) - 1) < 1e-12).all()
    assert (shares >= 0).all()


@pytest.mark.parametrize("op", [{"op": "cutmix"}, {"op": "mosaic"}])
def test_shares_are_the_parts_of_the_picture_that_are_seen(op):
    made = mix_of(plan_many(op))
    own = made.windows[:, 1:] if op["op"] == "cutmix" else made.windows

    areas = (own[:, :, 2] - own[:, :, 0]) * (own[:, :, 3] - own[:, :, 1]) / (40 * 30)

    assert pytest.approx(areas) == made.shares[:, -areas.shape[1] :]


def test_mixup_draws_fractions_of_its_range_or_of_a_beta_distribution():
    even = mix_of(plan_many({"op": "mixup", "fraction": [0.2, 0.4]})).shares[:, 1]
    peaked = mix_of(plan_many({"op": "mixup", "alpha": 20.0}, copies=2000)).shares[:, 1]

    assert 0.2 <= even.min() < 0.21
    assert 0.39 < even.max() <= 0.4
    assert pytest.approx(1 / (4 * 41), rel=0.1) == peaked.var()


def test_mixup_sees_the_pictures_through_each_other():
    steps = [{"op": "mixup", "partners": [0.0], "fraction": 0.25}]

    made = mix(steps, flat(100), flat(200, height=5, width=12))

    assert (flat(125) == made).all()


def test_mixup_of_a_transparent_picture_keeps_the_colours_of_the_other():
    clear, solid = flat(0, channels=4), flat(255, channels=4)
    solid[:, :, :3] = 80
    steps = [{"op": "mixup", "partners": [0.0], "fraction": 0.5}]

    made = mix(steps, clear, solid, has_alpha=True)

    assert [80, 80, 80, 128] == made[3, 3].tolist()


def test_hidden_colours_of_another_do_not_show_where_it_is_stretched():
    other = flat(0, height=1, width=2, channels=4)
    other[0, 0], other[0, 1] = [200, 200, 200, 255], [9, 9, 9, 0]
    steps = [{"op": "mixup", "partners": [0.0], "fraction": 1.0}]

    made = mix(steps, flat(50, channels=4), other, has_alpha=True)

    seen = made[:, :, 3] > 0
    assert 0 < made[0, 4, 3] < 255
    assert (made[seen][:, :3] == 200).all()


def test_cutmix_shows_the_other_in_a_window():
    steps = [{"op": "cutmix", "partners": [0.0], "left": 2, "top": 1, "right": 5, "bottom": 30}]

    made = mix(steps, flat(10), flat(90, height=3, width=4))

    expected = flat(10)
    expected[1:8, 2:5] = 90
    assert (expected == made).all()


def test_a_window_beyond_the_picture_is_cut_off_and_one_turned_over_is_empty():
    beyond = [{"op": "cutmix", "partners": [0.0], "left": 90, "top": 1, "right": 99, "bottom": 3}]
    turned = [{"op": "cutmix", "partners": [0.0], "left": 5, "top": 1, "right": 2, "bottom": 3}]

    assert (flat(10) == mix(beyond, flat(10), flat(90))).all()
    assert (flat(10) == mix(turned, flat(10), flat(90))).all()


def test_mosaic_stretches_four_pictures_into_tiles():
    steps = [{"op": "mosaic", "partners": [0.0, 0.4, 0.9], "x_fraction": 0.25, "y_fraction": 0.5}]
    pictures = [flat(10), flat(20, height=3), flat(30, width=40), flat(40, height=9, width=9)]

    made = mix(steps, *pictures)

    expected = np.array([[10] * 2 + [20] * 6] * 4 + [[30] * 2 + [40] * 6] * 4)
    assert (expected == made[:, :, 0]).all()


def test_mosaic_may_show_one_picture_only():
    steps = [{"op": "mosaic", "partners": [0.0, 0.0, 0.0], "x_fraction": 1.0, "y_fraction": 1.0}]

    assert (flat(10) == mix(steps, flat(10), flat(20))).all()


def test_matrices_say_where_points_of_the_tiles_come_from():
    picture = make_picture(height=20, width=20)
    plan = make_plan([{"op": "mosaic"}], picture)
    made = mix_of(plan)

    corners = made.matrices[0] @ np.array([[0, 20], [0, 20], [1, 1]])

    assert pytest.approx(made.windows[0]) == np.concatenate([corners[:, :2, 0], corners[:, :2, 1]], axis=1)


@pytest.mark.parametrize("op", MIXING)
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_mixing_keeps_size_and_depth_and_replays_from_its_trace(op, depth):
    pictures = [make_picture(depth, seed=seed, height=9 + seed, width=13 - seed) for seed in range(3)]
    plans = [make_plan([op], picture, copies=2, key=key) for key, picture in enumerate(pictures)]
    renderer = Renderer(pictures, plans)

    traces = [Trace.model_validate({"steps": trace_of(plan, 1)}) for plan in plans]
    again = [replay([trace], frames_of(one, 1), 2**20)[0] for trace, one in zip(traces, pictures, strict=True)]

    for number, picture in enumerate(pictures):
        made = renderer.render_one(number, 1)
        assert (picture.shape, picture.dtype) == (made.shape, made.dtype)
        assert (Renderer(pictures, again).render_one(number, 0) == made).all()


def test_pictures_of_different_channels_are_not_mixed():
    sources = [Source(make_picture(channels=3), 1), Source(make_picture(channels=1), 2)]

    with pytest.raises(InvalidInputError, match="same channels"):
        next(augment(sources, Order(Policy(ops=[{"op": "cutmix"}]).ops, 1)))
    with pytest.raises(InvalidInputError, match="same channels"):
        mix([{"op": "mixup", "partners": [0.0], "fraction": 0.5}], *(one.pixels for one in sources))


def test_pictures_of_one_kind_may_have_any_sizes():
    assert check_mixable([frames_of(make_picture(height=height), 1) for height in (2, 9)]) is None


def test_blending_stays_within_the_levels():
    pixels = make_picture("uint16")

    assert (pixels == blend([pixels, pixels], np.array([0.3, 0.7]), has_alpha=False)).all()
    assert 65535 == blend([pixels, pixels], np.array([1.0, 1.0]), has_alpha=False).max()
