import numpy as np
import pytest

from app.core.errors import ConfigurationError
from app.data.dataset import build_dataset
from app.evaluation.classifier import ClassifierRecipe
from app.evaluation.judge import default_cache, open_judge

SHORT = ClassifierRecipe(steps=12, batch_size=16)


@pytest.fixture
def open_one(tmp_path):
    """Open a judge of a short recipe; returns it with the number of steps that were trained for it."""

    def open_it(train, test=None, recipe=SHORT):
        steps = []
        judge = open_judge(
            train, test, cache=tmp_path / "cache", recipe=recipe, on_progress=lambda *at: steps.append(at)
        )
        return judge, len(steps)

    return open_it


def test_a_judge_knows_the_classes_of_its_data(open_one, make_halves):
    test = make_halves(seed=1)
    judge, _ = open_one(make_halves(), test)

    look = judge.look(test.images)

    assert ["left", "right"] == judge.class_names
    assert judge.accuracy > 0.95
    assert judge.accuracy == np.mean(judge.predict(test.images) == test.labels)
    assert np.allclose(1.0, look.probabilities.sum(axis=1))
    assert np.array_equal(look.features, judge.features(test.images))
    assert np.array_equal(look.classes, judge.probabilities(test.images).argmax(axis=1))


def test_a_judge_is_trained_once(open_one, make_halves):
    train, test = make_halves(), make_halves(seed=1)

    first, trained = open_one(train, test)
    again, trained_again = open_one(train, test)

    assert (12, 0) == (trained, trained_again)
    assert (first.sha256, first.accuracy, first.description) == (again.sha256, again.accuracy, again.description)
    assert np.array_equal(first.features(test.images), again.features(test.images))


def test_other_data_or_another_recipe_gets_its_own_judge(open_one, make_halves):
    open_one(make_halves())

    assert 12 == open_one(make_halves(seed=2))[1]
    assert 3 == open_one(make_halves(), recipe=ClassifierRecipe(steps=3, batch_size=16))[1]


def test_without_a_test_split_a_tenth_is_kept_back(open_one, make_halves):
    judge, _ = open_one(make_halves())

    assert judge.accuracy > 0.8
    assert judge.description.endswith("on a held-out tenth")


def test_a_new_test_split_measures_the_same_judge_anew(open_one, make_halves):
    train, test = make_halves(), make_halves(seed=1)
    judge, _ = open_one(train, test)
    wrong = build_dataset("wrong", test.images, 1 - test.labels, test.class_names)

    again, trained = open_one(train, wrong)

    assert 0 == trained
    assert judge.sha256 == again.sha256
    assert np.isclose(1.0 - judge.accuracy, again.accuracy)


def test_a_torn_file_is_replaced(open_one, make_halves, tmp_path):
    open_one(make_halves())
    [path] = (tmp_path / "cache").iterdir()
    path.write_bytes(path.read_bytes()[:100])

    assert 12 == open_one(make_halves())[1]
    assert 0 == open_one(make_halves())[1]


def test_without_labels_it_says_so_and_names_no_classes(open_one, make_halves):
    judge, _ = open_one(make_halves(labelled=False))

    assert [] == judge.class_names
    assert "no labels" in judge.description
    assert (4, 4) == judge.probabilities(make_halves(4).images).shape


def test_a_cache_that_cannot_be_made_is_told_before_training(tmp_path, make_halves):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError):
        open_judge(make_halves(), None, cache=tmp_path / "file" / "cache", recipe=SHORT, on_progress=pytest.fail)


def test_judges_are_kept_in_the_home_folder():
    assert ("fount", "judges") == default_cache().parts[-2:]
