import pytest

from app.schemas.jobs import ModelRef
from app.serving.batcher import Batcher
from app.serving.batches import Part, choose_size

DIGITS = ModelRef("digits", 1, "d" * 64)
FACES = ModelRef("faces", 1, "f" * 64)
SIZES = (4, 16)


def make_batcher(window_batches=4):
    batcher = Batcher(window_batches=window_batches)
    batcher.set_sizes(DIGITS, SIZES)
    batcher.set_sizes(FACES, SIZES)
    return batcher


def plan_all(batcher):
    batches = []
    while (batch := batcher.next_batch()) is not None:
        batches.append(batch)
    return batches


@pytest.mark.parametrize(
    ("waiting", "size"), [(1, 16), (16, 16), (17, 16), (32, 16), (33, 64), (128, 64), (129, 256), (999, 256)]
)
def test_a_batch_takes_the_size_that_wastes_least(waiting, size):
    assert size == choose_size(waiting, (16, 64, 256))


def test_a_batch_without_an_allowed_size_is_a_mistake():
    with pytest.raises(ValueError, match="at least one"):
        choose_size(1, ())


def test_requests_that_wait_together_share_a_batch():
    batcher = make_batcher()
    tickets = [batcher.submit(DIGITS, 1, interactive=True) for _ in range(3)]

    batch = batcher.next_batch()

    assert tuple(Part(ticket, 0, 1) for ticket in tickets) == batch.parts
    assert 4 == batch.size


def test_versions_never_share_a_batch():
    batcher = make_batcher()
    batcher.lanes = 2
    first = batcher.submit(DIGITS, 1, interactive=True)
    second = batcher.submit(FACES, 1, interactive=True)

    batches = plan_all(batcher)

    assert [((Part(first, 0, 1),), DIGITS), ((Part(second, 0, 1),), FACES)] == [(b.parts, b.model) for b in batches]


def test_two_batches_are_in_flight_at_most():
    batcher = make_batcher()
    batcher.submit(DIGITS, 100, interactive=False)

    batches = plan_all(batcher)

    assert [0, 16] == [batch.parts[0].offset for batch in batches]
    assert 2 == batcher.in_flight


def test_interactive_requests_go_first_and_bulk_fills_their_padding():
    batcher = make_batcher()
    bulk = batcher.submit(DIGITS, 100, interactive=False)
    single = batcher.submit(DIGITS, 1, interactive=True)

    batch = batcher.next_batch()

    assert (Part(single, 0, 1), Part(bulk, 0, 3)) == batch.parts


def test_bulk_is_never_starved_by_interactive_requests():
    batcher = make_batcher()
    bulk = batcher.submit(DIGITS, 64, interactive=False)
    led_by = []

    for _ in range(8):
        for _ in range(16):
            batcher.submit(DIGITS, 1, interactive=True)
        batch = batcher.next_batch()
        led_by.append(batch.parts[0].ticket == bulk)
        batcher.complete(batch.batch_id)

    assert [False, False, False, True, False, False, False, True] == led_by


def test_bulk_requests_take_turns():
    batcher = make_batcher()
    first = batcher.submit(DIGITS, 100, interactive=False)
    second = batcher.submit(DIGITS, 100, interactive=False)
    turns = []

    for _ in range(4):
        batch = batcher.next_batch()
        turns.append(batch.parts[0].ticket)
        batcher.complete(batch.batch_id)

    assert [first, second, first, second] == turns


def test_many_bulk_requests_of_one_key_take_no_more_than_its_share():
    batcher = make_batcher()
    for _ in range(200):
        batcher.submit(DIGITS, 100, interactive=False, key="many")
    single = batcher.submit(DIGITS, 1000, interactive=False, key="one")
    turns = []

    for _ in range(8):
        batch = batcher.next_batch()
        turns.append(batch.parts[0].ticket == single)
        batcher.complete(batch.batch_id)
        batcher.read(single, 16 * sum(turns))

    assert [False, True] * 4 == turns


