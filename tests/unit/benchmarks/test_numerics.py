import pytest
from numerics import FORMS, create_dcgan, measure, render
from page import PAGE

from tests.factories import make_networks


@pytest.fixture
def row():
    generator, _ = make_networks("dcgan")
    return measure("tiny", generator.eval().requires_grad_(requires_grad=False), 1, sizes=(1, 4))


def test_every_form_is_timed_at_every_size(row):
    assert list(FORMS) == list(row["forms"])
    assert all([1, 1] == [len(times) for times in form["us"].values()] for form in row["forms"].values())
    assert "float32+folded+channels_last" == row["forms"]["folded, channels last"]["numerics"]


def test_a_row_has_ratios_and_shares_of_differences(row):
    row["forms"]["bfloat16"] |= {
        "us": {"1": [2.0], "4": [1.0]},
        "differences": {"counts": [50, 30, 15, 5], "largest": 9, "mean": 0.5},
        "refused": [{"name": "channels_last", "reason": "no"}],
    }
    row["forms"]["as published"]["us"] = {"1": [4.0], "4": [4.0]}
    document = {"date": "2026-01-01", "machine": "a machine", "torch": "2", "rows": [row], "fid": {"bfloat16": 1.5}}

    lines = render(document).splitlines()

    expected = "| tiny | bfloat16 (refused: no) | 2.00 | 4.00 | 50.00 % | 30.00 % | 15.00 % | 5.00 % | 9 |"
    assert expected in lines
    assert "| tiny | as published | 4 µs | 4 µs | - | - | - | - | - |" in lines
    assert any("bfloat16: 1.500" in line for line in lines)


def test_the_common_network_is_as_large_as_described():
    assert 1_869_441 == sum(parameter.numel() for parameter in create_dcgan().parameters())


def test_the_page_has_its_section():
    assert "<!-- numerics: begin -->" in PAGE.read_text("utf-8")
