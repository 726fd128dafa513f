import json

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.repository.evaluation import Metric, dump_evaluation
from tests.drafts import make_record, publish_draft


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def publish(models):
    """Publish a version with figures: values by name, each with an interval of 0.1 to both sides."""

    def publish_one(values, **changes):
        metrics = {
            name: Metric(value=value, interval=(value - 0.1, value + 0.1), floor=0.5, better="lower")
            for name, value in values.items()
        }
        return publish_draft(models, evaluation=dump_evaluation(make_record(metrics, **changes)))

    return publish_one


@pytest.fixture
def compare(models):
    def run(*arguments):
        return CliRunner().invoke(app, ["compare", *arguments, "--repository", str(models)])

    return run


def test_figures_stand_side_by_side_with_words(publish, compare):
    publish({"fid_10k_test": 2.0, "kid_10k_test": 1.0, "reverse_kl_10k": 1.0})
    publish({"fid_10k_test": 3.0, "kid_10k_test": 0.5, "reverse_kl_10k": 1.0})

    result = compare("tiny@1", "tiny@2")

    lines = [line.split() for line in result.stdout.splitlines()]
    assert 0 == result.exit_code
    assert ["fid_10k_test", "lower", "2", "(1.9", "to", "2.1)", "3", "(2.9", "to", "3.1)", "0.5000"] in [
        line[:11] for line in lines
    ]
    assert "tiny@1 is better by fid_10k_test.\n" in result.stdout
    assert "tiny@2 is better by kid_10k_test.\n" in result.stdout
    assert "The other figures do not differ by more than their intervals.\n" in result.stdout


def test_noise_decides_nothing(publish, compare):
    publish({"fid_10k_test": 2.0})
    publish({"fid_10k_test": 2.1})

    result = compare("tiny@1", "tiny@2")

    assert "within the intervals" in result.stdout
    assert result.stdout.endswith("No figure differs by more than its interval.\n")


def test_figures_that_only_one_has_are_shown(publish, compare):
    publish({"fid_10k_test": 2.0, "cas_25600": 0.9})
    publish({"fid_10k_test": 2.0})

    assert "only one has it" in compare("tiny@1", "tiny@2").stdout


def test_figures_through_other_inception_weights_are_told_apart(publish, compare):
    publish({"inception_fid_10k_test": 2.0}, inception={"sha256": "3" * 64})
    publish({"inception_fid_10k_test": 9.0}, inception={"sha256": "4" * 64})

    result = compare("tiny@1", "tiny@2")

    assert "other Inception weights" in result.stdout
    assert "is better" not in result.stdout


def test_what_cannot_be_compared_is_said(publish, compare):
    publish({"fid_10k_test": 2.0})
    publish({"fid_10k_test": 3.0}, judge={"sha256": "2" * 64})

    result = compare("tiny@1", "tiny@2")

    assert 0 == result.exit_code
    assert result.stdout.endswith("These figures cannot be held against each other: different judges looked at them.\n")


def test_json_holds_both_records_and_the_winners(publish, compare):
    publish({"fid_10k_test": 2.0})
    publish({"fid_10k_test": 3.0})

    document = json.loads(compare("tiny@1", "tiny", "--json").stdout)

    assert ("tiny@1", "tiny@2", None) == (
        document["first"]["model"],
        document["second"]["model"],
        document["obstacle"],
    )
    assert "fount-evaluation/1" == document["first"]["evaluation"]["schema"]
    assert [{"metric": "fid_10k_test", "first": 2.0, "second": 3.0, "better": "lower", "winner": "tiny@1"}] == document[
        "comparisons"
    ]


def test_a_version_that_nobody_measured_is_named(publish, compare, models):
    publish_draft(models)
    publish({"fid_10k_test": 2.0})

    result = compare("tiny@1", "tiny@2")

    assert (1, "") == (result.exit_code, result.stdout)
    assert (
        "error: nobody has measured tiny@1\nhint: fount evaluate tiny@1 --data SOURCE --record does that\n"
        == result.stderr
    )


def test_a_wrong_reference_is_told_with_status_2(compare):
    assert 2 == compare("tiny@@", "tiny").exit_code
