"""Bodies with fields for other services: accepted, and those without an effect here are told."""

from collections.abc import Collection, Mapping
from typing import Any

HEADER = "Fount-Ignored"
UNKNOWN = "unknown"


def list_ignored(extra: Mapping[str, Any] | None, known: Collection[str]) -> list[str]:
    """List the fields that had no effect.

    Args:
        extra: Fields that nobody reads here, as they came.
        known: Names that the dialect has for such fields.

    Returns:
        Names in order; ``unknown`` at the end for all that the dialect does not have either, since what callers send is
        not repeated.
    """
    given = {name for name, value in (extra or {}).items() if value is not None}
    return sorted(given & set(known)) + ([UNKNOWN] if given - set(known) else [])


def ignored_header(names: Collection[str]) -> dict[str, str]:
    """Name what was ignored in a header, where something was."""
    return {HEADER: ", ".join(names)} if names else {}
