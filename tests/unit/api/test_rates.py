import math

import pytest

from app.api.keys import AccessScope, Caller
from app.api.rates import DEVICE, REQUESTS, Rates
from app.api.windows import PARTS, MovingWindows
from app.core.errors import LimitExceededError, RateLimitedError
from app.core.settings import RateSettings

SCOPES = frozenset(AccessScope)
ALICE, BOB = Caller("alice", SCOPES), Caller("bob", SCOPES)


class Hands:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def make_rates(clock):
    return lambda **settings: Rates(RateSettings(**settings), clock)


def count_taken(allowance, tries):
    taken = 0
    for _ in range(tries):
        try:
            allowance.count_request()
        except RateLimitedError:
            continue
        taken += 1
    return taken


def read_headers(allowance):
    return {name.decode(): value.decode() for name, value in allowance.headers()}


def test_without_bounds_nothing_is_counted(make_rates):
    assert make_rates().allow(ALICE) is None


def test_a_key_may_send_its_requests_in_a_minute_and_no_more(make_rates, clock):
    rates = make_rates(requests_per_minute=10)

    assert 10 == count_taken(rates.allow(ALICE), 100)
    clock.now += 59.9
    assert 0 == count_taken(rates.allow(ALICE), 5)
    clock.now += 0.1
    assert 10 == count_taken(rates.allow(ALICE), 100)


def test_keys_do_not_take_from_each_other(make_rates):
    rates = make_rates(requests_per_minute=3)

    assert 3 == count_taken(rates.allow(ALICE), 9)
    assert 3 == count_taken(rates.allow(BOB), 9)


def test_in_no_minute_is_there_more_than_the_bound(make_rates, clock):
    rates, taken = make_rates(requests_per_minute=20), []
    for _ in range(3000):
        clock.now += 0.137
        taken += [clock.now] * count_taken(rates.allow(ALICE), 1)

    most = max(sum(start <= moment < start + 60 for moment in taken) for start in taken)
    assert 20 == most
    assert len(taken) > 20 * (clock.now - 1000) / (60 + 2 * 60 / PARTS) - 20


@pytest.mark.parametrize("own", [2, 30])
def test_a_key_may_have_a_rate_of_its_own(make_rates, own):
    rates = make_rates(requests_per_minute=10)
    caller = Caller("carol", SCOPES, requests_per_minute=own)

    assert own == count_taken(rates.allow(caller), 100)


def test_a_key_may_be_freed_of_the_rates_of_all(make_rates):
    rates = make_rates(requests_per_minute=1, device_s_per_minute=1)

    assert rates.allow(Caller("carol", SCOPES, requests_per_minute=0, device_seconds_per_minute=0)) is None


def test_a_refusal_says_when_it_is_worth_coming_back(make_rates, clock):
    rates = make_rates(requests_per_minute=1)
    rates.allow(ALICE).count_request()
    clock.now += 12.5

    with pytest.raises(RateLimitedError) as caught:
        rates.allow(ALICE).count_request()

    assert {"retry_after_s": 48, "policy": REQUESTS, "limit": 1} == caught.value.fields
    clock.now += 48
    rates.allow(ALICE).count_request()


def test_device_time_is_paid_for_as_it_is_foretold(make_rates, clock):
    rates = make_rates(device_s_per_minute=2)
    rates.allow(ALICE).spend(1.5, 15)
    clock.now += 10

    with pytest.raises(RateLimitedError) as caught:
        rates.allow(ALICE).spend(0.6, 6)

    assert (50, DEVICE) == (caught.value.fields["retry_after_s"], caught.value.fields["policy"])
    rates.allow(ALICE).spend(0.5, 5)
    rates.allow(BOB).spend(2.0, 20)


def test_what_never_fits_into_a_minute_is_said_to_be_too_large(make_rates):
    rates = make_rates(device_s_per_minute=2)

    with pytest.raises(LimitExceededError) as caught:
        rates.allow(ALICE).spend(8.0, 1000)

    assert {"limit": 250} == caught.value.fields
    rates.allow(ALICE).spend(2.0, 250)


def test_what_costs_nothing_yet_is_never_refused(make_rates):
    rates = make_rates(device_s_per_minute=1)
    rates.allow(ALICE).spend(1.0, 1)

    rates.allow(ALICE).spend(0.0, 1000)

    assert "r=0" in read_headers(rates.allow(ALICE))["ratelimit"]


def test_answers_tell_bounds_and_what_is_left(make_rates, clock):
    rates = make_rates(requests_per_minute=10, device_s_per_minute=1.5)
    allowance = rates.allow(ALICE)
    for _ in range(3):
        allowance.count_request()
    allowance.spend(0.25, 1)
    clock.now += 20

    assert {
        "ratelimit-policy": '"requests";q=10;w=60, "device";q=1500;qu="device-milliseconds";w=60',
        "ratelimit": '"requests";r=7;t=40, "device";r=1250;t=40',
    } == read_headers(allowance)


@pytest.mark.parametrize("jump", [86_400.0, 2**31])
def test_no_jump_locks_a_key_out_for_more_than_a_minute(make_rates, clock, jump):
    rates = make_rates(requests_per_minute=1)
    rates.allow(ALICE).count_request()
    clock.now += jump

    rates.allow(ALICE).count_request()
    assert 0 == count_taken(rates.allow(ALICE), 1)
    clock.now += 60
    assert 1 == count_taken(rates.allow(ALICE), 1)


def test_only_so_many_keys_are_remembered(clock):
    windows = MovingWindows(clock, max_windows=3)
    for number in range(10):
        windows.acquire_entry(f"key-{number}", 5, 60)
        windows.acquire_entry("busy", 100, 60)

    assert 3 == len(windows)
    assert 10 == windows.get("busy")


def test_a_window_holds_a_bounded_number_of_parts(clock):
    windows = MovingWindows(clock)
    for _ in range(50_000):
        clock.now += 0.01
        windows.acquire_entry("key", 10**9, 60)

    start, taken = windows.get_moving_window("key", 10**9, 60)
    assert 60 <= clock.now - start + 1 <= 61 + 1
    assert math.isclose(6000, taken, rel_tol=0.03)
    assert len(windows._windows["key"].parts) <= PARTS + 1


def test_what_is_forgotten_counts_no_more(clock):
    windows = MovingWindows(clock)
    windows.incr("a", 60, 3)
    windows.incr("b", 60, 4)
    windows.clear("a")

    assert (0, 4, 1) == (windows.get("a"), windows.get("b"), windows.reset())
    assert (clock.now, 0) == windows.get_moving_window("b", 9, 60)


def test_the_clock_of_the_day_may_jump(monkeypatch):
    rates = Rates(RateSettings(requests_per_minute=2))
    rates.allow(ALICE).count_request()
    for moment in (0.0, 2.0**33):
        monkeypatch.setattr("time.time", lambda moment=moment: moment)
        assert 1 >= count_taken(rates.allow(ALICE), 2)

    assert "r=0" in read_headers(rates.allow(ALICE))["ratelimit"]
