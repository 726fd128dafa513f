import json

import pytest

from app.api.problem_pages import render_catalogue, render_page
from app.api.problems import (
    PROTOCOL_TABLE,
    TABLE,
    answer_error,
    answer_unexpected,
    describe_codes,
    find_row,
    problem_response,
)
from app.core import errors
from app.core.errors import ServiceError, iter_errors

# These end a command or the start of the service; none can be raised while a request is answered.
NEVER_OVER_HTTP = {errors.ConfigurationError, errors.ExportError, *iter_errors(errors.TrainingError)}
SCOPE = {"state": {"request_id": "r1"}}


@pytest.mark.parametrize("error", [one for one in iter_errors() if one.__module__ == errors.__name__])
def test_every_error_that_can_reach_a_caller_has_a_row(error):
    assert (error in TABLE) is (error not in NEVER_OVER_HTTP)


def test_an_error_without_a_row_has_that_of_its_parent():
    assert TABLE[ServiceError] is find_row(errors.RecipeError)


def test_codes_are_unique():
    assert len(TABLE) + len(PROTOCOL_TABLE) == len(describe_codes())


def test_an_error_becomes_a_problem_with_its_facts():
    response = answer_error(SCOPE, errors.LimitExceededError("too many", limit=5, pointer="/num_samples"))

    assert (422, "application/problem+json") == (response.status_code, response.headers["content-type"])
    assert {
        "type": "/problems/limit-exceeded",
        "title": "More than this service allows",
        "status": 422,
        "detail": "too many",
        "code": "limit-exceeded",
        "request_id": "r1",
        "limit": 5,
        "errors": [{"pointer": "/num_samples", "code": "limit-exceeded", "detail": "too many"}],
    } == json.loads(response.body)


def test_facts_never_replace_what_every_problem_has():
    row = TABLE[ServiceError]

    body = json.loads(problem_response(SCOPE, row, "c", "d", {"status": 1, "title": "x", "more": 2}).body)

    assert (500, row.title, 2) == (body["status"], body["title"], body["more"])


@pytest.mark.parametrize(("wait", "header"), [(0.2, "1"), (1, "1"), (1.2, "2"), (30, "30")])
def test_waiting_times_are_rounded_up(wait, header):
    response = answer_error(SCOPE, errors.QueueFullError("full", retry_after_s=wait))

    assert header == response.headers["retry-after"]


def test_an_unforeseen_error_tells_nothing():
    body = json.loads(answer_unexpected({}).body)

    assert ("service-failed", "") == (body["code"], body["request_id"])


def test_pages_are_found_by_code_only():
    assert render_page("queue-full").startswith("# queue-full\n\n**503 ")
    assert render_page("absent") is None


def test_the_catalogue_has_a_section_for_every_code():
    headings = [line.removeprefix("## ") for line in render_catalogue().splitlines() if line.startswith("## ")]

    assert [*describe_codes(), *sorted(error.code for error in NEVER_OVER_HTTP)] == headings
