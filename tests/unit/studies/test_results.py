import pytest

from app.core.errors import ConfigurationError
from app.studies.results import ArmResult, GeneratorResult, StudyFolder

ARM = ArmResult(1, "real", [0.5, 0.75])
GENERATOR = GeneratorResult(1, steps=4, wall_seconds=0.5, num_samples=600, kept=0.9)


def test_results_are_found_again(tmp_path):
    folder = StudyFolder(tmp_path / "new" / "study", {"per_class": 20})
    folder.add(GENERATOR)
    folder.add(ARM)

    again = StudyFolder(folder.path, {"per_class": 20})

    assert {(1, "real"): ARM} == again.arms
    assert {1: GENERATOR} == again.generators
    assert 2 == len((folder.path / "results.jsonl").read_text().splitlines())


def test_the_accuracy_of_an_arm_is_the_mean_over_its_classifiers():
    assert 0.625 == ARM.accuracy


def test_a_folder_of_another_study_is_refused(tmp_path):
    StudyFolder(tmp_path, {"per_class": 20})

    with pytest.raises(ConfigurationError, match="another one"):
        StudyFolder(tmp_path, {"per_class": 10})


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="cannot be used"):
        StudyFolder(tmp_path / "file", {})
