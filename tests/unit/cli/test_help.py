"""What the help of every verb promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.cli.console import EXIT_CODES
from tests.unit.cli.examples import list_examples, list_leaves, read_examples, split_example

LEAVES = list_leaves()
HEAVY = {"torch", "numpy", "fastapi", "starlette", "httpx", "pyarrow", "PIL", "cv2", "pydantic_settings", "asyncio"}
WITHOUT_REPORT = {"serve", "openapi"}  # the one never ends, the other is JSON


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files that examples name; their patterns are filled in as a shell does it."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "digits" / "7").mkdir(parents=True)
    for name in ("seven.png", "digits/7/0.png", "digits/7/1.png", "inception.safetensors"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", LEAVES)
def test_every_verb_says_what_it_does_and_shows_a_call(name):
    command = LEAVES[name]

    assert command.help.strip() != ""
    assert [] != [call for call in read_examples(command) if call.startswith(f"fount {name}")]


@pytest.mark.parametrize("call", list_examples())
def test_every_example_is_a_call_that_is_understood(files, call):
    command, name, arguments = split_example(call)
    expanded = [found for word in arguments for found in (map(str, Path().glob(word)) if "*" in word else [word])]

    context = command.make_context(name, expanded)

    assert set(context.params) == {parameter.name for parameter in command.params if parameter.name != "help"}


@pytest.mark.parametrize("name", sorted(LEAVES.keys() - WITHOUT_REPORT))
def test_every_verb_that_reports_does_so_as_json_too(name):
    assert "--json" in {option for parameter in LEAVES[name].params for option in parameter.opts}


def test_no_help_imports_what_is_heavy():
    code = f"""
import json, sys
from app.cli import app
for name in {list(LEAVES)}:
    try:
        app([*name.split(), "--help"], prog_name="fount")
    except SystemExit as end:
        assert end.code == 0
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set() == HEAVY & set(json.loads(result.stderr))
    assert all(f" fount {name} " in result.stdout for name in LEAVES)


def test_the_exit_codes_are_in_the_help():
    result = CliRunner().invoke(app, ["--help"], terminal_width=200)

    assert all(f"{code}: {meaning}" in " ".join(result.stdout.split()) for code, meaning in EXIT_CODES.items())
