"""How every verb speaks: answers on standard output, everything else on standard error."""

import difflib
import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from app.core.errors import ServiceError

EXIT_CODES = {
    0: "It is done; `serve` and `demo` end so when they are stopped, too.",
    1: "It failed, or what was looked at is not sound: `doctor`, `models verify` and `verify` answer so.",
    2: "The call was wrong: an unknown verb or option, or a value that an option does not take.",
    130: "Stopped by Ctrl-C; long work goes on by the same command.",
    143: "Stopped by SIGTERM; the same.",
}
FAILED = 1
INTERRUPTED = 130
_LIKENESS = 0.6

console = Console()
err_console = Console(stderr=True)


def plain(text: str) -> Text:
    """Make text from a file or a caller safe for a terminal: no markup, no control characters."""
    return Text("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))


def print_json(document: Any) -> None:
    """Print a report for machines; ASCII only, so that nothing in it can steer a terminal."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def fail(error: ServiceError | str, hint: str | None = None, *, given: Sequence[str] = ()) -> NoReturn:
    """Say what went wrong, and what may help, on standard error; then exit with status 1.

    Args:
        error: What went wrong.
        hint: What to do; by default the lists that the error carries, for example of versions that do exist.
        given: Words of the call: one that is nearly in such a list was meant to be.

    Raises:
        typer.Exit: Always.
    """
    _complain("error", "red", error.detail if isinstance(error, ServiceError) else error)
    if hint is None and isinstance(error, ServiceError):
        hint = _list_choices(error, given)
    if hint:
        _complain("hint", "cyan", hint)
    raise typer.Exit(FAILED)


def _list_choices(error: ServiceError, given: Sequence[str]) -> str:
    choices = {name: value for name, value in error.fields.items() if isinstance(value, list)}
    meant = _find_meant([str(value) for values in choices.values() for value in values], given)
    lists = "; ".join(f"{name.replace('_', ' ')}: {_join(values)}" for name, values in choices.items())
    return " ".join([*meant, lists]) if lists else ""


def _find_meant(known: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return a sentence about the word that is nearest to a known one, without being it; or nothing."""
    names = {name for word in given for name in (word.partition("@")[0], word.partition("=")[2]) if name}
    near = {
        match: difflib.SequenceMatcher(None, name, match).ratio()
        for name in sorted(names - set(known))
        for match in difflib.get_close_matches(name, known, 1, _LIKENESS)
    }
    return [f"did you mean `{max(near, key=near.__getitem__)}`?"] if near else []


def _join(values: list[Any]) -> str:
    return ", ".join(map(str, values)) or "none"


def _complain(word: str, style: str, sentence: str) -> None:
    err_console.print(Text.assemble((f"{word}: ", style), plain(sentence)), soft_wrap=True)
