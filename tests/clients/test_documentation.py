"""What ``docs/dialects.md`` says, done as it stands."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.docs.pages import FENCE, ROOT, read, shell_blocks
from tests.rig.server import serve

PAGE = read("docs/dialects.md")
PYTHON = [match["body"] for match in FENCE.finditer(PAGE) if match["language"] == "python"]
LOCAL = "127.0.0.1:8000"


@pytest.fixture(scope="module")
def shipped():
    with serve(ROOT / "models") as one:
        one.wait_ready()
        yield one


def run(command, service, folder):
    here = [part.replace(LOCAL, service.url.removeprefix("http://")) for part in command]
    return subprocess.run(here, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_the_code_runs(shipped, tmp_path):
    result = run([sys.executable, "-c", "\n".join(PYTHON)], shipped, tmp_path)

    assert 0 == result.returncode, result.stderr
    assert {"seven.png", "seven-0.png", "seven-3.png"} <= {path.name for path in tmp_path.iterdir()}
    assert "(3, 28, 28, 1) [3 3 8]" in result.stdout


def test_two_dialects_make_the_same_file_of_the_same_seed(shipped, tmp_path):
    run([sys.executable, "-c", PYTHON[0]], shipped, tmp_path)

    for block in shell_blocks(PAGE):
        assert 0 == run(["sh", "-e", "-c", block], shipped, tmp_path).returncode

    assert (tmp_path / "seven-0.png").read_bytes() == (tmp_path / "seven.png").read_bytes()


@pytest.mark.parametrize("name", ["openai", "tritonclient", "huggingface_hub"])
def test_the_clients_are_those_that_the_page_names(name):
    assert f" {version(name)}" in PAGE
