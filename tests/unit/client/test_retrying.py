import pytest

from app.client.errors import (
    BrokenAnswerError,
    CapacityError,
    InvalidRequestError,
    ServiceFailedError,
    UnreachableError,
)
from app.client.exchange import read_retry_after
from app.client.retrying import RetryPolicy

POLICY = RetryPolicy(max_retries=3, base_s=1.0, max_wait_s=10.0)


def test_waits_are_drawn_below_a_bound_that_doubles():
    error = UnreachableError("gone")

    assert [0.5, 1.0, 2.0] == [POLICY.wait_s(error, tried, lambda: 0.5) for tried in (1, 2, 3)]


def test_the_last_try_is_not_repeated():
    assert POLICY.wait_s(UnreachableError("gone"), 4) is None


def test_no_wait_is_shorter_than_the_service_asks():
    error = CapacityError("full", status=503, retry_after_s=4.0)

    assert 4.0 == POLICY.wait_s(error, 1, lambda: 0.0)
    assert 4.5 == POLICY.wait_s(error, 1, lambda: 0.5)


def test_a_wait_that_is_too_long_is_left_to_the_caller():
    assert POLICY.wait_s(CapacityError("full", status=429, retry_after_s=11.0), 1) is None


@pytest.mark.parametrize(
    ("error", "is_repeated"),
    [
        (CapacityError("", status=429), True),
        (ServiceFailedError("", code="worker-lost", status=503), True),
        (BrokenAnswerError(""), True),
        (InvalidRequestError("", status=422), False),
        (ServiceFailedError("", status=500), False),
    ],
    ids=["429", "503", "broken off", "422", "500"],
)
def test_what_may_pass_is_tried_again(error, is_repeated):
    assert is_repeated == (POLICY.wait_s(error, 1) is not None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("", None), ("soon", None), ("-1", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_is_read_as_seconds_or_date(value, seconds):
    assert seconds == read_retry_after({"retry-after": value})
