import threading
import webbrowser

import pytest
import typer

from app.cli import demo
from tests.drafts import publish_draft


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No models in this folder, nor beside the package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "BESIDE", tmp_path / "beside")
    return tmp_path


@pytest.mark.parametrize("place", ["models", "beside", "elsewhere"])
def test_models_are_found_here_beside_the_package_and_where_the_settings_say(nowhere, monkeypatch, place):
    publish_draft(nowhere / place)
    monkeypatch.setenv("FOUNT_REPOSITORY__URL", "elsewhere")

    with demo._find_models(None) as found:
        assert nowhere / place == nowhere / found


def test_a_repository_that_was_named_has_models(nowhere, capsys):
    publish_draft(nowhere / "models")

    with pytest.raises(typer.Exit), demo._find_models("absent"):
        pass

    assert "`fount template shapes --publish --repository absent` makes one" in capsys.readouterr().err.replace(
        "\n", ""
    )


def test_where_there_are_no_models_one_is_drawn(nowhere, monkeypatch):
    drawn = []
    monkeypatch.setattr(demo.subprocess, "run", lambda command, **_: drawn.append(command) or Ended(0))

    with demo._find_models(None) as found:
        assert ["template", "shapes", "--publish", "--repository", found] == drawn[0][3:8]
        assert (nowhere / found).is_dir()

    assert not (nowhere / found).exists()


def test_a_model_that_cannot_be_drawn_is_told(nowhere, monkeypatch):
    monkeypatch.setattr(demo.subprocess, "run", lambda command, **_: Ended(1))

    with pytest.raises(typer.Exit), demo._find_models(None):
        pass


def test_a_demonstration_is_for_this_machine_and_has_no_keys(nowhere, monkeypatch):
    monkeypatch.setenv("FOUNT_API_KEY", "a key of sixteen or more")
    monkeypatch.setenv("FOUNT_HTTP__HOST", "0.0.0.0")

    settings = demo._choose_settings("models", 0, "cpu")

    assert ("127.0.0.1", 0, False) == (settings.http.host, settings.http.port, settings.has_keys)


@pytest.mark.parametrize(("name", "is_opened"), [("firefox", True), ("w3m", False)])
def test_the_page_is_opened_unless_by_a_browser_in_this_terminal(monkeypatch, name, is_opened):
    opened = threading.Event()

    class Browser:
        basename = name

        def open(self, url):
            assert "http://127.0.0.1:1/" == url
            opened.set()

    monkeypatch.setattr(webbrowser, "get", Browser)
    demo._open_page("http://127.0.0.1:1")

    assert is_opened is opened.wait(10 if is_opened else 0)


def test_without_a_browser_nothing_is_opened(monkeypatch):
    def refuse():
        raise webbrowser.Error("none")

    monkeypatch.setattr(webbrowser, "get", refuse)

    assert None is demo._open_page("http://127.0.0.1:1")


def test_the_calls_that_are_shown_name_a_model_that_is_served(capsys):
    demo._tell("http://127.0.0.1:1", ["shapes", "tiny"], as_json=False)

    said = capsys.readouterr().out
    assert ("shapes, tiny on http://127.0.0.1:1" in said, 3) == (
        True,
        said.count('shapes"') + said.count("sample shapes"),
    )


class Ended:
    """A process that ended."""

    def __init__(self, returncode):
        self.returncode = returncode
