"""The OpenAPI document as the page needs it: sections of operations, each with its fields, answers and problems."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from app.api.docs.fields import Field, SchemaReader
from app.api.problems import MEDIA_TYPE

Document: TypeAlias = Mapping[str, Any]

_JSON = "application/json"
_UNNAMED = "Successful Response"  # what the framework says when nobody says more
_CODE = re.compile(r"`([a-z-]+)`")


@dataclass(frozen=True, slots=True)
class Body:
    """What a request sends.

    Attributes:
        media_type: Its type.
        description: What it says, and what rules hold between its fields.
        fields: Its fields.
        example: One that is valid.
    """

    media_type: str
    description: str
    fields: tuple[Field, ...]
    example: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back when all is well: one status.

    Attributes:
        media_types: Types it may have.
        files: Those of them that are no text.
        headers: Name and meaning of each header.
        fields: The fields of its JSON form.
    """

    status: int
    description: str
    media_types: tuple[str, ...]
    files: tuple[str, ...]
    headers: Mapping[str, str]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        name: Its identifier, unique in the document.
        scope: The scope that a key needs for it; None if it is open to everybody.
        problems: Codes that it may answer with, by status.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str
    scope: str | None
    parameters: tuple[Field, ...]
    body: Body | None
    answers: tuple[Answer, ...]
    problems: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Section:
    """The operations of one tag."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """The whole interface."""

    title: str
    version: str
    summary: str
    description: str
    sections: tuple[Section, ...]


def read_outline(document: Document, scopes: Mapping[str, str]) -> Outline:
    """Read an OpenAPI document.

    Args:
        document: The document; every operation has one of its tags.
        scopes: The scope that a key needs, by operation identifier.
    """
    reader = _Reader(document, scopes)
    operations = list(reader.operations())
    info = document["info"]
    return Outline(
        title=info["title"],
        version=info["version"],
        summary=info.get("summary", ""),
        description=info.get("description", ""),
        sections=tuple(
            Section(tag["name"], tag["description"], tuple(found for name, found in operations if name == tag["name"]))
            for tag in document["tags"]
        ),
    )


class _Reader:
    def __init__(self, document: Document, scopes: Mapping[str, str]) -> None:
        self._document = document
        self._scopes = scopes
        self._schemas = SchemaReader(document)

    def operations(self) -> Iterator[tuple[str, Operation]]:
        """Yield every operation with its tag."""
        for path, methods in self._document["paths"].items():
            for method, entry in methods.items():
                yield entry["tags"][0], self._operation(path, method.upper(), entry)

    def _operation(self, path: str, method: str, entry: Document) -> Operation:
        responses = sorted(entry["responses"].items())
        return Operation(
            name=entry["operationId"],
            method=method,
            path=path,
            summary=entry["summary"],
            description=entry["description"],
            scope=self._scopes.get(entry["operationId"]),
            parameters=tuple(self._parameter(one) for one in entry.get("parameters", ())),
            body=self._body(entry["requestBody"]) if "requestBody" in entry else None,
            answers=tuple(self._answer(int(status), one) for status, one in responses if not _is_problem(one)),
            problems={
                int(status): tuple(_CODE.findall(one["description"])) for status, one in responses if _is_problem(one)
            },
        )

    def _parameter(self, entry: Document) -> Field:
        return self._schemas.describe(
            entry["name"],
            entry["in"],
            entry["schema"],
            is_required=entry.get("required", False),
            description=entry.get("description"),
        )

    def _body(self, entry: Document) -> Body:
        media_type, content = next(iter(entry["content"].items()))
        schema = self._schemas.resolve(content["schema"])
        required = {name: schema["properties"][name] for name in schema.get("required", ())}
        example = next(
            iter(schema.get("examples", ())),
            {name: inner.get("default", inner.get("minimum")) for name, inner in required.items()},
        )
        ordered = {name: example[name] for name in schema["properties"] if name in example}
        return Body(media_type, schema.get("description", ""), self._schemas.fields(schema, "body"), ordered)

    def _answer(self, status: int, entry: Document) -> Answer:
        content = {media_type: one.get("schema", {}) for media_type, one in entry.get("content", {}).items()}
        schema = self._schemas.resolve(content.get(_JSON, {}))
        description = entry["description"]
        if description == _UNNAMED:
            description = schema.get("description", HTTPStatus(status).phrase)
        return Answer(
            status=status,
            description=description,
            media_types=tuple(content),
            files=tuple(media_type for media_type in content if _is_file(media_type)),
            headers={name: one.get("description", "") for name, one in entry.get("headers", {}).items()},
            fields=self._schemas.fields(schema, "answer"),
        )


def _is_problem(response: Document) -> bool:
    return MEDIA_TYPE in response.get("content", {})


def _is_file(media_type: str) -> bool:
    return media_type != _JSON and not media_type.startswith("text/")
