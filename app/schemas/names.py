"""How models, versions and aliases are written, in requests, paths and folders."""

import re

NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,63}"
ALIAS_PATTERN = r"[a-z][a-z0-9_-]{0,31}"
VERSION_PATTERN = r"[1-9][0-9]{0,8}"
SELECTOR_PATTERN = rf"(?:{VERSION_PATTERN}|{ALIAS_PATTERN})"
REFERENCE_PATTERN = rf"{NAME_PATTERN}(?:@{SELECTOR_PATTERN})?"

PRODUCTION = "production"

_NAME = re.compile(NAME_PATTERN, re.ASCII)
_ALIAS = re.compile(ALIAS_PATTERN, re.ASCII)
_VERSION = re.compile(VERSION_PATTERN, re.ASCII)
_REFERENCE = re.compile(REFERENCE_PATTERN, re.ASCII)


def is_name(text: str) -> bool:
    """Tell whether this may be the name of a model."""
    return _NAME.fullmatch(text) is not None


def is_alias(text: str) -> bool:
    """Tell whether this may be an alias; a number may not."""
    return _ALIAS.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Tell whether this is a version number as we write it: ASCII digits, no sign, no leading zero."""
    return _VERSION.fullmatch(text) is not None


def split_reference(text: str) -> tuple[str, str | None]:
    """Split ``name``, ``name@3`` or ``name@alias`` into name and selector.

    Raises:
        ValueError: If the text is none of the three.
    """
    if _REFERENCE.fullmatch(text) is None:
        raise ValueError("expected name, name@version or name@alias")
    name, _, selector = text.partition("@")
    return name, selector or None
