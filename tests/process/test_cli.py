"""Verbs as processes: the demonstration, samples and verdicts of a service, signals, and what pipes are given."""

import json
import signal
import subprocess
import sys
from threading import Event

import httpx
import numpy as np
import pytest

from tests.factories import publish_tiny_model
from tests.rig.server import serve, wait_until

DEADLINE_S = 120
KEY = "a key of sixteen or more"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("cli") / "models"
    publish_tiny_model(root)
    return root


@pytest.fixture(scope="module")
def service(models):
    with serve(models, FOUNT_API_KEY=KEY) as running:
        yield running


@pytest.fixture
def fount(tmp_path, monkeypatch):
    """Run ``fount`` in a folder of its own, as a script does; returns what became of it."""
    monkeypatch.setenv("FOUNT_API_KEY", KEY)

    def run(*words, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        command = [sys.executable, "-m", "app", *map(str, words)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    return run


@pytest.fixture
def demo(models, tmp_path, monkeypatch):
    """A demonstration, and what it says; the browser is a script that notes what it opens."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setenv("FOUNT_API_KEY", KEY)  # a demonstration has none
    command = [sys.executable, "-m", "app", "demo", "--repository", str(models), "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, read_document(process)
        finally:
            process.kill()


def read_document(process):
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            break
    return json.loads(text)


def test_a_demonstration_serves_opens_the_page_and_ends_by_ctrl_c(demo, tmp_path):
    process, said = demo

    picture = httpx.post(
        f"{said['url']}/v1/samples", json={"model": "tiny", "num_samples": 4, "format": "grid"}, trust_env=False
    )
    is_opened = wait_until((tmp_path / "opened").is_file)
    process.send_signal(signal.SIGINT)

    assert (200, "image/png", ["tiny"]) == (picture.status_code, picture.headers["content-type"], said["models"])
    assert (True, f"{said['url']}/\n") == (is_opened, (tmp_path / "opened").read_text())
    assert 0 == process.wait(DEADLINE_S)


def test_the_calls_that_a_demonstration_shows_run_as_they_stand(demo, tmp_path):
    _, said = demo
    calls = said["calls"]
    here = f'PATH={sys.exec_prefix}/bin:"$PATH" NO_PROXY="*"'

    for call in (
        calls["curl"].replace("samples.png", "by-curl.png"),
        calls["cli"].replace("samples.png", "by-cli.png"),
    ):
        subprocess.run(["bash", "-ec", f"export {here}; {call}"], cwd=tmp_path, timeout=DEADLINE_S, check=True)
    subprocess.run([sys.executable, "-c", calls["python"]], cwd=tmp_path, timeout=DEADLINE_S, check=True)

    assert (tmp_path / "by-curl.png").read_bytes() == (tmp_path / "by-cli.png").read_bytes()
    assert 64 == len(list((tmp_path / "samples").glob("*/*.png")))


def test_samples_of_a_service_are_those_computed_here(fount, service, models, tmp_path):
    options = ("-n", 20, "--seed", 5, "--first-index", 3, "--class", "class-1", "--json")

    there = fount("sample", "tiny", *options, "--url", service.url, "-o", "there.npz")
    here = fount("sample", "tiny", *options, "--repository", models, "-o", "here.npz")

    assert (0, 0) == (there.returncode, here.returncode), there.stderr + here.stderr
    facts = [json.loads(one.stdout) | {"output": None} for one in (there, here)]
    assert facts[0] == facts[1]
    with np.load(tmp_path / "there.npz") as first, np.load(tmp_path / "here.npz") as second:
        np.testing.assert_array_equal(first["images"], second["images"])


def test_a_folder_of_a_service_and_its_verdicts(fount, service, models, tmp_path):
    fount("sample", "tiny", "-n", 3, "--seed", 1, "--class", "class-0", "--url", service.url, "-o", "out")
    files = sorted((tmp_path / "out" / "class-0").iterdir())
    files[2].write_bytes(b"no picture")

    there = fount("verify", *files, "--url", service.url, "--json")
    here = fount("verify", *files, "--repository", models, "--json")
    sound = fount("verify", *files[:2], "--url", service.url)

    assert ["identical", "identical", "unmarked"] == [one["verdict"] for one in json.loads(there.stdout)["files"]]
    assert (1, 1, 0) == (there.returncode, here.returncode, sound.returncode)
    assert json.loads(here.stdout) == json.loads(there.stdout)
    assert 2 == sound.stdout.count("byte for byte")


@pytest.mark.parametrize(
    ("words", "variables", "complaint"),
    [
        (["sample", "tinny"], {}, "hint: did you mean `tiny`? models: tiny"),
        (
            ["sample", "tiny", "--class", "clas-1"],
            {},
            "hint: did you mean `class-1`? class names: class-0, class-1, class-2",
        ),
        (["sample", "tiny"], {"FOUNT_API_KEY": "x" * 20}, "hint: set `FOUNT_API_KEY` to a key that may do this"),
    ],
    ids=["model", "class", "key"],
)
def test_what_a_service_refuses_is_one_sentence_and_a_hint(fount, service, words, variables, complaint):
    result = fount(*words, "--url", service.url, "-o", "out.png", **variables)

    assert (1, "") == (result.returncode, result.stdout)
    assert result.stderr.startswith("error: ")
    assert complaint in result.stderr


def test_silence_is_told_and_leaves_no_file(fount, tmp_path):
    result = fount("sample", "tiny", "--url", "http://127.0.0.1:1", "-o", "out.png")

    assert (1, "") == (result.returncode, result.stdout)
    assert "http://127.0.0.1:1 does not answer: ConnectError" in result.stderr
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_sampling_in_a_word_and_leaves_no_file(models, tmp_path, number, status):
    output = tmp_path / "out.npz"
    options = ["-n", "1000000", "--repository", str(models), "-o", str(output)]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "sample", "tiny", *options], stderr=subprocess.PIPE, text=True
    )
    with process:
        is_begun = wait_until((tmp_path / "out.npz.part").is_file)
        process.send_signal(number)
        complaint = process.communicate(timeout=DEADLINE_S)[1]

    assert (True, status, "stopped\n") == (is_begun, process.returncode, complaint)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals_that_want_them(fount, models, variables, is_coloured):
    result = fount("models", "verify", "--repository", models, **variables)

    assert (0, is_coloured) == (result.returncode, "\x1b[32m" in result.stdout)


def test_a_pipe_is_given_the_answer_alone(fount, models):
    result = fount("sample", "tiny", "-n", 64, "--repository", models, "-o", "out.npz", "--json")

    assert (64, "") == (json.loads(result.stdout)["num_samples"], result.stderr)


def test_a_reader_that_leaves_is_no_error(models, tmp_path):
    gone = Event()
    command = [sys.executable, "-m", "app", "models", "list", "--json", "--repository", str(models)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        complaint = process.stderr.read()
        gone.set()

    assert (True, False) == (gone.is_set(), "Traceback" in complaint)