def test_an_interactive_request_waits_for_no_more_of_another_key_than_of_its_own():
    batcher = make_batcher()
    for _ in range(200):
        batcher.submit(DIGITS, 1, interactive=True, key="many")
    singles = [batcher.submit(DIGITS, 1, interactive=True, key="one") for _ in range(3)]

    batch = batcher.next_batch()

    assert [1, 3, 5] == [number for number, part in enumerate(batch.parts) if part.ticket in singles]
    assert 16 == batch.num_samples


def test_keys_of_different_versions_take_turns():
    batcher = make_batcher()
    batcher.lanes = 2
    for _ in range(100):
        batcher.submit(DIGITS, 8, interactive=True, key="many")
    batcher.submit(FACES, 8, interactive=True, key="one")

    batches = [batcher.next_batch() for _ in range(2)]

    assert [DIGITS, FACES] == [batch.model for batch in batches]


@pytest.mark.parametrize(
    ("interactive", "key", "ahead"), [(True, "a", 16 + 7), (True, "b", 16 + 7), (False, "b", 16 + 7 + 16)]
)
def test_what_goes_before_a_new_request_can_be_foretold(interactive, key, ahead):
    batcher = make_batcher()
    batcher.submit(DIGITS, 16, interactive=True, key="a")
    batcher.next_batch()
    batcher.submit(DIGITS, 7, interactive=True, key="a")
    batcher.submit(DIGITS, 100, interactive=False, key="a")

    assert ahead == batcher.count_ahead(key, interactive=interactive, turn=16)


def test_a_request_waits_for_its_reader():
    batcher = make_batcher(window_batches=2)
    ticket = batcher.submit(DIGITS, 100, interactive=False)
    for batch in plan_all(batcher):
        batcher.complete(batch.batch_id)

    blocked = batcher.next_batch()
    batcher.read(ticket, 15)
    still_blocked = batcher.next_batch()
    batcher.read(ticket, 16)
    batch = batcher.next_batch()

    assert blocked is None
    assert still_blocked is None
    assert (Part(ticket, 32, 16),) == batch.parts


def test_requests_of_a_version_without_sizes_wait():
    batcher = Batcher(window_batches=1)
    ticket = batcher.submit(DIGITS, 2, interactive=True)

    before = batcher.next_batch()
    batcher.set_sizes(DIGITS, SIZES)
    after = batcher.next_batch()

    assert before is None
    assert (Part(ticket, 0, 2),) == after.parts


def test_smaller_sizes_after_a_reload_take_effect_at_once():
    batcher = make_batcher(window_batches=2)
    ticket = batcher.submit(DIGITS, 100, interactive=False)
    batch = batcher.next_batch()
    batcher.complete(batch.batch_id)

    batcher.set_sizes(DIGITS, (4,))
    blocked = batcher.next_batch()
    batcher.read(ticket, 16)

    assert blocked is None
    assert (Part(ticket, 16, 4),) == batcher.next_batch().parts


def test_a_cancelled_request_gets_no_further_batch():
    batcher = make_batcher()
    ticket = batcher.submit(DIGITS, 100, interactive=False)
    batcher.next_batch()

    cancelled = batcher.cancel(ticket)

    assert cancelled
    assert not batcher.cancel(ticket)
    assert batcher.next_batch() is None
    assert 0 == len(batcher)
    assert 0 == batcher.waiting_samples


def test_a_finished_request_is_forgotten():
    batcher = make_batcher()
    batcher.submit(DIGITS, 2, interactive=True)
    batch = batcher.next_batch()

    completed = batcher.complete(batch.batch_id)

    assert batch == completed
    assert 0 == len(batcher)
    assert not batcher.uses(DIGITS)


def test_an_unknown_batch_changes_nothing():
    batcher = make_batcher()

    batcher.start(7)

    assert batcher.complete(7) is None
    assert [] == batcher.fail(7)


def test_a_failed_batch_ends_its_requests_only():
    batcher = make_batcher()
    failed = batcher.submit(DIGITS, 40, interactive=False)
    other = batcher.submit(FACES, 1, interactive=False)
    batch = batcher.next_batch()

    ended = batcher.fail(batch.batch_id)

    assert [failed] == ended
    assert batcher.uses(FACES)
    assert (Part(other, 0, 1),) == batcher.next_batch().parts


