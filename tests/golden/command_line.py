"""Renders ``docs/command-line.md`` from the verbs themselves."""

from collections.abc import Iterator
from typing import Any

from app.cli.verbs import VERBS, load_verb

INTRODUCTION = """\
# Command line

`fount VERB`, or `python -m app VERB`. Every verb has `--help`. What was asked for goes to standard output, everything
else to standard error. The exit code is 0 when it worked, 1 when it failed, 2 when the call was wrong.

This page is rendered from `app/cli/` by `make golden`.
"""


def render_command_line() -> str:
    """Render the whole page: a section per verb, in the order of the help."""
    sections = [_section(words, command) for verb in VERBS for words, command in _leaves([verb], load_verb(verb))]
    return "\n".join([INTRODUCTION, *sections])


def _leaves(words: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, child in command.commands.items():
        yield from _leaves([*words, name], child)


def _section(words: list[str], command: Any) -> str:
    arguments = [parameter for parameter in command.params if not parameter.opts[0].startswith("-")]
    usage = " ".join(["fount", *words, *(_usage(argument) for argument in arguments)])
    rows = [_row(parameter) for parameter in command.params if not parameter.hidden]
    table = ["| argument or option | default | meaning |", "|---|---|---|", *rows, ""] if rows else []
    texts = [text.strip() for text in (command.help, command.epilog) if text]
    return "\n".join([f"## fount {' '.join(words)}", "", f"`{usage}`", "", *_spaced(texts), *table])


def _spaced(texts: list[str]) -> Iterator[str]:
    for text in texts:
        yield from (text, "")


def _usage(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()).strip("[]")
    return name if argument.required else f"[{name}]"


def _row(parameter: Any) -> str:
    is_option = parameter.opts[0].startswith("-")
    names = [*parameter.opts, *parameter.secondary_opts] if is_option else [_usage(parameter).strip("[]")]
    value = f" {parameter.metavar}" if is_option and parameter.metavar else ""
    shown = ", ".join(f"`{name}{value}`" for name in names)
    default = parameter.default
    is_plain = default is None or default is False or default in ("", [], ()) or callable(default)
    shown_default = "required" if parameter.required else "" if is_plain else f"`{default}`"
    return f"| {shown} | {shown_default} | {_cell(parameter.help)} |"


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("|", "\\|").split())
