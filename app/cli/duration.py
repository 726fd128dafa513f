"""Durations on the command line."""

import typer

_UNITS = {"s": 1, "m": 60, "h": 3600}


def parse_duration(text: str, option: str) -> float:
    """Read a duration in seconds: a number, or one with a unit, such as ``90s``, ``10m`` or ``2h``.

    Args:
        text: What was given.
        option: Where, for the complaint.

    Raises:
        typer.BadParameter: If it is none.
    """
    number, unit = (text[:-1], text[-1]) if text and text[-1] in _UNITS else (text, "s")
    try:
        return float(number) * _UNITS[unit]
    except ValueError:
        raise typer.BadParameter("use seconds, or a number with s, m or h", param_hint=option) from None
