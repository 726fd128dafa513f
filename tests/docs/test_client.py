import re
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import FENCE, ROOT, read
from tests.docs.service import served

# Blocks below the comment `<!-- served -->` are run, as they stand, against a service with the shipped models.
PROGRAMS = [match["body"] for match in FENCE.finditer(read("docs/client.md")) if match["mark"] == "served"]


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "models", folder / "models")
    with served(folder, folder / "serve.log") as port:
        yield port


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


def test_programs_run_as_they_stand(port, folder):
    programs = [re.sub(r"127\.0\.0\.1:8000", f"127.0.0.1:{port}", body) for body in PROGRAMS]
    results = []
    for number, program in enumerate(programs):
        script = folder / f"program{number}.py"
        script.write_text(program, encoding="utf-8")
        results.append(run(script, folder))

    assert len(PROGRAMS) >= 8
    assert [] == [result.stdout + result.stderr for result in results if result.returncode or result.stderr]
    assert {"sevens.png", "threes-and-eights", "digits"} <= {path.name for path in folder.iterdir()}


def run(script, folder):
    # Three lines leave their connection to the end of the process.
    command = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", str(script)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
