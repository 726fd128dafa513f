import re
import shlex

import pytest
from typer.core import TyperGroup

from app.cli.verbs import VERBS, load_verb
from tests.docs.pages import PAGES, ROOT, commands, read

TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def known_options(command):
    return {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}


def complaint_about(call):
    """Say what is wrong with a documented call of ``fount``; nothing, when it can be made."""
    words = shlex.split(call)[1:]
    if not words or words[0].startswith("-") or words[0].isupper():
        return None
    if words[0] not in VERBS:
        return f"no verb `{words[0]}`"
    command, rest = load_verb(words[0]), words[1:]
    if isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        names = rest[0].split("|")
        unknown = [name for name in names if name not in command.commands]
        if unknown:
            return f"no verb `{words[0]} {unknown[0]}`"
        command, rest = command.commands[names[0]], rest[1:]
    given = {word.partition("=")[0] for word in rest if re.match(r"-{1,2}[a-z]", word)}
    unknown = given - known_options(command) - {"--help"}
    return f"`{words[0]}` has no option {unknown}" if unknown else None


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_named_exists(page):
    named = {
        word for call in commands(read(page), "make") for word in call.split()[1:] if re.fullmatch("[a-z-]+", word)
    }

    assert set() == named - TARGETS


@pytest.mark.parametrize("page", PAGES)
def test_every_call_of_fount_can_be_made(page):
    complaints = {call: complaint_about(call) for call in commands(read(page), "fount")}

    assert {} == {call: complaint for call, complaint in complaints.items() if complaint}


@pytest.mark.parametrize("call", ["fount fly", "fount models fly", "fount serve --fly"])
def test_a_call_that_cannot_be_made_is_seen(call):
    assert complaint_about(call) is not None


def test_every_make_target_has_a_line_of_help():
    helped = set(re.findall(r"^([a-z-]+):.*## \w", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    internal = {"env", "env-dev", "env-docs", "env-fuzz", "env-release", "fmt-check"}

    assert TARGETS - internal == helped
