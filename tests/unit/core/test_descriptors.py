import resource

import pytest

from app.core.descriptors import MAX_RESERVE, OTHER_DESCRIPTORS, RESERVES, fit_connections


@pytest.fixture
def limits(monkeypatch):
    """Limits of descriptors that nobody but the test sees: soft and hard."""
    present = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(present))
    monkeypatch.setattr(resource, "setrlimit", lambda _, values: present.__setitem__(slice(None), values))
    return present


def test_the_limit_is_raised_as_far_as_needed(limits):
    assert (2048, MAX_RESERVE) == fit_connections(2048)
    assert [2048 + RESERVES * MAX_RESERVE + OTHER_DESCRIPTORS, 4096] == limits


@pytest.mark.parametrize("hard", [64, 128, 256, 1024])
def test_connections_stay_below_a_limit_that_cannot_be_raised(limits, hard):
    limits[:] = [hard, hard]

    connections, reserve = fit_connections(2048)

    assert connections >= 1
    assert reserve >= 1
    assert connections + RESERVES * reserve + OTHER_DESCRIPTORS <= max(hard, OTHER_DESCRIPTORS + RESERVES + 1)


def test_without_a_limit_all_are_taken(limits):
    limits[:] = [resource.RLIM_INFINITY, resource.RLIM_INFINITY]

    assert (5000, MAX_RESERVE) == fit_connections(5000)
