import pytest
import typer

from app.cli.pairs import parse_pairs


def test_names_and_numbers_are_read_in_order():
    assert {"8": 4, "a=b": 10} == parse_pairs("8=4, a=b=10", int, "--class-counts")
    assert {"train": 0.9, "test": 0.1} == parse_pairs("train=0.9,test=0.1", float, "--splits")


def test_nothing_stays_nothing():
    assert parse_pairs(None, int, "--class-counts") is None


@pytest.mark.parametrize("text", ["", "a", "a=", "=1", "a=x", "a=1,a=2", "a=1.5"])
def test_anything_else_is_refused(text):
    with pytest.raises(typer.BadParameter):
        parse_pairs(text, int, "--class-counts")
