import sys

import pytest
from serving.processes import busy_seconds, run_server

CHILD_OUTLIVES = "import os, sys, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\ntime.sleep(60)\n"


def run(program, is_ready=lambda _: True):
    return run_server(lambda _: [sys.executable, "-c", program], environment={"A": "1"}, is_ready=is_ready)


def test_descendants_are_counted_and_ended_with_their_server():
    with run(CHILD_OUTLIVES) as server:
        while (usage := server.usage()).processes < 2:
            pass
        pids = set(server.list_processes())

    assert 2 == usage.processes
    assert server.pid in pids
    assert 0 < usage.memory_mib
    assert not server.list_processes()


def test_a_server_that_ends_says_why():
    with pytest.raises(RuntimeError, match="no luck"), run("raise SystemExit('no luck')", lambda _: False):
        pass


def test_the_machine_is_busier_after_work():
    before = busy_seconds()

    assert before <= busy_seconds()
