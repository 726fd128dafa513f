import json

import pytest
from typer.testing import CliRunner

from app.cli.export import _choose_source
from app.cli.verbs import app

RECIPE = {"samples": [{"model": "tiny", "num_samples": 4}]}


@pytest.fixture
def run():
    return lambda *options: CliRunner().invoke(app, ["export", *options])


def test_a_recipe_and_options_say_the_same(tmp_path):
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE | {"shard_size": 2}))

    from_file = _choose_source(str(tmp_path / "recipe.json"), None, {}, {})
    from_options = _choose_source(None, "tiny", {"num_samples": 4}, {"shard_size": 2})

    assert from_file == from_options


def test_a_token_is_known_by_how_it_is_written():
    token = "d1" + "A" * 40

    assert token == _choose_source(token, None, {}, {})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--model"),
        (["a.json", "--model", "tiny"], "either"),
        (["a.json", "--seed", "1"], "seed"),
        (["no-such-file.json"], "no such file"),
        (["--model", "tiny"], "num_samples"),
        (["--model", "tiny", "-n", "0"], "num-samples"),
        (["--model", "tiny", "-n", "4", "--class-counts", "x"], "class-counts"),
        (["--model", "tiny", "-n", "4", "--splits", "train=0.5"], "add up"),
        (["--model", "tiny", "-n", "4", "--format", "png"], "parquet"),
    ],
)
def test_mistakes_are_told_with_status_2(run, options, words):
    result = run(*options)

    assert 2 == result.exit_code
    assert words in " ".join(result.stderr.replace("│", " ").split())


def test_a_place_that_nobody_can_write_to_is_told(run):
    result = run("--model", "tiny", "-n", "4", "-o", "nowhere://out")

    assert 1 == result.exit_code
    assert "cannot write to such a URL" in result.stderr
