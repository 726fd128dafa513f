"""Policies: augmentation pipelines as JSON, strict and bounded."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.augmentation.nodes import Combinator, Node, count_steps
from app.augmentation.operations.mixing import Mixing
from app.augmentation.registry import COMBINATORS, OPERATIONS

MAX_OPERATIONS = 64
"""In one policy, those that others hold included."""
MAX_DEPTH = 4
MAX_STEPS = 256
"""That one policy may apply, each operation as often as those that hold it may: as many as a trace holds."""
ENGINE_VERSION = 1
"""Of what operations do to pixels; a change of it is a new number."""

if TYPE_CHECKING:
    AnyNode: TypeAlias = Node
else:
    AnyNode = Annotated[reduce(or_, (*OPERATIONS, *COMBINATORS)), Field(discriminator="op")]
    for _combinator in COMBINATORS:
        _combinator.model_rebuild(_types_namespace={"AnyNode": AnyNode})


class Policy(BaseModel):
    """An augmentation pipeline: operations in the order of their application."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"ops": [{"op": "rotate", "degrees": [-15, 15], "fill": "reflect"}, {"op": "flip", "p": 0.5}]}]
        },
    )

    ops: list[AnyNode] = Field(max_length=MAX_OPERATIONS, description="Operations, in the order of their application.")

    @model_validator(mode="after")
    def _check_size(self) -> "Policy":
        if sum(1 for _ in _walk(self.ops, 1)) > MAX_OPERATIONS:
            raise ValueError(f"a policy has at most {MAX_OPERATIONS} operations in all")
        if sum(map(count_steps, self.ops)) > MAX_STEPS:
            raise ValueError(f"a policy applies at most {MAX_STEPS} operations, those that are repeated each time")
        return self

    @model_validator(mode="after")
    def _check_held(self) -> "Policy":
        top = set(map(id, self.ops))
        for node in self.walk():
            if id(node) not in top and (isinstance(node, Mixing) or getattr(node, "fan_out", 1) > 1):
                raise ValueError(f"only the policy itself holds `{node.op}`, no other operation does")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of the policy with all its defaults and the version of the engine, in hexadecimal digits."""
        document = {"engine": ENGINE_VERSION, "ops": [node.model_dump(mode="json") for node in self.ops]}
        return hashlib.sha256(msgspec.json.encode(document, order="deterministic")).hexdigest()

    def walk(self) -> Iterator[Node]:
        """Return all operations, those that others hold behind these."""
        return _walk(self.ops, 1)


def _walk(nodes: Sequence[Node], depth: int) -> Iterator[Node]:
    if depth > MAX_DEPTH:
        raise ValueError(f"operations hold others at most {MAX_DEPTH} deep")
    for node in nodes:
        yield node
        if isinstance(node, Combinator):
            yield from _walk(getattr(node, "ops", []), depth + 1)


@cache
def describe_operations() -> list[dict[str, Any]]:
    """Return name, description and JSON Schema of each operation."""
    return [
        {
            "op": node.model_fields["op"].default,
            "description": (node.__doc__ or "").strip().splitlines()[0],
            "schema": _schema(node),
        }
        for node in (*OPERATIONS, *COMBINATORS)
    ]


def _schema(node: type[Node]) -> dict[str, Any]:
    """Return the JSON Schema of an operation; what it holds is any operation of the list, not all of them again."""
    schema = node.model_json_schema()
    if "$ref" not in schema:
        return schema
    own: dict[str, Any] = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    own["properties"]["ops"]["items"] = {"type": "object", "required": ["op"], "description": "Any operation."}
    return own
