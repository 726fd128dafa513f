"""Lists of ``name=number`` on the command line."""

from collections.abc import Callable
from typing import TypeVar

import typer

_Number = TypeVar("_Number", int, float)


def parse_pairs(text: str | None, number: Callable[[str], _Number], option: str) -> dict[str, _Number] | None:
    """Read ``a=1,b=2``.

    Args:
        text: What was given; None where nothing was.
        number: Reads one number.
        option: The option, for the message.

    Raises:
        typer.BadParameter: If it is not written so, or a name comes twice.
    """
    if text is None:
        return None
    pairs: dict[str, _Number] = {}
    for pair in text.split(","):
        name, _, value = (part.strip() for part in pair.rpartition("="))
        try:
            found = number(value)
        except ValueError:
            raise typer.BadParameter("write `name=number,name=number`", param_hint=option) from None
        if not name or name in pairs:
            raise typer.BadParameter("each name is given once", param_hint=option)
        pairs[name] = found
    return pairs
