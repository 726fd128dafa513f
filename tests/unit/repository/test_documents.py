import pytest

from app.repository.documents import MAX_DEPTH, MAX_VALUES, check_document


def nest(depth):
    value = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_a_document_of_json_values_is_kept_as_it_is():
    document = {"a": [1, 2.5, None, True, "text"], "b": {"c": []}, "d": nest(MAX_DEPTH - 1)}

    assert document == check_document(document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (nest(MAX_DEPTH + 1), "levels"),
        ({"a": [0] * MAX_VALUES}, "values"),
        ({"a": "x" * 201}, "text"),
        ({"a": "\x1b[2J"}, "printable"),
        ({"a": 2**31 + 1}, "whole numbers"),
        ({"a": float("inf")}, "finite"),
        ({"a": float("nan")}, "finite"),
        ({"a": b"bytes"}, "values are"),
        ({"A": 1}, "keys"),
        ({"a": {"b c": 1}}, "keys"),
        ({"a": {1: 2}}, "keys"),
    ],
    ids=["deep", "large", "long", "control", "big", "infinite", "nan", "bytes", "case", "space", "number"],
)
def test_a_document_out_of_bounds_is_refused(document, words):
    with pytest.raises(ValueError, match=words):
        check_document(document)
