import pytest

from app.core.errors import RecipeError
from app.training.config import TrainingConfig, list_recipes, load_config, parse_config, read_recipe


@pytest.mark.parametrize("recipe", list_recipes())
def test_every_shipped_recipe_is_valid_and_says_what_it_is_for(recipe):
    config = load_config(recipe)

    assert config.description


def test_a_short_key_finds_its_section():
    config = load_config("digits", ["steps=7", "r1_gamma=0.25", "hyperparameters.base_width=32", "seed=3"])

    assert (7, 0.25, 32, 3) == (
        config.schedule.steps,
        config.objective.r1_gamma,
        config.model.hyperparameters["base_width"],
        config.seed,
    )


def test_text_needs_no_quotes():
    assert "./my images" == load_config("digits", ["data.source=./my images"]).data.source


@pytest.mark.parametrize(
    "override",
    ["steps", "steps=0", "steps=many", "stepz=3", "schedule.stepz=3", "steps=nan", "nothing.at.all=1"],
)
def test_a_wrong_override_is_refused(override):
    with pytest.raises(RecipeError):
        load_config("digits", [override])


def test_an_unknown_recipe_is_refused_by_listing_the_known_ones():
    with pytest.raises(RecipeError, match="no-such-recipe") as refusal:
        read_recipe("no-such-recipe")

    assert "digits" in refusal.value.fields["recipes"]


def test_a_recipe_may_be_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('description = "mine"\n[schedule]\nsteps = 5\n')

    assert 5 == load_config(str(path)).schedule.steps


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("steps: 5")

    with pytest.raises(RecipeError, match="not TOML"):
        load_config(str(path))


def test_a_configuration_survives_the_manifest():
    config = load_config("mnist")

    assert config == parse_config(config.model_dump(mode="json"))


def test_every_value_has_a_default():
    assert TrainingConfig() == parse_config({})
