import pytest

from app import client
from app.api.problems import describe_codes
from app.client import errors
from app.client.exchange import read_error

FAMILIES = {
    "unknown-class": errors.InvalidRequestError,
    "not-acceptable": errors.InvalidRequestError,
    "body-too-large": errors.InvalidRequestError,
    "missing-scope": errors.AccessError,
    "model-not-found": errors.NotFoundError,
    "precondition-failed": errors.ConflictError,
    "queue-full": errors.CapacityError,
    "too-many-connections": errors.CapacityError,
    "poison-request": errors.ServiceFailedError,
    "worker-lost": errors.ServiceFailedError,
}


@pytest.mark.parametrize("code", FAMILIES)
def test_a_problem_becomes_an_error_of_its_family(code):
    row, _ = describe_codes()[code]

    assert FAMILIES[code] is type(errors.make_error(row.status, {"code": code}))


@pytest.mark.parametrize("code", describe_codes())
def test_every_problem_of_the_service_has_a_family(code):
    row, _ = describe_codes()[code]

    assert errors.FountError is not type(errors.make_error(row.status, {"code": code}))


def test_an_error_says_what_the_problem_says():
    body = (
        b'{"type": "/problems/limit-exceeded", "title": "t", "status": 422, "detail": "at most 3", "limit": 3,'
        b' "code": "limit-exceeded", "request_id": "r1", "errors": [{"pointer": "/n", "code": "c", "detail": "d"}]}'
    )

    error = read_error(422, {"retry-after": "7"}, body)

    assert ("at most 3", "limit-exceeded", 422, "r1") == (error.detail, error.code, error.status, error.request_id)
    assert [{"pointer": "/n", "code": "c", "detail": "d"}] == error.errors
    assert {"limit": 3} == error.fields
    assert error.retry_after_s == 7
    assert "at most 3 (limit-exceeded, 422, at /n, request r1)" == str(error)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b""])
def test_an_answer_of_somebody_else_is_told_by_its_status(body):
    error = read_error(503, {}, body)

    assert errors.CapacityError is type(error)
    assert "503" in str(error)


def test_public_names_are_sorted_and_there():
    assert sorted(client.__all__) == client.__all__
    assert [] == [name for name in client.__all__ if not hasattr(client, name)]


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'Clint'"):
        _ = client.Clint