def test_a_failed_version_ends_all_its_requests():
    batcher = make_batcher()
    failed = [batcher.submit(DIGITS, 1, interactive=True) for _ in range(3)]
    batcher.submit(FACES, 1, interactive=True)

    dropped = batcher.drop_model(DIGITS)
    batcher.forget(DIGITS)

    assert failed == dropped
    assert batcher.sizes(DIGITS) is None
    assert 1 == len(batcher)


def test_samples_of_a_lost_worker_are_planned_again_in_order():
    batcher = make_batcher()
    ticket = batcher.submit(DIGITS, 100, interactive=False)
    later = batcher.submit(DIGITS, 100, interactive=False)
    lost = plan_all(batcher)

    poisoned = batcher.lose_worker()
    again = plan_all(batcher)

    assert [] == poisoned
    assert [ticket, later] == [batch.parts[0].ticket for batch in lost]
    assert [batch.parts for batch in lost] == [batch.parts for batch in again]


def test_a_request_in_a_started_batch_runs_alone_after_a_death():
    batcher = make_batcher()
    suspects = [batcher.submit(DIGITS, 1, interactive=True) for _ in range(2)]
    batch = batcher.next_batch()
    innocent = batcher.submit(DIGITS, 1, interactive=True)
    batcher.next_batch()
    batcher.start(batch.batch_id)

    batcher.lose_worker()
    for ticket in suspects:
        alone = plan_all(batcher)
        assert [(Part(ticket, 0, 1),)] == [planned.parts for planned in alone]
        batcher.complete(alone[0].batch_id)

    assert (Part(innocent, 0, 1),) == batcher.next_batch().parts


def test_nothing_is_computed_beside_a_suspect():
    batcher = make_batcher()
    batcher.lanes = 2
    suspect = batcher.submit(DIGITS, 1, interactive=True)
    batcher.start(batcher.next_batch().batch_id)
    other = batcher.submit(FACES, 1, interactive=True)
    batcher.lose_worker()

    alone = plan_all(batcher)
    batcher.complete(alone[0].batch_id)
    after = plan_all(batcher)

    assert [suspect] == [batch.parts[0].ticket for batch in alone]
    assert [other] == [batch.parts[0].ticket for batch in after]


def test_each_lane_has_a_batch_and_one_more_waits():
    batcher = make_batcher()
    batcher.lanes = 3
    batcher.submit(DIGITS, 100, interactive=False)

    batches = plan_all(batcher)

    assert [0, 16, 32, 48] == [batch.parts[0].offset for batch in batches]


def test_the_second_death_ends_the_suspect_only():
    batcher = make_batcher()
    killer = batcher.submit(DIGITS, 1, interactive=True)
    other = batcher.submit(DIGITS, 1, interactive=True)
    batch = batcher.next_batch()
    batcher.start(batch.batch_id)
    batcher.lose_worker()
    alone = batcher.next_batch()
    batcher.start(alone.batch_id)

    poisoned = batcher.lose_worker()

    assert [killer] == poisoned
    assert (Part(other, 0, 1),) == batcher.next_batch().parts


def test_a_suspect_is_cleared_when_its_samples_are_done():
    batcher = make_batcher()
    ticket = batcher.submit(DIGITS, 100, interactive=False)
    for _ in range(3):
        batch = batcher.next_batch()
        batcher.start(batch.batch_id)
        assert [] == batcher.lose_worker()
        alone = batcher.next_batch()
        assert batcher.next_batch() is None
        batcher.complete(alone.batch_id)

    assert (Part(ticket, 48, 16),) == batcher.next_batch().parts


def test_lost_samples_are_split_when_sizes_shrank():
    batcher = make_batcher()
    ticket = batcher.submit(DIGITS, 16, interactive=True)
    batch = batcher.next_batch()
    batcher.start(batch.batch_id)
    batcher.lose_worker()
    batcher.set_sizes(DIGITS, (4,))
    offsets = []

    while (alone := batcher.next_batch()) is not None:
        batcher.read(ticket, 0)
        assert batcher.next_batch() is None
        offsets.append(alone.parts[0].offset)
        batcher.complete(alone.batch_id)

    assert [0, 4, 8, 12] == offsets
    assert 0 == len(batcher)


def test_sizes_of_one_version_do_not_touch_another():
    batcher = Batcher(window_batches=1)
    batcher.submit(DIGITS, 1, interactive=True)
    batcher.set_sizes(FACES, SIZES)

    assert batcher.next_batch() is None


