import contextlib
import random
import subprocess
import sys
from pathlib import Path

from app.repository.store import ModelRepository
from tests.drafts import publish_draft

PROJECT = Path(__file__).parents[2]
KILLS = 20


@contextlib.contextmanager
def publisher(*arguments):
    """Start ``tests.process.publisher``; end it, if it still runs, on the way out."""
    command = [sys.executable, "-m", "tests.process.publisher", *map(str, arguments)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def answer(process):
    process.stdin.write("\n")
    process.stdin.flush()


def assert_nothing_torn(root):
    checks = list(ModelRepository(str(root)).verify_all())
    assert [] == [check for check in checks if check.error is not None]
    return [check.version for check in checks]


def leftovers(root):
    return [item.name for item in (root / "tiny").iterdir() if item.name.startswith(".")]


def test_a_publisher_killed_at_any_step_leaves_no_torn_version(tmp_path):
    versions, steps = [], 0
    with publisher("die", tmp_path) as process:
        for line in iter(process.stdout.readline, "published\n"):
            assert line.startswith("step "), "the publisher itself failed"
            steps += 1
            versions = assert_nothing_torn(tmp_path)
            answer(process)

    assert steps > 12
    assert [*versions, len(versions) + 1] == assert_nothing_torn(tmp_path)
    assert [] == leftovers(tmp_path)


def test_publishers_killed_at_random_moments_leave_no_torn_version(tmp_path):
    chance = random.Random(20)
    for _ in range(KILLS):
        with publisher("publish", tmp_path) as process:
            for _ in range(chance.randint(1, 60)):
                assert "step\n" == process.stdout.readline()
            process.kill()
        assert_nothing_torn(tmp_path)

    last = publish_draft(tmp_path).version
    assert list(range(1, last + 1)) == assert_nothing_torn(tmp_path)
    assert [] == leftovers(tmp_path)


def test_publishers_that_race_each_get_their_own_versions(tmp_path):
    won = run_race(tmp_path, 10)

    assert list(range(1, 21)) == sorted(map(int, won))
    assert list(range(1, 21)) == assert_nothing_torn(tmp_path)


def test_of_publishers_that_race_for_one_number_exactly_one_wins(tmp_path):
    for version in (1, 2, 3):
        assert {str(version), "version-exists"} == set(run_race(tmp_path, 1, version))
    assert [1, 2, 3] == assert_nothing_torn(tmp_path)


def run_race(root, count, *version):
    """Let two processes publish at once; return what both say."""
    with publisher("race", root, count, *version) as first, publisher("race", root, count, *version) as second:
        for process in (first, second):
            assert "ready\n" == process.stdout.readline()
        for process in (first, second):
            answer(process)
        outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
    return " ".join(outputs).split()
