"""JSON schemas in words: the type and the bounds of each field, nested ones by their path."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

MAX_DEPTH = 4
_LARGE = 2**32
_RANGES = {
    "{}": ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    "length {}": ("minLength", "maxLength"),
    "entries: {}": ("minProperties", "maxProperties"),
    "items: {}": ("minItems", "maxItems"),
}
_WORDS = {"exclusiveMinimum": "above", "exclusiveMaximum": "below"}


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one field of a body.

    Attributes:
        name: Its name; of a nested field its path, as in ``balance.to`` and ``models[].name``.
        place: Where it is: path, query, header, body or answer.
        kind: Its type in words.
        bounds: What values it takes, in words; empty if all of its type.
        default: What stands for it when it is left out, as JSON; None if nothing does.
    """

    name: str
    place: str
    kind: str
    bounds: str
    description: str
    is_required: bool
    default: str | None


class SchemaReader:
    """Reads the schemas of one OpenAPI document.

    Args:
        document: The document, for what references lead to.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Schema] = document.get("components", {}).get("schemas", {})

    def resolve(self, schema: Schema) -> Schema:
        """Follow a reference; what stands beside it goes before what it leads to."""
        if "$ref" not in schema:
            return schema
        return {**self._schemas[schema["$ref"].rpartition("/")[2]], **schema}

    def describe(
        self, name: str, place: str, schema: Schema, *, is_required: bool, description: str | None = None
    ) -> Field:
        """Put one field into words; by default it is described as its schema is."""
        options = self._options(schema)
        return Field(
            name=name,
            place=place,
            kind=" or ".join(dict.fromkeys([*map(self._kind, options), *self._null(place, schema)])),
            bounds=self._bounds(options),
            description=description or self.resolve(schema).get("description", ""),
            is_required=is_required,
            default=None if schema.get("default") is None else json.dumps(schema["default"]),
        )

    def fields(self, schema: Schema, place: str) -> tuple[Field, ...]:
        """List the fields of an object, each nested one below the one that holds it."""
        return tuple(self._walk(schema, place, "", MAX_DEPTH))

    def _walk(self, schema: Schema, place: str, prefix: str, depth: int) -> Iterator[Field]:
        resolved = self.resolve(schema)
        required = resolved.get("required", ())
        for name, inner in resolved.get("properties", {}).items() if depth else ():
            yield self.describe(prefix + name, place, inner, is_required=name in required)
            for option in self._options(inner):
                items = option.get("items")
                step = "." if items is None else "[]."
                yield from self._walk(items or option, place, f"{prefix}{name}{step}", depth - 1)

    def _options(self, schema: Schema) -> list[Schema]:
        """List what a value may be, but null."""
        options = [self.resolve(option) for option in self.resolve(schema).get("anyOf", [schema])]
        return [option for option in options if option.get("type") != "null"]

    def _null(self, place: str, schema: Schema) -> list[str]:
        """Name null where it means something: in a request it is the same as leaving the field out."""
        options = self.resolve(schema).get("anyOf", ())
        return ["null"] if place == "answer" and {"type": "null"} in options else []

    def _kind(self, schema: Schema) -> str:
        inner = _inner(schema)
        if inner is None:
            return str(schema.get("type", "any"))
        container = "list" if "items" in schema else "object"
        return f"{container} of {' or '.join(self._kind(option) for option in self._options(inner))}"

    def _bounds(self, options: list[Schema]) -> str:
        texts = {self._kind(option): self._limits(option) for option in options}
        if len(options) == 1:
            return next(iter(texts.values()))
        return "; ".join(f"{kind}: {text}" for kind, text in texts.items() if text)

    def _limits(self, schema: Schema) -> str:
        ranges = [(text, _range(schema, keys)) for text, keys in _RANGES.items()]
        parts = [text.format(found) for text, found in ranges if found]
        parts += [f"matches `{schema['pattern']}`"] if "pattern" in schema else []
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        if values:
            parts.append(("one of " if len(values) > 1 else "") + ", ".join(f"`{value}`" for value in values))
        inner = _inner(schema)
        nested = self._bounds(self._options(inner)) if inner else ""
        return ", ".join([*parts, f"each {nested}"] if nested else parts)


def _inner(schema: Schema) -> Schema | None:
    """Return the schema of what a list or a map holds."""
    inner = schema.get("items", schema.get("additionalProperties"))
    return inner if isinstance(inner, Mapping) else None


def _range(schema: Schema, keys: Iterable[str]) -> str:
    known = {key: _number(schema[key]) for key in keys if key in schema}
    if len(known) > 1 and not known.keys() & _WORDS.keys():
        return " to ".join(known.values())
    words = {key: _WORDS.get(key, "at least" if key.startswith("min") else "at most") for key in known}
    return ", ".join(f"{words[key]} {value}" for key, value in known.items())


def _number(value: Any) -> str:
    """Write a bound: digits in groups, and large powers of two as such."""
    whole = int(value)
    if whole != value:
        return str(value)
    power = whole.bit_length() - 1
    return f"2**{power}" if whole >= _LARGE and whole == 1 << power else f"{whole:,}"
