"""The plugin of pytest, as a suite elsewhere uses it."""

import subprocess
import sys

import pytest

from tests.architecture.source import ROOT

SUITE = """
import numpy as np

def test_images_are_the_same_every_time(synthetic_images):
    images, labels = synthetic_images("tiny@2", 3, seed=1)
    np.testing.assert_array_equal(images, synthetic_images("tiny@2", 3, seed=1)[0])
    assert ((3, 16, 16, 1), (3,)) == (images.shape, labels.shape)

def test_a_client_is_there(fount):
    assert "tiny" in [model["name"] for model in fount.models()]
"""
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def run_suite(tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text(
        f"import app.client.pytest_plugin\napp.client.pytest_plugin.DEFAULT_URL = {NOBODY!r}\n"
    )

    def run(*options, ini="[pytest]\n"):
        (tmp_path / "pytest.ini").write_text(ini)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rs",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:schemathesis",
            *options,
        ]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "COLUMNS": "500"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_fixtures_ask_the_service_that_is_named(run_suite, service):
    by_option, by_ini = run_suite("--fount-url", service.url), run_suite(ini=f"[pytest]\nfount_url = {service.url}\n")

    assert "2 passed" in by_option.stdout, by_option.stdout + by_option.stderr
    assert "2 passed" in by_ini.stdout, by_ini.stdout + by_ini.stderr


def test_a_service_that_was_named_must_answer(run_suite):
    result = run_suite("--fount-url", NOBODY)

    assert 1 == result.returncode
    assert f"nobody answers at {NOBODY}" in result.stdout


def test_without_a_service_the_reason_is_said(run_suite):
    result = run_suite()

    assert 0 == result.returncode, result.stdout
    assert "2 skipped" in result.stdout
    assert "no Fount service" in result.stdout
    assert "--fount-url names another" in result.stdout
