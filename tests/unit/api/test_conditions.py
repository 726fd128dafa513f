import pytest

from app.api.conditions import expect_version, names_tag
from app.core.errors import PreconditionFailedError


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("", False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ("a", False),
        ('"A"', False),
    ],
)
def test_if_none_match_compares_weakly(header, expected):
    assert expected is names_tag(header, '"a"')


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "present", "expected"),
    [
        (None, None, 3, {}),
        (None, None, None, {}),
        ('"3"', None, 3, {"expected": 3}),
        ("*", None, 3, {"expected": 3}),
        (None, "*", None, {"expected": None}),
        (None, '"2"', 3, {"expected": 3}),
    ],
)
def test_conditions_that_hold_become_expectations(if_match, if_none_match, present, expected):
    assert expected == expect_version(if_match, if_none_match, present)


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "present"),
    [('"2"', None, 3), ("*", None, None), ("3", None, 3), (None, "*", 3), (None, '"3"', 3)],
)
def test_conditions_that_do_not_hold_are_errors(if_match, if_none_match, present):
    with pytest.raises(PreconditionFailedError):
        expect_version(if_match, if_none_match, present)
