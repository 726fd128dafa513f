import re
import subprocess
import sys

import pytest

from tests.docs.pages import FENCE, read
from tests.docs.service import served
from tests.factories import publish_tiny_model
from tests.pictures import encode, make_pixels

# Blocks below the comment `<!-- served -->` are run, as they stand, against a running service.
RUNNERS = {"sh": ["bash", "-euxo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
BLOCKS = [match for match in FENCE.finditer(read("docs/augmentation.md")) if match["mark"] == "served"]


@pytest.fixture
def port(tmp_path, monkeypatch):
    publish_tiny_model(tmp_path / "models")
    monkeypatch.setenv("no_proxy", "*")
    with served(tmp_path, tmp_path / "serve.log") as port:
        yield port


def test_commands_and_programs_run_as_they_stand(port, tmp_path):
    answers = tmp_path / "answers"
    answers.mkdir()
    for name, channels in (("cat", 3), ("dog", 3), ("mask", 1)):
        picture = encode(make_pixels(height=40, width=48, channels=channels, seed=len(name + str(channels))))
        (answers / f"{name}.png").write_bytes(picture)

    results = [run(match, port, answers) for match in BLOCKS]

    assert {"sh", "python"} == {match["language"] for match in BLOCKS}
    assert [] == [result.stdout + result.stderr for result in results if result.returncode]
    assert {"augmented.zip", "sheet.png", "one.png", "targets.zip"} <= {path.name for path in answers.iterdir()}


def run(match, port, folder):
    body = re.sub(r"127\.0\.0\.1:8000", f"127.0.0.1:{port}", match["body"])
    body = body.replace("curl ", "curl --fail-with-body ")
    command = [*RUNNERS[match["language"]], body]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
