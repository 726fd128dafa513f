"""Renders ``docs/configuration.md`` from the settings' own names, types, bounds, defaults and descriptions."""

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from app.core.settings import Settings

INTRODUCTION = """\
# Configuration

Every setting is an environment variable, read once when the process starts. An option on the command line goes before
the variable, and the variable before the default. An empty variable counts as unset; an unknown name under `FOUNT_` in
a section, or a value out of bounds, stops the start with a sentence that names it.

This page is rendered from `app/core/settings.py` by `make golden`.
"""
TABLE_HEAD = "| variable | type | default | meaning |\n|---|---|---|---|"
TYPE_NAMES = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "secret",
}
UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def render_configuration() -> str:
    """Render the whole page: first the settings without a section, then a table per section."""
    parts = [INTRODUCTION]
    plain = {name: field for name, field in Settings.model_fields.items() if _section(field) is None}
    parts.append(_table("Access", "Who may call.", plain, "FOUNT_"))
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            meaning = (section.__doc__ or "").strip()
            parts.append(_table(f"`{name}`", meaning, section.model_fields, f"FOUNT_{name.upper()}__"))
    return "\n".join(parts)


def variables() -> Iterator[str]:
    """List every environment variable that sets something."""
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is None:
            yield f"FOUNT_{name.upper()}"
        else:
            yield from (f"FOUNT_{name.upper()}__{inner.upper()}" for inner in section.model_fields)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    annotation = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _table(title: str, meaning: str, fields: dict[str, FieldInfo], prefix: str) -> str:
    rows = [
        f"| `{prefix}{name.upper()}` | {_kind(field)} | {_default(name, field)} | {field.description} |"
        for name, field in fields.items()
    ]
    return "\n".join([f"## {title}", "", meaning, "", TABLE_HEAD, *rows, ""])


def _kind(field: FieldInfo) -> str:
    bounds = {type(item).__name__: getattr(item, type(item).__name__.lower(), None) for item in field.metadata}
    low, high = bounds.get("Ge"), bounds.get("Le")
    name = _type_name(field.annotation)
    if low is None:
        return name
    return f"{name}, {low} to {high}" if high is not None else f"{name}, at least {low}"


def _type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in {Union, types.UnionType}:
        return ", ".join(_type_name(argument) for argument in arguments if argument is not type(None))
    if origin is tuple:
        return f"JSON list of {_type_name(arguments[0])}s"
    return TYPE_NAMES[annotation]


def _default(name: str, field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "unset"
    text = f"`{value if isinstance(value, str) else json.dumps(value)}`"
    if name.endswith("_bytes"):
        unit = next(((size, unit) for size, unit in UNITS if value % size == 0), None)
        return f"{text} ({value // unit[0]} {unit[1]})" if unit else text
    return text
