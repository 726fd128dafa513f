import threading

import pytest

from app.client.prefetching import Prefetched


def test_items_come_in_their_order():
    assert list(range(50)) == list(Prefetched(range(50), 3))


def test_what_goes_wrong_is_raised_where_items_are_taken():
    def fail():
        yield 1
        raise ValueError("no more")

    taken = iter(Prefetched(fail(), 2))

    assert 1 == next(taken)
    with pytest.raises(ValueError, match="no more"):
        next(taken)


def test_the_thread_is_no_further_ahead_than_told():
    drawn, full = [], threading.Event()

    def draw():
        for number in range(100):
            drawn.append(number)
            if number == 4:
                full.set()
            yield number

    taken = iter(Prefetched(draw(), 3))
    next(taken)

    assert full.wait(10)
    assert len(drawn) <= 5
    taken.close()


def test_the_thread_ends_when_nobody_takes_more():
    closed = threading.Event()

    def draw():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    taken = iter(Prefetched(draw(), 1))
    next(taken)
    taken.close()

    assert closed.wait(10)
