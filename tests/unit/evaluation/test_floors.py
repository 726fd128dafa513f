import pytest

from app.evaluation.floors import open_floors
from app.evaluation.protocol import Protocol
from app.evaluation.reference import Reference

TINY = Protocol("full", num_samples=40, kernel_subsets=2, mode_samples=40, cas_steps=1, cas_seeds=2, is_deep=True)


@pytest.fixture
def measure(make_judge):
    """Open the floors of a reference; returns them with the number of parts that had to be measured."""

    def run(reference, protocol=TINY, num_classes=2):
        judge, parts = make_judge(reference.train, reference.test), []
        floors = open_floors(
            reference,
            judge,
            reference.view(judge),
            protocol,
            num_classes=num_classes,
            on_progress=lambda *at: parts.append(at),
        )
        return floors, len(parts)

    return run


@pytest.fixture
def reference(make_halves):
    return Reference(make_halves(128), make_halves(128, seed=1))


def test_floors_are_measured_once(measure, reference):
    first, parts = measure(reference)
    again, parts_again = measure(reference)

    assert first == again
    assert parts > 0
    assert 0 == parts_again


def test_every_family_that_real_images_have_gets_its_floor(measure, reference):
    floors, _ = measure(reference)

    assert {"fid", "kid", "precision", "recall", "density", "coverage"} <= floors.overall.keys()
    assert {"inception_score", "label_agreement", "label_agreement_worst", "cas"} <= floors.overall.keys()
    assert floors.typical_distance > 0


def test_a_generator_without_classes_needs_no_floors_of_classes(measure, reference):
    floors, _ = measure(reference, num_classes=0)

    assert not {"label_agreement", "cas", "fid_per_class_mean"} & floors.overall.keys()
    assert "inception_score" in floors.overall


def test_without_a_test_split_nothing_is_known_of_new_images(measure, make_halves):
    reference = Reference(make_halves(128))

    floors, _ = measure(reference)

    assert 0.0 == floors.typical_distance
    assert "label_agreement_worst" not in floors.overall
    assert {"fid", "cas", "label_agreement"} <= floors.overall.keys()


def test_another_protocol_has_other_floors(measure, reference):
    quick = Protocol(
        "quick", num_samples=20, kernel_subsets=2, mode_samples=20, cas_steps=0, cas_seeds=0, is_deep=False
    )
    measure(reference)

    floors, parts = measure(reference, quick)

    assert parts > 0
    assert "cas" not in floors.overall


def test_a_torn_file_is_measured_again(measure, reference, tmp_path):
    floors, _ = measure(reference)
    [path] = tmp_path.glob("*.floors.json")
    path.write_text("{")

    assert floors == measure(reference)[0]
