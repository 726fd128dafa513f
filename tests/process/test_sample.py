"""``fount sample`` as a process, with a real worker."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.factories import publish_tiny_model


@pytest.fixture
def sample(tmp_path):
    publish_tiny_model(tmp_path / "models")

    def run(*options):
        command = [sys.executable, "-m", "app", "sample", "tiny", "--repository", str(tmp_path / "models"), *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_parts_join_to_the_whole(sample, tmp_path):
    whole, part = tmp_path / "whole.npz", tmp_path / "deep" / "part.npz"

    report = sample("-n", "30", "--seed", "5", "-o", str(whole), "--json")
    sample("-n", "10", "--seed", "5", "--first-index", "20", "-o", str(part))

    assert (5, 30) == (json.loads(report.stdout)["seed"], json.loads(report.stdout)["num_samples"])
    with np.load(whole) as all_samples, np.load(part) as last_samples:
        np.testing.assert_array_equal(all_samples["images"][20:], last_samples["images"])
        np.testing.assert_array_equal(all_samples["labels"][20:], last_samples["labels"])


def test_a_folder_has_one_folder_per_class(sample, tmp_path):
    result = sample("-n", "12", "--seed", "1", "--class", "class-2", "-o", str(tmp_path / "out"))

    pictures = sorted((tmp_path / "out").glob("*/*.png"), key=lambda path: int(path.stem))
    assert 0 == result.returncode, result.stderr
    assert [f"class-2/{index}.png" for index in range(12)] == [
        str(path.relative_to(tmp_path / "out")) for path in pictures
    ]
    with Image.open(pictures[0]) as picture:
        assert (8, 8) == picture.size


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--class", "no-such-class"], 1, "class-0, class-1, class-2"),
        (["-n", "0"], 2, "num-samples"),
        (["--truncation", "0"], 2, "truncation"),
        (["--seed", str(2**63)], 2, "seed"),
    ],
    ids=["class", "number", "truncation", "seed"],
)
def test_mistakes_are_told_and_nothing_is_written(sample, tmp_path, options, status, words):
    output = tmp_path / "out.png"

    result = sample(*options, "-o", str(output))

    assert status == result.returncode
    assert words in result.stderr
    assert not output.exists()
