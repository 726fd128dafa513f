import pytest

from app.core.settings import Settings
from app.main import create_app

DOCUMENT = create_app(Settings()).openapi()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def test_operation_ids_are_names_that_clients_can_use():
    identifiers = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(identifiers) == len(set(identifiers))
    assert all(identifier.isidentifier() and identifier.islower() for identifier in identifiers)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_every_operation_is_tagged_and_explained(operation):
    assert operation["tags"]
    assert operation["description"]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "/v1/" in name or "/metrics" in name])
def test_every_operation_with_a_key_documents_its_problems(name):
    operation = OPERATIONS[name]

    assert [{"bearer": []}] == operation["security"]
    errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    assert {"401", "403", "422", "500"} <= errors.keys()
    assert {("application/problem+json",)} == {tuple(answer["content"]) for answer in errors.values()}


def test_samples_document_their_formats_and_headers():
    answer = OPERATIONS["POST /v1/samples"]["responses"]["200"]

    assert {"image/png", "application/zip", "application/x-npz", "application/json"} <= answer["content"].keys()
    assert {"Fount-Model", "Fount-Digest", "Fount-Seed", "Server-Timing", "X-Request-ID"} <= answer["headers"].keys()


def test_the_body_has_an_example():
    assert DOCUMENT["components"]["schemas"]["SampleRequest"]["examples"]


def test_every_reference_leads_somewhere():
    schemas = DOCUMENT["components"]["schemas"]
    text = str(DOCUMENT)
    names = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}

    assert names <= schemas.keys()
    assert "HTTPValidationError" not in schemas
