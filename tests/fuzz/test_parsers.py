import subprocess
import sys

import pytest

from tests.fuzz.parsers.instrument import is_watching
from tests.fuzz.parsers.targets import TARGETS_BY_NAME
from tests.fuzz.parsers.watch import Watch

RUNS = 3000


@pytest.mark.parametrize("name", TARGETS_BY_NAME)
def test_sound_inputs_are_read(name):
    target = TARGETS_BY_NAME[name]

    for seed in target.seeds:
        assert len(seed) <= target.max_bytes
        target.read(seed)


def test_any_bytes_are_read_or_refused_by_an_error_of_ours():
    run = fuzz("--runs", str(RUNS))

    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    engine = "atheris" if is_watching() else "own changes"
    assert [f"{name}: {RUNS} runs by {engine}" for name in TARGETS_BY_NAME] == [
        line.partition(" in ")[0] for line in run.stdout.splitlines()
    ]


def test_a_finding_ends_its_run():
    class Careless:
        def run(self, data):
            data.decode()

    with pytest.raises(UnicodeDecodeError):
        Watch(Careless())(b"\xff")


def fuzz(*arguments):
    command = [sys.executable, "-m", "tests.fuzz.parsers", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