def test_reading_a_request_that_is_gone_changes_nothing():
    batcher = make_batcher()

    batcher.read(7, 1)

    assert 0 == len(batcher)


def keep(batcher, reserve, model=DIGITS):
    return batcher.keep(model, 10**9, reserve=reserve)


def test_a_reserve_is_filled_by_large_batches_until_half_of_it_is_planned():
    batcher = make_batcher()
    batcher.lanes = 3
    reserve = keep(batcher, 64)

    first = plan_all(batcher)
    for batch in first:
        batcher.complete(batch.batch_id)
    second = plan_all(batcher)

    assert [(Part(reserve, 0, 16),), (Part(reserve, 16, 16),)] == [batch.parts for batch in first]
    assert [(Part(reserve, 32, 4),), (Part(reserve, 36, 4),)] == [batch.parts for batch in second]


def test_one_lane_fills_a_reserve_when_there_is_no_other():
    batcher = make_batcher()
    keep(batcher, 64)

    assert 1 == len(plan_all(batcher))


def test_what_does_not_fill_a_batch_grows_while_the_device_is_busy():
    batcher = make_batcher()
    first = batcher.submit(DIGITS, 1, interactive=True)
    busy = batcher.next_batch()
    later = [batcher.submit(DIGITS, 1, interactive=True) for _ in range(15)]
    before = batcher.next_batch()
    batcher.complete(busy.batch_id)

    assert [first] == [part.ticket for part in busy.parts]
    assert before is None
    assert later == [part.ticket for part in batcher.next_batch().parts]


def test_what_fills_a_batch_waits_at_the_device():
    batcher = make_batcher()
    batcher.submit(DIGITS, 1, interactive=True)
    batcher.next_batch()
    for _ in range(16):
        batcher.submit(DIGITS, 1, interactive=True)

    assert 16 == batcher.next_batch().num_samples


def test_a_full_reserve_costs_nothing_until_something_is_taken():
    batcher = make_batcher()
    reserve = keep(batcher, 8)
    complete_all(batcher)

    batcher.read(reserve, 3)
    untouched = batcher.next_batch()
    batcher.read(reserve, 4)

    assert None is untouched
    assert (Part(reserve, 8, 4),) == batcher.next_batch().parts


def test_a_reserve_is_no_request():
    batcher = make_batcher()

    reserve = keep(batcher, 8)

    assert (0, 0) == (len(batcher), batcher.waiting_samples)
    assert batcher.uses(DIGITS)
    assert batcher.cancel(reserve)
    assert not batcher.uses(DIGITS)


@pytest.mark.parametrize("interactive", [True, False])
def test_requests_go_before_a_reserve(interactive):
    batcher = make_batcher()
    keep(batcher, 8)
    request = batcher.submit(DIGITS, 4, interactive=interactive)

    assert (Part(request, 0, 4),) == batcher.next_batch().parts


def test_a_reserve_takes_the_place_of_padding():
    batcher = make_batcher()
    reserve = keep(batcher, 100)
    request = batcher.submit(DIGITS, 5, interactive=True)

    batch = batcher.next_batch()

    assert (Part(request, 0, 5), Part(reserve, 0, 11)) == batch.parts
    assert 16 == batch.size


def test_a_reserve_of_another_version_fills_no_padding():
    batcher = make_batcher()
    keep(batcher, 100, model=FACES)
    request = batcher.submit(DIGITS, 5, interactive=True)

    batch = batcher.next_batch()

    assert (Part(request, 0, 4),) == batch.parts


def test_what_a_dead_worker_had_of_a_reserve_is_computed_again_in_order():
    batcher = make_batcher()
    reserve = keep(batcher, 8)
    plan_all(batcher)

    assert [] == batcher.lose_worker()

    assert [(Part(reserve, 0, 4),), (Part(reserve, 4, 4),)] == [batch.parts for batch in complete_all(batcher)]


def complete_all(batcher):
    """Compute until nothing is to be done; return the batches."""
    batches = []
    while (batch := batcher.next_batch()) is not None:
        batcher.complete(batch.batch_id)
        batches.append(batch)
    return batches
