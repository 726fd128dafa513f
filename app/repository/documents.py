"""Bounds on free-form JSON in a manifest: how deep, how much, and what text."""

import math
import re
from typing import Any

MAX_DEPTH = 8
MAX_VALUES = 20_000
MAX_TEXT = 200
MAX_INTEGER = 2**31

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_document(document: dict[str, Any]) -> dict[str, Any]:
    """Check a JSON object: at most 8 levels and 20,000 values, each bounded, printable and finite.

    Returns:
        The document, as it is.

    Raises:
        ValueError: Naming the first bound that is broken.
    """
    waiting: list[tuple[Any, int]] = [(document, 1)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if seen + len(waiting) > MAX_VALUES:
            raise ValueError(f"more than {MAX_VALUES} values")
        if isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise ValueError(f"more than {MAX_DEPTH} levels")
            waiting += [(child, depth + 1) for child in _children(value)]
        else:
            _check_leaf(value)
    return document


def _children(value: dict[Any, Any] | list[Any]) -> list[Any]:
    if isinstance(value, list):
        return value
    if not all(isinstance(key, str) and _KEY.fullmatch(key) for key in value):
        raise ValueError("keys are a-z, 0-9 and _, at most 64 characters")
    return list(value.values())


def _check_leaf(value: Any) -> None:
    """Accept null, true, false, text and numbers, within their bounds."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        if len(value) > MAX_TEXT or _CONTROL.search(value):
            raise ValueError(f"text is at most {MAX_TEXT} printable characters")
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"whole numbers are within +-{MAX_INTEGER}")
    elif not isinstance(value, float) or not math.isfinite(value):
        raise ValueError("values are null, true, false, text, finite numbers, lists and objects")
