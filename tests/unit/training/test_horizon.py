import pytest

from app.training.compute.lanes import Lanes
from app.training.config import ScheduleConfig
from app.training.horizon import Horizon


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_run_by_steps_ends_after_the_last_one_whatever_the_clock_says():
    clock = Clock()
    horizon = Horizon(ScheduleConfig(steps=4), elapsed_s=0.0, lanes=Lanes(), clock=clock)
    clock.now += 1e6

    assert [0.0, 0.5] == [horizon.progress(step) for step in (0, 2)]
    assert [False, True] == [horizon.is_last(step, 0.0) for step in (2, 3)]


def test_a_run_by_the_clock_ends_when_its_time_is_over_whatever_the_step():
    clock = Clock()
    horizon = Horizon(ScheduleConfig(steps=4, time_budget_s=20), elapsed_s=5.0, lanes=Lanes(), clock=clock)

    before = horizon.progress(1000)
    clock.now += 15

    assert pytest.approx(0.25) == before
    assert not horizon.is_last(1000, before)
    assert horizon.is_last(0, horizon.progress(0))
    assert pytest.approx(20.0) == horizon.elapsed_s()
