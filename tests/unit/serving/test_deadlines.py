import asyncio
import math

import pytest

from app.serving.deadlines import Deadlines
from tests.fakes import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def overdue():
    return []


@pytest.fixture
def deadlines(clock, overdue):
    return Deadlines(clock, overdue.append)


async def test_what_is_overdue_is_told_once(deadlines, clock, overdue):
    for ticket, moment in enumerate((105.0, 103.0, 104.0)):
        deadlines.add(ticket, moment)

    deadlines.check()
    clock.now = 104.0
    deadlines.check()
    deadlines.check()

    assert [[1, 2]] == overdue
    assert 1 == len(deadlines)


async def test_what_was_begun_is_never_overdue(deadlines, clock, overdue):
    deadlines.add(1, 103.0)
    deadlines.add(2, 105.0)

    deadlines.discard(1)
    deadlines.discard(7)
    clock.now = 104.0
    deadlines.check()

    assert [] == overdue
    clock.now = 106.0
    deadlines.check()
    assert [[2]] == overdue


async def test_what_may_wait_for_ever_is_not_watched(deadlines):
    deadlines.add(1, math.inf)

    assert 0 == len(deadlines)


async def test_a_timer_tells_when_nothing_else_does(clock):
    told = asyncio.get_running_loop().create_future()
    deadlines = Deadlines(clock, told.set_result)
    deadlines.add(1, 200.0)
    deadlines.add(2, 100.001)

    clock.now = 101.0

    assert [2] == await asyncio.wait_for(told, 60)


async def test_a_timer_that_rings_early_rings_again(clock):
    told = asyncio.get_running_loop().create_future()
    deadlines = Deadlines(clock, told.set_result)
    looks = []

    def stand_still():
        looks.append(clock.now)
        if len(looks) == 4:
            clock.now = 101.0
        return clock.now

    deadlines._clock = stand_still
    deadlines.add(1, 100.001)

    assert [1] == await asyncio.wait_for(told, 60)
