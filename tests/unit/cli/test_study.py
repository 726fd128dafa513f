import json

import pytest
import torch
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from app.cli import app

TINY = [
    *("--data", "digits", "--per-class", "2", "--seeds", "2", "--ratios", "0.5", "--steps", "2"),
    *(
        "--generator-steps",
        "2",
        "--set",
        "hyperparameters.base_width=16",
        "--set",
        "hyperparameters.max_width=16",
        "--set",
        "batch_size=4",
    ),
    *("--threads", "1", "--device", "cpu", "--set", "precision=float32"),
]


@pytest.fixture
def study(tmp_path):
    def run(*arguments):
        command = ["study", "utility", *TINY, "--out", str(tmp_path / "study"), *arguments]
        before = torch.get_num_threads()
        with threadpool_limits(1):
            result = CliRunner().invoke(app, command)
        torch.set_num_threads(before)
        return result

    return run


def test_a_study_ends_with_a_table_and_a_verdict(study, tmp_path):
    result = study()

    assert 0 == result.exit_code, result.output
    assert "real + 50 % generated kept + augmentation" in result.stdout
    assert "recommended: " in result.stdout
    assert "generated data" in result.stdout
    assert "(held out)" in result.stderr
    assert "0.0%  seed 0: training a generator\n" in result.stderr
    assert "seed 1: real + augmentation\n" in result.stderr
    assert {"report.json", "report.md", "arms.png"} <= {path.name for path in (tmp_path / "study").iterdir()}


def test_the_report_is_printed_as_json_and_a_second_call_computes_nothing(study):
    first, second = study("--json"), study("--json")

    assert json.loads(first.stdout) == json.loads(second.stdout)
    assert {0: 2, 1: 2} == {entry["seed"]: entry["steps"] for entry in json.loads(first.stdout)["generators"]}


def test_a_dry_run_estimates_and_leaves_nothing(study, tmp_path):
    result, document = study("--dry-run"), json.loads(study("--dry-run", "--json").stdout)

    assert "2 generators, about " in result.stdout
    assert {"generators_s", "classifiers_s"} == document["estimate"].keys()
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("ratios", ["", "0", "1", "0.5,2", "half"])
def test_ratios_out_of_bounds_are_a_usage_error(study, ratios):
    result = study("--ratios", ratios)

    assert 2 == result.exit_code
    assert "use numbers between 0 and 1" in result.stderr


def test_a_budget_that_is_no_time_is_a_usage_error():
    result = CliRunner().invoke(app, ["study", "utility", "--data", "digits", "--budget", "soon"])

    assert 2 == result.exit_code


def test_a_study_that_is_stopped_says_so(study, monkeypatch):
    monkeypatch.setattr("app.training.interrupt.InterruptGuard.is_set", lambda _: True)
    monkeypatch.setattr("app.training.interrupt.InterruptGuard.exit_status", 143)

    result = study()

    assert 143 == result.exit_code
    assert "the same command goes on from there" in result.stderr
