"""Names of environment variables: one that is misspelt would be no setting, and nobody would notice."""

import difflib
import json
import typing
from collections.abc import Mapping

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

_MARK = "__"
_LIKENESS = 0.7


def check_names(settings: type[BaseSettings], environment: Mapping[str, str]) -> str | None:
    """Find a variable that has the prefix of settings and is none.

    Args:
        settings: What is read from the environment.
        environment: Names and values.

    Returns:
        A sentence that names it, and the one that may have been meant; None where all are known.
    """
    prefix = settings.model_config["env_prefix"]
    fields = _list_fields(settings)
    sections = {f"{prefix}{name}".upper() for name in settings.model_fields}
    for name in sorted(environment):
        given = name.upper()
        if given.startswith(prefix) and given not in fields and given not in sections:
            meant = difflib.get_close_matches(given, fields, 1, _LIKENESS)
            return f"{name} is not a setting" + (f"; did you mean `{meant[0]}`?" if meant else "")
    return None


def find_broken_json(settings: type[BaseSettings], environment: Mapping[str, str]) -> str:
    """Name the first variable that takes JSON and holds something else; the prefix if there is none."""
    prefix = settings.model_config["env_prefix"]
    fields = _list_fields(settings)
    sections = {f"{prefix}{name}".upper() for name in settings.model_fields} - fields.keys()
    for name, value in sorted(environment.items()):
        field = fields.get(name.upper())
        takes_json = name.upper() in sections or (field is not None and typing.get_origin(field.annotation) is tuple)
        if takes_json and not _is_json(value):
            return name
    return prefix


def _list_fields(settings: type[BaseSettings]) -> dict[str, FieldInfo]:
    """Return the fields of all sections, and those outside of any, by the names of their variables."""
    found: dict[str, FieldInfo] = {}
    prefix = settings.model_config["env_prefix"]
    for name, field in settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            found |= {f"{prefix}{name}{_MARK}{inner}".upper(): one for inner, one in section.model_fields.items()}
        else:
            found[f"{prefix}{name}".upper()] = field
    return found


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
