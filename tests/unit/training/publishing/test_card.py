from app.repository.evaluation import dump_evaluation
from app.training.config import load_config
from app.training.publishing.card import write_card
from tests.drafts import make_draft, make_record, make_training


def make_published(**changes):
    recipe = load_config("digits", []).model_dump(mode="json")
    return make_draft(training=make_training().model_copy(update={"recipe": recipe}), **changes)


def test_a_card_has_the_figures_between_use_and_limits():
    card = write_card(make_published(evaluation=dump_evaluation(make_record())))

    assert card.index("## Use it") < card.index("| `fid_10k_test` |") < card.index("\n\n## Limits")


def test_a_card_says_when_nobody_measured():
    assert "Nobody has measured this version" in write_card(make_published())
