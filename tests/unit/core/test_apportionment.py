import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.apportionment import apportion


@pytest.mark.parametrize(
    ("total", "shares", "expected"),
    [
        (10, [1, 1], [5, 5]),
        (10, [1, 1, 1], [4, 3, 3]),
        (7, [0.5, 0.25, 0.25], [3, 2, 2]),
        (3, [0, 5], [0, 3]),
        (0, [2, 1], [0, 0]),
    ],
    ids=str,
)
def test_largest_remainders_are_rounded_up(total, shares, expected):
    assert expected == apportion(total, shares)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=50).filter(any))
def test_parts_add_up_and_are_within_one_of_their_share(total, shares):
    parts = apportion(total, shares)

    assert total == sum(parts)
    assert all(abs(part - total * one / sum(shares)) < 1 + 1e-6 for part, one in zip(parts, shares, strict=True))
