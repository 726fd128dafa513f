import json

import numpy as np
import pytest

from app.core.errors import ConfigurationError, DatasetError, RecipeError
from app.studies import seed_run
from app.studies.report import create_report
from app.studies.seed_run import count_samples


def go_on():
    return False


def run(study, path, **options):
    folder = study.open_folder(path)
    is_complete = study.run(folder, should_stop=options.pop("should_stop", go_on), **options)
    return folder, is_complete


def accuracies(folder):
    return {key: result.accuracies for key, result in folder.arms.items()}


def test_every_arm_of_every_seed_is_measured(make_study, tmp_path):
    study = make_study()
    told = []

    folder, is_complete = run(study, tmp_path, on_progress=lambda part, what: told.append((part, what)))

    assert is_complete
    assert {(seed, arm.name) for seed in (0, 1) for arm in study.plan.arms} == set(folder.arms)
    assert all(len(result.accuracies) == 2 for result in folder.arms.values())
    assert [600, 600] == [folder.generators[seed].num_samples for seed in (0, 1)]
    assert [part for part, _ in told] == sorted(part for part, _ in told)
    assert (0.0, "seed 0: training a generator") == told[0]


def test_a_study_that_was_stopped_anywhere_ends_with_the_same_results(make_study, tmp_path):
    whole, _ = run(make_study(), tmp_path / "whole")
    asked = 0

    def stop_now_and_then():
        nonlocal asked
        asked += 1
        return asked % 5 == 0

    pieces = 1
    while not run(make_study(), tmp_path / "pieces", should_stop=stop_now_and_then)[1]:
        pieces += 1

    assert pieces > 3
    assert accuracies(whole) == accuracies(make_study().open_folder(tmp_path / "pieces"))


def test_what_is_finished_is_not_computed_again(make_study, tmp_path, monkeypatch):
    folder, _ = run(make_study(), tmp_path)
    monkeypatch.setattr(seed_run, "train_arm", None)

    again, is_complete = run(make_study(), tmp_path)

    assert is_complete
    assert accuracies(folder) == accuracies(again)


def test_seeds_and_ratios_can_be_added(make_study, tmp_path):
    before, _ = run(make_study(), tmp_path)

    after, _ = run(make_study(num_seeds=3, ratios=(0.25, 0.5)), tmp_path)

    assert accuracies(before).items() <= accuracies(after).items()
    assert {0, 1, 2} == {seed for seed, _ in after.arms}
    assert (0, "real + 25 % generated") in after.arms


def test_the_generator_learns_from_the_real_images_of_its_seed_alone(make_study):
    study = make_study()

    sessions = [study._open_seed(seed).session for seed in (0, 1)]

    assert [6, 6] == [session.dataset.num_images for session in sessions]
    assert sessions[0].dataset.sha256 != sessions[1].dataset.sha256
    assert [0, 1] == [session.config.seed for session in sessions]
    assert all(session.assessment is None for session in sessions)


def test_a_generator_that_takes_no_classes_is_refused(make_study):
    with pytest.raises(RecipeError, match=r"model\.conditional"):
        make_study(conditional=False)


def test_too_few_images_are_refused_at_once(make_study):
    with pytest.raises(DatasetError, match="take fewer per class, or fewer seeds"):
        make_study(per_class=7)


def test_time_is_estimated(make_study):
    estimate = make_study().estimate()

    assert estimate.generators_s > 0
    assert estimate.classifiers_s > 0


@pytest.mark.parametrize(("num_images", "side", "expected"), [(6, 8, 600), (300, 8, 20_000), (12, 1000, 536)])
def test_samples_are_a_hundred_per_image_within_bounds(make_halves, num_images, side, expected):
    dataset = make_halves(num_images)
    object.__setattr__(dataset, "images", np.empty((num_images, side, side, 1), np.uint8))

    assert expected == count_samples(dataset)


def test_the_report_is_written_for_people_and_machines(make_study, tmp_path):
    study = make_study()
    folder, _ = run(study, tmp_path)

    create_report(study, folder).write(tmp_path)

    document = json.loads((tmp_path / "report.json").read_text())
    page = (tmp_path / "report.md").read_text()
    assert "fount-study/1" == document["schema"]
    assert [arm.name for arm in study.plan.arms] == [row["arm"] for row in document["arms"]]
    assert document["arms"][0]["comparison"] is None
    assert 2 == len(document["arms"][1]["accuracies"])
    assert document["verdict"]["answer"] in {"helps", "does not help", "cannot tell"}
    assert f"**{document['verdict']['sentence']}.**" in page
    assert "| real + 50 % generated kept + augmentation |" in page
    assert (tmp_path / "arms.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_without_a_picture_names_none(make_study, tmp_path, monkeypatch):
    study = make_study()
    folder, _ = run(study, tmp_path)
    monkeypatch.setattr("app.training.monitoring.plots.can_plot", lambda: False)

    create_report(study, folder).write(tmp_path)

    assert "arms.png" not in (tmp_path / "report.md").read_text()
    assert not (tmp_path / "arms.png").exists()


@pytest.mark.parametrize("other", [{"num_images": 26}, {"per_class": 2}, {"steps": 4}], ids=lambda other: str([*other]))
def test_a_folder_holds_one_study(make_study, tmp_path, other):
    make_study().open_folder(tmp_path)

    with pytest.raises(ConfigurationError, match="other data or with other settings"):
        make_study(**other).open_folder(tmp_path)
