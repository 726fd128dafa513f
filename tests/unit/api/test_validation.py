from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from app.api.validation import MAX_ERRORS, explain_errors, suggest_name
from app.core.errors import InvalidInputError, NotFoundError
from app.schemas.samples import SampleRequest

CANARY = "canary7f3a"


def explain(model, document):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document)
    items = [{**item, "loc": ("body", *item["loc"])} for item in caught.value.errors()]
    return explain_errors(items, model)


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        ({"model": "m", "num_samples": 0}, "/num_samples", "greater-than-equal"),
        ({"model": "m", "class_counts": {CANARY: -1}}, "/class_counts", "greater-than-equal"),
        ({"model": "m", "balance": {"have": {CANARY: -1}}}, "/balance/have", "greater-than-equal"),
        ({"model": "m", "balance": {"have": {"a": 1}, CANARY: 1}}, "/balance", "unknown-field"),
        ({"model": "m", "num_samples": 1, CANARY: 1}, "", "unknown-field"),
        ({"model": "m", "num_samples": 1, "class_label": []}, "/class_label", "string-type"),
        ({"num_samples": 1}, "/model", "missing"),
        ({"model": "m"}, "", "value-error"),
    ],
)
def test_pointers_hold_names_of_ours_only(document, pointer, code):
    error = explain(SampleRequest, document)

    assert isinstance(error, InvalidInputError)
    assert (pointer, code) == (error.fields["errors"][0]["pointer"], error.fields["errors"][0]["code"])
    assert CANARY not in str(error.detail) + str(error.fields)


def test_one_value_is_one_problem():
    error = explain(
        SampleRequest, {"model": "m", "num_samples": 1, "class_label": None, "seed": "x", "truncation": "y"}
    )

    assert ["/seed", "/truncation"] == [one["pointer"] for one in error.fields["errors"]]


def test_the_branches_of_a_union_are_one_sentence():
    error = explain(SampleRequest, {"model": "m", "num_samples": 1, "class_label": []})

    assert ["should be a valid string, or should be a valid integer"] == [
        one["detail"] for one in error.fields["errors"]
    ]


def test_a_tag_that_is_unknown_is_not_repeated():
    class Rotate(BaseModel):
        op: Literal["rotate"]

    class Flip(BaseModel):
        op: Literal["flip"]

    class Policy(BaseModel):
        op: Annotated[Rotate | Flip, Field(discriminator="op")]

    error = explain(Policy, {"op": {"op": CANARY}})

    assert CANARY not in str(error.detail) + str(error.fields)
    assert "rotate, flip" in error.detail


def test_a_part_of_the_path_that_is_not_well_formed_is_not_found():
    item = {"type": "string_pattern_mismatch", "loc": ("path", "seed"), "msg": "String should match pattern '^x$'"}

    error = explain_errors([item], None)

    assert isinstance(error, NotFoundError)
    assert [
        {"pointer": "/path/seed", "code": "string-pattern-mismatch", "detail": "expected digits without leading zeros"}
    ] == error.fields["errors"]


def test_a_missing_body_is_told_as_such():
    error = explain_errors([{"type": "missing", "loc": ("body",), "msg": "Field required"}], SampleRequest)

    assert "the request needs a JSON body" == error.detail


def test_the_list_of_problems_is_bounded():
    document = {"model": "m", "class_counts": {str(number): -1 for number in range(500)}}

    assert len(explain(SampleRequest, document).fields["errors"]) <= MAX_ERRORS


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        ("num_sample", "did you mean `num_samples`?"),
        ("NUM_SAMPLES", "did you mean `num_samples`?"),
        ("zzz", "known here: num_samples, seed"),
        ("n" * 100_000, "known here"),
    ],
)
def test_hints_name_what_is_known(sent, hint):
    assert hint in suggest_name(sent, ["num_samples", "seed"])
