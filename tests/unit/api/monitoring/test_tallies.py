import pytest

from app.api.monitoring.tallies import Tallies, Tally


def test_values_are_counted_up_to_each_bound():
    tally = Tally((0.1, 1))

    for value in (0.05, 0.1, 0.5, 1, 7):
        tally.observe(value)

    assert [("0.1", 2.0), ("1.0", 4.0), ("+Inf", 5.0)] == tally.buckets()
    assert (5, pytest.approx(8.65)) == (tally.count, tally.total)


def test_each_name_has_a_tally_of_its_own():
    tallies = Tallies((1,))

    tallies.of("a").observe(0.5)
    tallies.of("a").observe(2)
    tallies.of("b").observe(2)

    assert {"a": 2, "b": 1} == {name: tally.count for name, tally in tallies.by_name.items()}
