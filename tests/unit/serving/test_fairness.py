import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.serving.fairness import FairQueue

LARGEST = 16
KEYS = "abc"


@dataclass(eq=False)
class Work:
    key: str
    size: int
    number: int = 0


WORKS = st.lists(
    st.builds(Work, key=st.sampled_from(KEYS), size=st.integers(1, 40), number=st.integers(0, 30)), max_size=40
)
ROOMS = st.lists(st.integers(1, LARGEST), min_size=1, max_size=60)


def make_queue(*works):
    queue = FairQueue()
    for work in works:
        queue.append(work)
    return queue


def size_of(work):
    return work.size


def give(queue, room):
    """Give out so many samples as the batcher does; return them by key."""
    given = {}
    for work in queue.in_order(size_of, room):
        count = min(work.size, room)
        if not count:
            break
        room -= count
        work.size -= count
        given[work.key] = given.get(work.key, 0) + count
        if not work.size:
            queue.remove(work)
        queue.charge(work.key, count, most=LARGEST)
    return given


def test_work_of_one_key_stays_in_order():
    works = [Work("a", size) for size in (3, 1, 2)]
    queue = make_queue(*works)

    assert works == queue.in_order(size_of, LARGEST)
    assert works[0] is queue.head()


def test_what_is_put_first_goes_before_all_else_of_its_key():
    later, lost = Work("a", 1), Work("a", 1)
    queue = make_queue(later)

    queue.appendleft(lost)

    assert [lost, later] == queue.in_order(size_of, LARGEST)


def test_keys_take_turns_sample_by_sample():
    first = [Work("a", 1) for _ in range(4)]
    second = [Work("b", 2) for _ in range(2)]
    queue = make_queue(*first, *second)

    order = queue.in_order(size_of, LARGEST)

    assert [first[0], second[0], first[1], first[2], second[1], first[3]] == order


def test_no_more_is_listed_of_a_key_than_there_is_room_for():
    queue = make_queue(*[Work("a", 3) for _ in range(5)], Work("b", 1))

    assert ["a", "b", "a"] == [work.key for work in queue.in_order(size_of, 5)]


def test_what_cannot_be_given_anything_is_left_out():
    queue = make_queue(Work("a", 0), Work("b", 1))

    assert ["b"] == [work.key for work in queue.in_order(size_of, LARGEST)]


def test_a_key_that_was_given_more_waits_for_the_others():
    queue = make_queue(Work("a", 100), Work("b", 100))

    turns = [give(queue, room) for room in (8, 4, 4, 4)]

    assert [{"a": 8}, {"b": 4}, {"b": 4}, {"a": 4}] == turns


def test_a_key_that_comes_back_has_saved_nothing_up():
    queue = make_queue(Work("a", 1000), Work("idle", 1))
    for _ in range(10):
        give(queue, LARGEST)

    queue.append(Work("idle", 1000))

    turns = [next(iter(give(queue, LARGEST))) for _ in range(6)]
    assert 3 == turns.count("idle")


def test_what_nobody_else_wanted_is_held_against_a_key_for_one_turn_only():
    queue = make_queue(Work("a", 1000))
    for _ in range(10):
        give(queue, LARGEST)

    queue.append(Work("b", 1000))

    assert ["b", "a", "b", "a"] == [next(iter(give(queue, LARGEST))) for _ in range(4)]


def test_an_empty_queue_has_nothing_to_give():
    queue = make_queue(Work("a", 1))

    queue.remove(queue.head())

    assert not queue
    assert [] == queue.in_order(size_of, LARGEST)
    assert 0 == queue.count(size_of)


def test_forgetting_what_does_not_wait_is_a_mistake():
    with pytest.raises(ValueError, match="not in"):
        make_queue(Work("a", 1)).remove(Work("a", 1))


@pytest.mark.parametrize(("key", "ahead"), [("a", 200 + 3), ("b", 3 + 3 + 16), ("new", 16 + 3)])
def test_a_new_request_waits_for_its_own_key_and_for_as_much_of_each_other(key, ahead):
    queue = make_queue(*[Work("a", 1) for _ in range(200)], Work("b", 3))

    assert ahead == queue.ahead_of(key, size_of, LARGEST)


def moments(works, rooms):
    """Let work come before the turn of its number; yield what waits and what is given at each turn."""
    queue = FairQueue()
    for number, room in enumerate(rooms):
        for work in works:
            if work.number == number:
                queue.append(work)
        here = [work for work in works if work.number <= number]
        waiting = {key: sum(work.size for work in here if work.key == key) for key in KEYS}
        yield room, waiting, give(queue, room)


@settings(max_examples=150, deadline=None)
@given(works=WORKS, rooms=ROOMS)
def test_nothing_is_lost_and_no_room_is_left_while_something_waits(works, rooms):
    total = sum(work.size for work in works)
    given_out = 0

    for room, waiting, shares in moments(works, rooms):
        assert min(room, sum(waiting.values())) == sum(shares.values())
        given_out += sum(shares.values())

    assert total == given_out + sum(work.size for work in works)


@settings(max_examples=150, deadline=None)
@given(works=WORKS, rooms=ROOMS)
def test_two_keys_that_wait_are_given_the_same_up_to_a_batch_each(works, rooms):
    leads = {}

    for _, waiting, shares in moments(works, rooms):
        for one, other in itertools.combinations(KEYS, 2):
            if waiting[one] and waiting[other]:
                lead = leads.get((one, other), 0) + shares.get(one, 0) - shares.get(other, 0)
                assert abs(lead) <= 2 * LARGEST
                leads[one, other] = lead
            else:
                leads.pop((one, other), None)
