import math

import pytest

from app.studies.intervals import student_interval, student_quantile


@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.995])
def test_one_degree_of_freedom_is_cauchys_distribution(probability):
    expected = math.tan(math.pi * (probability - 0.5))

    assert math.isclose(expected, student_quantile(probability, 1), rel_tol=1e-9)


@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.995])
def test_two_degrees_of_freedom_have_a_closed_form(probability):
    expected = (2 * probability - 1) / math.sqrt(2 * probability * (1 - probability))

    assert math.isclose(expected, student_quantile(probability, 2), rel_tol=1e-9)


@pytest.mark.parametrize(
    ("degrees", "expected"), [(3, 3.182446), (4, 2.776445), (9, 2.262157), (10, 2.228139), (30, 2.042272)]
)
def test_quantiles_are_those_of_printed_tables(degrees, expected):
    assert math.isclose(expected, student_quantile(0.975, degrees), abs_tol=1e-6)


def test_half_of_the_distribution_is_below_zero():
    assert 0.0 == student_quantile(0.5, 3)


def test_an_interval_is_the_mean_with_quantile_times_standard_error_to_both_sides():
    interval = student_interval([1.0, 2.0, 3.0])

    reach = 4.302653 / math.sqrt(3)
    assert 2.0 == interval.mean
    assert math.isclose(2.0 - reach, interval.low, abs_tol=1e-5)
    assert math.isclose(2.0 + reach, interval.high, abs_tol=1e-5)


def test_an_interval_for_several_comparisons_takes_its_part_of_the_error():
    five_together = student_interval([1.0, 2.0, 4.0], comparisons=5)

    assert five_together == pytest.approx(student_interval([1.0, 2.0, 4.0], confidence=0.99))


def test_equal_values_leave_no_doubt():
    assert (0.5, 0.5, 0.5) == student_interval([0.5, 0.5])


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="at least two"):
        student_interval([1.0])
