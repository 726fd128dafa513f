"""Renders ``docs/command-line.md`` from the verbs themselves."""

import re
from collections.abc import Iterator
from typing import Any

from app.cli.console import EXIT_CODES
from app.cli.verbs import VERBS, load_verb

EXAMPLE = re.compile(r"^`([^`]+)`(?: \((.+)\))?$", re.MULTILINE)
NOT_RUN = "<!-- not run: a pattern, with words to be replaced -->"
INTRODUCTION = """\
# Command line

`fount VERB`, or `python -m app VERB`. Every verb has `--help`, with examples. What was asked for goes to standard
output, everything else to standard error; `--json` makes a report one that programs read. Bars of progress are for
terminals, colours for terminals where `NO_COLOR` is not set. `fount --version` prints the version.

`fount --install-completion` has bash, zsh or fish complete verbs, options, models and recipes;
`fount --show-completion` prints what it would install.

Verbs with `--url` ask a running service instead of computing here; they send the key in `FOUNT_API_KEY`, which is not
taken from the command line, where others could read it.

This page is rendered from `app/cli/` by `make golden`.
"""


def render_command_line() -> str:
    """Render the whole page: exit codes, the verbs, and a section for each, in the order of the help."""
    sections = [_section(words, command) for verb in VERBS for words, command in _leaves([verb], load_verb(verb))]
    return "\n".join([INTRODUCTION, _exit_codes(), _verbs(), *sections])


def _exit_codes() -> str:
    rows = [f"| {code} | {_cell(meaning)} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["## Exit codes", "", "| code | meaning |", "|---|---|", *rows, ""])


def _verbs() -> str:
    rows = [f"| `{name}` | {_cell(verb.summary)} |" for name, verb in VERBS.items()]
    return "\n".join(["## Verbs", "", "| verb | what it does |", "|---|---|", *rows, ""])


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
    texts = [command.help.strip(), _put_in_block(command.epilog.strip())]
    return "\n".join([f"## fount {' '.join(words)}", "", f"`{usage}`", "", *_spaced(texts), *table])


def _put_in_block(epilog: str) -> str:
    """Make one block of the examples, which stand in lines of their own."""
    examples = EXAMPLE.findall(epilog)
    if not examples:
        return epilog
    lines = [f"{call}  # {meaning}" if meaning else call for call, meaning in examples]
    before, rest = epilog[: EXAMPLE.search(epilog).start()].strip(), EXAMPLE.sub("", epilog).partition("Examples:")[2]
    return "\n".join([before, "", NOT_RUN, "```sh", *lines, "```", "", rest.strip()]).strip()


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
