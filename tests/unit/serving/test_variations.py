import numpy as np
import pytest

from app.serving.variations import NUMBER_LIMIT, VariationPlan
from app.worker.latents import draw_run_latents

LATENTS = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)


def make_plan(**changes):
    facts = {"seed": 5, "latents": LATENTS, "copies": 4, "strength": 0.5, "first_image": 7, "first_index": 2}
    return VariationPlan(**facts | changes)


def draw(plan, offset, count):
    return draw_run_latents([plan.run(offset, count)], 4)


def test_any_split_of_a_plan_has_the_latents_of_the_whole():
    plan = make_plan()
    whole = draw(plan, 0, 12)

    for size in (1, 3, 5, 12):
        parts = [draw(plan, offset, min(size, 12 - offset)) for offset in range(0, 12, size)]
        assert np.array_equal(whole, np.concatenate(parts))


def test_images_and_copies_may_be_asked_for_one_by_one():
    whole = draw(make_plan(), 0, 12)

    one = make_plan(latents=LATENTS[2:], first_image=9, copies=1, first_index=5)

    assert (12, 1) == (make_plan().num_samples, one.num_samples)
    assert np.array_equal(whole[11:], draw(one, 0, 1))


def test_a_run_carries_the_latents_of_its_own_images_only():
    assert LATENTS[1:3].tobytes() == make_plan().run(7, 5).latents
    assert LATENTS[1:2].tobytes() == make_plan().run(4, 4).latents


def test_copies_have_the_class_of_their_image():
    plan = make_plan(classes=np.array([2, 0, 1], dtype=np.int32))

    assert [2, 0, 0, 0, 0, 1] == plan.labels(3, 6).tolist()
    assert make_plan().labels(0, 12) is None


def test_what_all_have_in_common_is_the_strength():
    assert ({"variation": {"strength": 0.5}}, 1.0) == (make_plan().how, make_plan().truncation)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -1},
        {"seed": 2**63},
        {"latents": LATENTS[:0]},
        {"copies": 0},
        {"strength": -0.1},
        {"strength": 1.1},
        {"first_image": -1},
        {"first_image": NUMBER_LIMIT - 2},
        {"first_index": -1},
        {"first_index": NUMBER_LIMIT - 3},
    ],
    ids=str,
)
def test_plans_that_cannot_be_computed_are_not_made(change):
    with pytest.raises(ValueError, match="must"):
        make_plan(**change)
