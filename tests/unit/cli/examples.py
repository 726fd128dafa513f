"""The calls that the help of each verb shows."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

from app.cli.verbs import VERBS, load_verb


def list_leaves() -> dict[str, Any]:
    """Return every verb that can be run, by its words."""
    return {" ".join(words): command for verb in VERBS for words, command in _descend([verb], load_verb(verb))}


def list_examples() -> list[str]:
    """Return every call of ``fount`` in an epilog, without what a shell does with its answer."""
    return [call.partition(" > ")[0] for command in list_leaves().values() for call in read_examples(command)]


def read_examples(command: Any) -> list[str]:
    """Return the calls in the epilog of one verb: in lines of their own, or after the word "Example"."""
    lines = [line for line in (command.epilog or "").splitlines() if line.startswith(("`", "Example"))]
    return re.findall(r"`(?:[A-Z_]+=\S+ )?(fount [^`]+)`", "\n".join(lines))


def split_example(call: str) -> tuple[Any, str, list[str]]:
    """Return the command that an example calls, the words it is called by, and its arguments."""
    words = shlex.split(call)[1:]
    name = max((name for name in list_leaves() if words[: len(name.split())] == name.split()), key=len)
    return list_leaves()[name], name, words[len(name.split()) :]


def _descend(words: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, child in command.commands.items():
        yield from _descend([*words, name], child)
