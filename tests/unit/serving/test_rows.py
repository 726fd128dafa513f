import numpy as np
import pytest

from app.serving.plan import SamplePlan
from app.serving.rows import choose_rows
from app.worker.latents import draw_run_latents

COMMON = {"seed": 5, "first_index": 100}
PLANS = {
    "drawn": SamplePlan.drawn(num_samples=40, num_classes=3, **COMMON),
    "one-class": SamplePlan.of_class(2, num_samples=40, num_classes=3, **COMMON),
    "counted": SamplePlan.of_counts([(0, 9), (2, 31)], num_classes=3, **COMMON),
    "no-classes": SamplePlan.drawn(num_samples=40, truncation=0.5, **COMMON),
}
OFFSETS = np.array([39, 0, 8, 9, 10, 25])


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_rows_of_a_plan_are_the_samples_that_they_were(plan):
    rows = choose_rows(plan, OFFSETS)

    whole = draw_run_latents([plan.run(0, 40)], 8)
    np.testing.assert_array_equal(whole[OFFSETS], draw_run_latents([rows.run(0, 6)], 8))
    np.testing.assert_array_equal(whole[OFFSETS[2:4]], draw_run_latents([rows.run(2, 2)], 8))
    assert (139, 6, {}) == (rows.first_index, rows.num_samples, rows.how)
    if plan.num_classes:
        np.testing.assert_array_equal(plan.labels(0, 40)[OFFSETS], rows.labels(0, 6))
        np.testing.assert_array_equal(plan.labels(0, 40)[OFFSETS[2:4]], rows.labels(2, 2))
    else:
        assert rows.labels(0, 6) is None


def test_rows_go_with_consecutive_samples_in_one_batch():
    plan = PLANS["drawn"]
    runs = [plan.run(0, 3), choose_rows(plan, OFFSETS).run(0, 6)]

    latents = draw_run_latents(runs, 8)

    np.testing.assert_array_equal(draw_run_latents([plan.run(0, 40)], 8)[[0, 1, 2, *OFFSETS]], latents)
