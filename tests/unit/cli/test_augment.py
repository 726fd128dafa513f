import json

import pytest
import typer
from typer.testing import CliRunner

from app.cli.augment import _read_policy
from app.cli.verbs import app
from tests.pictures import make_files, write_folder

OPS = [{"op": "rotate", "degrees": [-15.0, 15.0]}, {"op": "flip", "p": 0.5}]
TOML = """
[[ops]]
op = "rotate"
degrees = [-15, 15]

[[ops]]
op = "flip"
p = 0.5
"""


@pytest.fixture
def run(tmp_path):
    source = write_folder(tmp_path / "in", make_files(["cat/0.png", "dog/0.png"]))
    return lambda *options: CliRunner().invoke(app, ["augment", source, "-o", str(tmp_path / "out"), *options])


def test_policies_are_read_from_json_toml_and_presets(tmp_path):
    (tmp_path / "policy.json").write_text(json.dumps({"ops": OPS}))
    (tmp_path / "policy.toml").write_text(TOML)
    (tmp_path / "named.json").write_text('{"preset": "light"}')

    assert _read_policy(str(tmp_path / "policy.json")) == _read_policy(str(tmp_path / "policy.toml"))
    assert _read_policy("light") == _read_policy(str(tmp_path / "named.json"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("no-such-preset", None, "no preset has this name"),
        ("missing.json", None, "no such file"),
        ("broken.json", "{", "neither JSON nor TOML"),
        ("broken.toml", "ops = ", "neither JSON nor TOML"),
        ("list.json", "[]", "no object"),
        ("unknown.json", '{"ops": [{"op": "rotat"}]}', "/ops/0"),
        ("bounds.toml", '[[ops]]\nop = "rotate"\ndegrees = [0, 1e9]', "/ops/0/degrees"),
    ],
)
def test_a_policy_that_cannot_be_read_is_told(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_text(text)
    given = name if name == "no-such-preset" else str(tmp_path / name)

    with pytest.raises(typer.BadParameter, match=words):
        _read_policy(given)


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--policy", "no-such-preset"], 2, "no preset has this name"),
        (["--policy", "light", "--copies", "0"], 2, "--copies"),
        (["--policy", "light", "--copies", "2", "--balance"], 2, "as it takes"),
        (["--policy", "light", "--format", "gif"], 2, "--format"),
        (["--policy", "light", "--seed", str(2**63)], 2, "--seed"),
        (["--policy", "light", "--copies", "70000"], 1, "at most 65536 copies"),
        ([], 2, "--policy"),
    ],
)
def test_mistakes_are_told(run, options, status, words):
    result = run(*options)

    assert status == result.exit_code
    assert words in " ".join(result.stderr.replace("│", " ").split())


def test_a_folder_of_others_is_refused(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()

    result = run("--policy", "light")

    assert 1 == result.exit_code
    assert "files of others" in result.stderr
