import json
import re

import numpy as np
import pytest
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from app.cli import app
from app.evaluation import classifier, inception
from app.evaluation.protocol import PROTOCOLS, Protocol
from app.repository.evaluation import read_evaluation
from app.repository.store import ModelRepository
from tests.factories import make_inception, publish_tiny_model

TINY = Protocol("full", num_samples=40, kernel_subsets=2, mode_samples=30, cas_steps=1, cas_seeds=2, is_deep=True)


@pytest.fixture(autouse=True)
def tiny_budget(monkeypatch):
    """Little to measure, a judge of a few steps, one thread."""
    monkeypatch.setattr(classifier, "STEPS", {1: 10, 3: 10})
    monkeypatch.setitem(PROTOCOLS, "full", TINY)
    with threadpool_limits(1):
        yield


@pytest.fixture
def models(tmp_path):
    root = tmp_path / "models"
    publish_tiny_model(root)
    return root


@pytest.fixture
def data(tmp_path):
    """Three made-up classes in two splits, as arrays."""
    random = np.random.default_rng(0)
    arrays = {"class_names": np.array([f"class-{number}" for number in range(3)])}
    for split, count in (("train", 90), ("test", 60)):
        arrays[f"x_{split}"] = random.integers(0, 255, size=(count, 8, 8), dtype=np.uint8)
        arrays[f"y_{split}"] = np.arange(count) % 3
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture
def evaluate(models, data, tmp_path):
    def run(model, *arguments, source=None):
        options = ["--data", str(source or data), "--repository", str(models), "--cache", str(tmp_path / "judges")]
        return CliRunner().invoke(app, ["evaluate", model, *options, "--threads", "1", "--device", "cpu", *arguments])

    return run


def test_every_figure_is_printed_with_its_floor(evaluate):
    result = evaluate("tiny")

    assert 0 == result.exit_code, result.output
    assert re.search(r"fid_40_test +lower +[\d.,]+ +[\d.,]+ to [\d.,]+ +[\d.]+", result.stdout)
    assert "cas_128" in result.stdout
    assert "tiny@1: 40 samples of seed 0 against the 60 images of the test split of data, in " in result.stdout
    assert "judge: CNN trained by Fount on data: 3 classes" in result.stdout
    assert "note: the model was trained on other images than the train split of this data\n" in result.stderr


def test_the_record_is_printed_as_json(evaluate, models):
    document = json.loads(evaluate("tiny@1", "--json", "--seed", "3").stdout)

    assert ("tiny", 1, None) == (document["model"], document["version"], document["recorded"])
    assert ModelRepository(str(models)).read_manifest("tiny", 1).digest == document["digest"]
    assert ("fount-evaluation/1", 3) == (document["evaluation"]["schema"], document["evaluation"]["seed"])


def test_recording_publishes_the_next_version_with_the_figures(evaluate, models):
    result = evaluate("tiny", "--record")

    store = ModelRepository(str(models))
    record = read_evaluation(store.read_manifest("tiny", 2))
    assert "published tiny@2: the weights of version 1, measured\n" in result.stdout
    assert "fid_40_test" in record.metrics
    assert None is read_evaluation(store.read_manifest("tiny", 1))
    assert '"action": "version-published"' in result.stderr


def test_data_without_a_test_split_is_said_and_named(models, evaluate):
    publish_tiny_model(models, "plain", num_classes=0)

    result = evaluate("plain", source="digits")

    assert 0 == result.exit_code, result.output
    assert "figures are taken against the images that the generator was trained on" in result.stderr
    assert "fid_40_train" in result.stdout


def test_modes_can_be_told_by_channels(models, evaluate, tmp_path, data):
    publish_tiny_model(models, "colour", num_classes=0, channels=3)
    random = np.random.default_rng(0)
    np.savez(tmp_path / "colour.npz", images=random.integers(0, 255, size=(60, 8, 8, 3), dtype=np.uint8))

    result = evaluate("colour", "--channels", str(data), "--json", source=tmp_path / "colour.npz")

    assert 27 == json.loads(result.stdout)["evaluation"]["metrics"]["modes_30"]["floor"]


def test_inception_weights_add_figures_and_are_named(evaluate, monkeypatch):
    monkeypatch.setattr(inception, "open_inception", lambda path, device: make_inception())

    result = evaluate("tiny", "--inception", "weights.safetensors")

    assert 0 == result.exit_code, result.output
    assert re.search(r"inception_fid_40_test +lower +[\d.,]+ +[\d.,]+ to [\d.,]+ +[\d.]+", result.stdout)
    assert f"inception weights: sha256 {'e' * 64}\n" in result.stdout


def test_wrong_inception_weights_are_told_before_the_judge_is_trained(evaluate, models, tmp_path):
    [weights] = models.rglob("weights.safetensors")

    result = evaluate("tiny", "--inception", str(weights))

    assert 1 == result.exit_code
    assert "error: the tensors in the file are not those of FID's Inception network: 472 missing, " in result.stderr
    assert "hint: missing: Conv2d_1a_3x3.bn.bias, " in result.stderr
    assert not (tmp_path / "judges").exists()


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("tiny", "error: the classes of the data are not those of the model\n"),
        ("tiny@9", "error: the model has no such version\n"),
        ("nobody", "error: there is no such model\n"),
    ],
)
def test_what_cannot_be_done_is_told_with_status_1(evaluate, model, sentence):
    result = evaluate(model, source="digits")

    assert (1, "") == (result.exit_code, result.stdout)
    assert sentence in result.stderr


def test_a_wrong_call_is_told_with_status_2(evaluate):
    assert 2 == evaluate("tiny@@").exit_code
    assert 2 == evaluate("tiny", "--protocol", "long").exit_code
