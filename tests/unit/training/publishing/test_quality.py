import pytest

from app.repository.evaluation import Metric, dump_evaluation, read_evaluation
from app.repository.manifest import CARD_FILE
from app.repository.store import ModelRepository
from app.training.publishing.quality import record_evaluation, replace_quality, write_quality
from tests.drafts import make_draft, make_record, publish_draft

CARD = "# tiny\n\nText.\n\n## Limits\n\nMany.\n"


def draft_with(record):
    return make_draft(evaluation=dump_evaluation(record))


def test_the_section_has_a_row_per_figure_with_its_floor():
    section = write_quality(draft_with(make_record()))

    assert section.startswith("## Quality\n")
    assert "| `fid_10k_test` | lower | 2.5 | 2.4 to 2.6 | 0.8000 |" in section
    assert "10,000 samples of seed 0 by Fount's `full` protocol, against the 10,000 images of the test\n" in section
    assert "The judge: a made-up classifier." in section
    assert "copies would score well" not in section


def test_the_section_warns_where_the_reference_is_the_training_set():
    assert "copies would score well" in write_quality(draft_with(make_record(reference={"split": "train"})))


def test_the_section_names_the_worst_classes():
    per_class = {"fid": {"a": 3.0, "b": 5.0}, "label_agreement": {"a": 0.9, "b": 0.99}}

    section = write_quality(draft_with(make_record(per_class=per_class)))

    assert "Worst class by `label_agreement`: a, 0.9000. Worst class by `fid`: b, 5. " in section


def test_the_section_names_the_weights_of_inception():
    section = write_quality(draft_with(make_record(inception={"sha256": "3" * 64})))

    assert f"begin with `inception_` are of the network of published ones; its weights: `{'3' * 64}`." in section


def test_the_section_says_when_nobody_knows():
    assert "Nobody has measured this version" in write_quality(make_draft())


def test_figures_without_interval_and_floor_have_empty_cells():
    record = make_record({"kid_10k_test": Metric(value=0.25, better="lower")})

    assert "| `kid_10k_test` | lower | 0.2500 |  |  |" in write_quality(draft_with(record))


def test_the_section_goes_before_the_limits_and_is_there_once():
    once = replace_quality(CARD, make_draft())
    twice = replace_quality(once, draft_with(make_record()))

    assert once.index("## Quality") < once.index("## Limits")
    assert 1 == twice.count("## Quality")
    assert "Nobody" not in twice
    assert CARD == twice.replace(write_quality(draft_with(make_record())) + "\n", "")


def test_a_card_without_limits_gets_the_section_at_its_end():
    assert replace_quality("# tiny\n", make_draft()).startswith("# tiny\n\n## Quality\n")


@pytest.fixture
def repository(tmp_path):
    return ModelRepository(str(tmp_path))


def test_recording_publishes_the_same_weights_as_the_next_version(repository, tmp_path):
    measured = publish_draft(tmp_path)
    record = make_record()

    recorded = record_evaluation(repository, measured, record)

    assert (2, record) == (recorded.version, read_evaluation(recorded))
    assert measured.files["weights.safetensors"] == recorded.files["weights.safetensors"]
    assert measured.training == recorded.training
    assert measured.digest != recorded.digest
    assert b"fid_10k_test" in repository.read_file("tiny", 2, CARD_FILE)
    assert b"fid_10k_test" not in repository.read_file("tiny", 1, CARD_FILE)
    assert repository.check("tiny", 2).error is None


def test_a_version_without_a_card_is_recorded_without_one(repository):
    measured = repository.publish(make_draft(), {"weights.safetensors": b"x"})

    recorded = record_evaluation(repository, measured, make_record())

    assert ["weights.safetensors"] == list(recorded.files)
