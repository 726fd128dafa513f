import json
import subprocess
import sys
import types

import pytest
import typer
from typer.testing import CliRunner

from app import __main__ as program
from app import __version__
from app.cli import app, verbs
from app.core.errors import VersionNotFoundError


@pytest.fixture
def add_verb(monkeypatch):
    """Add a verb to the table for one test, from a module that is made up."""

    def add(name, command):
        module = types.ModuleType("made_up_verb")
        module.command = command
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(verbs.VERBS, name, verbs.Verb("made_up_verb:command", f"Do {name}."))

    return add


def run(*arguments):
    # the group is built when it is called, so a verb added to the table is seen
    return CliRunner().invoke(app, list(arguments))


def test_help_lists_every_verb_with_its_summary():
    result = run("--help")

    assert 0 == result.exit_code
    for name, verb in verbs.VERBS.items():
        assert f" {name} " in result.stdout
        assert verb.summary in result.stdout


def test_version_is_printed():
    assert f"{__version__}\n" == run("--version").stdout


def test_no_verb_is_a_call_for_help():
    result = run()

    assert 2 == result.exit_code
    assert "Commands" in result.output


def test_a_mistyped_verb_gets_a_suggestion():
    result = run("model")

    assert 2 == result.exit_code
    assert "Did you mean 'models'?" in result.stderr


def test_help_imports_no_verb_and_nothing_heavy():
    code = (
        "import sys, json\n"
        "from app.cli import app\n"
        "try:\n    app(['--help'])\n"
        "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    modules = set(json.loads(result.stderr))
    assert not {"torch", "numpy", "fastapi", "pydantic", "app.core.settings", "app.cli.models"} & modules


def test_a_function_is_a_verb(add_verb):
    def greet(name: str, loud: bool = False) -> None:
        typer.echo(name.upper() if loud else name)

    add_verb("greet", greet)

    assert "ADA\n" == run("greet", "Ada", "--loud").stdout
    assert "Do greet." in run("--help").stdout


def test_a_service_error_is_one_sentence_and_a_hint(add_verb):
    def fall() -> None:
        raise VersionNotFoundError("there is [bold]none\x1b[0m", versions=[1, 2])

    add_verb("fall", fall)
    result = run("fall")

    assert (1, "") == (result.exit_code, result.stdout)
    assert "error: there is [bold]none\N{REPLACEMENT CHARACTER}[0m\nhint: versions: 1, 2\n" == result.stderr


def test_a_verb_that_is_missing_does_not_break_the_others(monkeypatch):
    monkeypatch.setitem(verbs.VERBS, "fly", verbs.Verb("app.cli.no_such_module:fly", "Fly."))

    result = run("fly")

    assert (1, "error: `fly` is not part of this installation\n") == (result.exit_code, result.stderr)
    assert 0 == run("models", "--help").exit_code


def test_a_verb_that_lacks_a_library_says_which(monkeypatch, tmp_path):
    (tmp_path / "lacking_verb.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(verbs.VERBS, "lack", verbs.Verb("lacking_verb:lack", "Lack."))

    result = run("lack")

    assert 1 == result.exit_code
    assert "`no_such_library`, which is not installed\nhint: pip install" in result.stderr


def test_a_part_of_ours_that_is_missing_is_a_fault(add_verb):
    def lack() -> None:
        raise ModuleNotFoundError("No module named 'app.absent'", name="app.absent")

    add_verb("lack", lack)

    assert isinstance(run("lack").exception, ModuleNotFoundError)


def test_what_the_system_refuses_is_one_sentence(add_verb, tmp_path):
    def read() -> None:
        (tmp_path / "absent.toml").read_text()

    add_verb("read", read)
    result = run("read")

    assert (1, f"error: {tmp_path}/absent.toml: no such file or directory\n") == (result.exit_code, result.stderr)


def test_ctrl_c_ends_a_verb_in_a_word(add_verb):
    def wait() -> None:
        raise KeyboardInterrupt

    add_verb("wait", wait)
    result = run("wait")

    assert (130, "", "stopped\n") == (result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize(
    ("word", "meant"), [("sevn", "`seven`"), ("--class=sevn", "`seven`"), ("fuor@2", "`four`"), ("four", None)]
)
def test_the_word_that_was_meant_is_named(add_verb, word, meant):
    def draw(words: list[str]) -> None:
        raise VersionNotFoundError("there is no such class", classes=["seven", "four"])

    add_verb("draw", draw)
    result = run("draw", "--", word)

    said = f"did you mean {meant}? " if meant else ""
    assert f"error: there is no such class\nhint: {said}classes: seven, four\n" == result.stderr


def test_a_mistyped_option_gets_a_suggestion():
    result = run("sample", "tiny", "--sead", "1")

    assert (2, True) == (result.exit_code, "--seed" in result.stderr)


def test_ctrl_c_while_the_program_is_imported_leaves_no_trace(monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.main", interrupt)

    with pytest.raises(SystemExit) as ended:
        program.main()

    assert 130 == ended.value.code


def test_the_program_runs_as_a_module():
    result = subprocess.run([sys.executable, "-m", "app", "--version"], capture_output=True, text=True, check=True)

    assert f"{__version__}\n" == result.stdout


@pytest.fixture
def complete(monkeypatch):
    """Ask as a shell does, by variables."""

    def ask(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        code = "from app.cli import main; main()"
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    return ask


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(complete, shell):
    result = complete(_FOUNT_COMPLETE=f"source_{shell}")

    assert "_FOUNT_COMPLETE=complete_" + shell in result


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fount sam", ["sample"]),
        ("fount models rol", ["rollback"]),
        ("fount sample oth", ["other"]),
        ("fount models promote ", ["other", "tiny"]),
        ("fount train mnist_v", ["mnist_vae"]),
        ("fount sample --trunc", ["--truncation"]),
    ],
)
def test_a_shell_completes_verbs_options_models_and_recipes(complete, tmp_path, words, expected):
    for name in ("tiny/1", "other/1", "Not A Model"):
        (tmp_path / name).mkdir(parents=True)

    result = complete(
        _FOUNT_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
        FOUNT_REPOSITORY__URL=str(tmp_path),
    )

    assert expected == result.split()


def test_a_repository_that_cannot_be_listed_completes_nothing(complete):
    variables = {"COMP_WORDS": "fount sample t", "COMP_CWORD": "2", "FOUNT_REPOSITORY__URL": "/absent"}

    assert "" == complete(_FOUNT_COMPLETE="complete_bash", **variables).strip()
