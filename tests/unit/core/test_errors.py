import pytest

from app.core import errors
from app.core.errors import QueueFullError, ServiceError, error_from_code, iter_errors


def test_codes_are_unique():
    codes = [error.code for error in iter_errors()]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", list(iter_errors()), ids=lambda error: error.__name__)
def test_every_error_survives_the_way_to_another_process(error):
    sent = error("what is wrong", limit=3)

    received = error_from_code(sent.code, sent.detail, sent.fields)

    assert (error, sent.detail, sent.fields) == (type(received), received.detail, received.fields)


def test_a_code_of_another_build_becomes_the_root():
    assert ServiceError is type(error_from_code("code-of-tomorrow", "detail", {}))


def test_the_module_draws_every_error_of_the_tree():
    missing = [
        error.__name__ for error in iter_errors() if f"{error.__name__} " not in f"{errors.__doc__} ".replace("\n", " ")
    ]

    assert [] == missing


def test_fields_are_typed_facts():
    assert {"retry_after_s": 2} == QueueFullError("full", retry_after_s=2).fields
