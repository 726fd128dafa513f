import re
import shutil
import subprocess

import pytest

from tests.docs.pages import ROOT, read, shell_blocks
from tests.docs.service import served

# A block below the comment `<!-- served -->` is run, as it stands, against a running service with the shipped models.
BLOCKS = shell_blocks(read("README.md"), "served")


@pytest.fixture
def port(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "models", tmp_path / "models")
    monkeypatch.setenv("FOUNT_REPOSITORY__URL", str(tmp_path / "models"))
    monkeypatch.setenv("no_proxy", "*")
    with served(ROOT, tmp_path / "serve.log") as port:
        yield port


def test_readme_commands_run_as_they_stand(port, tmp_path):
    answers = tmp_path / "answers"
    answers.mkdir()
    script = re.sub(r"(localhost|127\.0\.0\.1):8000", rf"\1:{port}", "\n".join(BLOCKS)).replace(
        "curl ", "curl --fail-with-body "
    )

    result = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=answers,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert BLOCKS != []
    assert result.returncode == 0, result.stdout + result.stderr
    assert [] == [path.name for path in answers.iterdir() if path.stat().st_size == 0]
