"""How every verb speaks: answers on standard output, everything else on standard error."""

import json
import sys
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from app.core.errors import ServiceError

console = Console()
err_console = Console(stderr=True)


def plain(text: str) -> Text:
    """Make text from a file or a caller safe for a terminal: no markup, no control characters."""
    return Text("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))


def print_json(document: Any) -> None:
    """Print a report for machines; ASCII only, so that nothing in it can steer a terminal."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def fail(error: ServiceError | str, hint: str | None = None) -> NoReturn:
    """Say what went wrong, and what may help, on standard error; then exit with status 1.

    Args:
        error: What went wrong.
        hint: What to do; by default the lists that the error carries, for example of versions that do exist.

    Raises:
        typer.Exit: Always.
    """
    _complain("error", "red", error.detail if isinstance(error, ServiceError) else error)
    if hint is None and isinstance(error, ServiceError):
        hint = "; ".join(f"{name}: {_join(value)}" for name, value in error.fields.items() if isinstance(value, list))
    if hint:
        _complain("hint", "cyan", hint)
    raise typer.Exit(1)


def _join(values: list[Any]) -> str:
    return ", ".join(map(str, values)) or "none"


def _complain(word: str, style: str, sentence: str) -> None:
    err_console.print(Text.assemble((f"{word}: ", style), plain(sentence)), soft_wrap=True)
