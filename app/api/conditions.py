"""Conditional requests: entity tags, and what ``If-Match`` and ``If-None-Match`` say about them."""

from app.core.errors import PreconditionFailedError

ANY = "*"


def version_tag(version: int) -> str:
    """Return the entity tag of an alias: where it points."""
    return f'"{version}"'


def names_tag(header: str | None, tag: str) -> bool:
    """Tell whether ``If-None-Match`` names a tag, or any; weak comparison."""
    return header is not None and bool({ANY, tag} & {one.removeprefix("W/") for one in _split(header)})


def expect_version(if_match: str | None, if_none_match: str | None, present: int | None) -> dict[str, int | None]:
    """Read the conditions of an alias move.

    Args:
        if_match: The ``If-Match`` header.
        if_none_match: The ``If-None-Match`` header; ``*`` asks that the alias be new.
        present: Where the alias points now; None if there is none.

    Returns:
        ``{"expected": ...}`` for the move itself to check again, or nothing where there is no condition.

    Raises:
        PreconditionFailedError: If a condition does not hold now.
    """
    if if_match is not None:
        tags = _split(if_match)
        if present is None or not {ANY, version_tag(present)} & set(tags):
            raise PreconditionFailedError("the alias is not in the state that `If-Match` names")
        return {"expected": present}
    if if_none_match is not None:
        if present is not None and names_tag(if_none_match, version_tag(present)):
            raise PreconditionFailedError("the alias is in a state that `If-None-Match` excludes")
        return {"expected": present}
    return {}


def _split(header: str) -> list[str]:
    return [part.strip() for part in header.split(",")]
