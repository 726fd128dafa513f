import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.datasets.assignment import Assignment

SIZES = st.lists(st.integers(1, 300), min_size=1, max_size=4)


@given(SIZES, st.integers(1, 60), st.integers(0, 2**63 - 1))
@settings(max_examples=60, deadline=None)
def test_every_sample_is_in_exactly_one_shard(sizes, shard_size, key):
    assignment = Assignment(sizes, shard_size, key)

    shards = [assignment.positions(number) for number in range(assignment.num_shards)]

    assert list(range(sum(sizes))) == sorted(np.concatenate(shards).tolist())
    assert [assignment.locate(number).num_samples for number in range(assignment.num_shards)] == list(map(len, shards))
    assert max(map(len, shards)) <= shard_size


@given(SIZES, st.integers(1, 60), st.lists(st.integers(1, 200), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_shard_has_its_share_of_every_run_of_samples(sizes, shard_size, runs):
    total = sum(sizes)
    assignment = Assignment(sizes, shard_size, 5)
    ends = np.append(np.cumsum(runs)[np.cumsum(runs) < total], total)
    lengths = np.diff(ends, prepend=0)

    for number in range(assignment.num_shards):
        positions = assignment.positions(number)
        counts = np.bincount(np.searchsorted(ends, positions, side="right"), minlength=len(ends))
        assert np.all(np.abs(counts - lengths * len(positions) / total) <= 1 + len(sizes))


def test_one_split_and_a_rest_are_exact_to_one_sample():
    assignment = Assignment([900, 100], 10_000, 1)

    counts = [np.bincount(assignment.positions(number) // 37) for number in range(2)]

    assert np.all(np.abs(counts[1][:27] - 3.7) < 1)
    assert np.all(np.abs(counts[0][:27] - 33.3) < 1)


def test_the_order_within_a_shard_is_mixed_and_hangs_on_the_key():
    one, same, other = (Assignment([100], 100, key).positions(0).tolist() for key in (1, 1, 2))

    assert one == same != other
    assert sorted(one) == sorted(other) == list(range(100)) != one


def test_shards_of_a_split_differ_by_one_sample_at_most():
    assignment = Assignment([1003, 7], 100, 1)

    assert [92] * 2 + [91] * 9 + [7] == [assignment.locate(number).num_samples for number in range(12)]


@pytest.mark.parametrize("shard", [-1, 3])
def test_there_is_no_other_shard(shard):
    with pytest.raises(IndexError):
        Assignment([10], 4, 1).positions(shard)


def test_a_billion_samples_cost_no_more_than_one_shard():
    assignment = Assignment([900_000_000, 100_000_000], 1000, 1)

    positions = assignment.positions(assignment.num_shards - 1)

    assert (1000, True) == (len(np.unique(positions)), bool(0 <= positions.min() <= positions.max() < 10**9))
