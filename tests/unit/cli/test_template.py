import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from app.cli import app


@pytest.fixture
def fount(tmp_path, monkeypatch):
    """Run ``fount template …`` in an empty folder, with a repository of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(app, ["template", *arguments, "--repository", str(tmp_path / "models")])

    return run


def test_a_template_is_drawn_without_being_published(fount, tmp_path):
    result = fount("shapes")

    assert 0 == result.exit_code, result.output
    with Image.open(tmp_path / "shapes.png") as grid:
        assert "RGB" == grid.mode
    assert not (tmp_path / "models").exists()


def test_publishing_tells_the_version_as_json(fount, tmp_path):
    result = fount("glyph-digits", "--name", "digits-2", "--grid", "out/grid.png", "--publish", "--json")

    facts = json.loads(result.stdout)
    assert ("digits-2", 1) == (facts["name"], facts["version"])
    assert [str(digit) for digit in range(10)] == facts["classes"]
    assert (tmp_path / "out" / "grid.png").is_file()
    assert (tmp_path / "models" / "digits-2" / "1" / "manifest.json").is_file()


def test_publishing_is_recorded(fount):
    result = fount("shapes", "--publish")

    [line] = map(json.loads, result.stderr.splitlines())
    assert ("version-published", "shapes@1", None, 1, "done") == (
        *(line[name] for name in ("action", "target", "from", "to", "outcome")),
    )
    assert line["who"].startswith("cli:")


def test_publishing_that_fails_is_recorded(fount, tmp_path):
    (tmp_path / "models").write_text("a file where the folder should be")

    result = fount("shapes", "--publish")

    line = json.loads(next(line for line in result.stderr.splitlines() if line.startswith("{")))
    assert 1 == result.exit_code
    assert ("version-published", "shapes", None) == (line["action"], line["target"], line["to"])
    assert "done" != line["outcome"]


def test_a_template_that_is_printed_can_be_drawn(fount, tmp_path):
    (tmp_path / "mine.toml").write_text(fount("shapes", "--show").stdout)

    assert 0 == fount("mine.toml").exit_code
    assert (tmp_path / "mine.png").is_file()


def test_an_unknown_template_is_refused_by_listing_the_known_ones(fount):
    result = fount("squares")

    assert 1 == result.exit_code
    assert "seven-segment" in result.stderr


def test_a_name_that_no_model_can_have_is_a_usage_error(fount):
    assert 2 == fount("shapes", "--name", "Shapes!").exit_code
