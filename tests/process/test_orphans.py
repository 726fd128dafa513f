"""All processes of a service, as the system sees them; and that none is left when the first one is killed."""

import contextlib
import os
import select
import signal
import time
from pathlib import Path

import pytest

from tests.factories import publish_tiny_model
from tests.rig.forms import form_type, write_augmentation
from tests.rig.processes import find_descendants, read_command
from tests.rig.server import find_worker, serve

END_S = 1.0
KINDS = ["app.worker", "app.worker", "app.decoding", "app.augmentation"]


@pytest.fixture
def service(tmp_path):
    """A service with a nursery, a worker, a decoder and an augmenter."""
    publish_tiny_model(tmp_path)
    with serve(tmp_path) as service, service.open_client() as client:
        service.wait_ready()
        image = client.get("/v1/models/tiny/versions/1/samples/1/0.png").raise_for_status().content
        client.post("/v1/verifications", files={"image": image + b"of other bytes"}).raise_for_status()
        form = {"content": write_augmentation(image), "headers": {"content-type": form_type()}}
        client.post("/v1/augmentations", **form).raise_for_status()
        yield service


def wait_for_ends(processes, seconds):
    """Wait until processes end, each held by a descriptor; return how many did not in time."""
    deadline = time.monotonic() + seconds
    poll = select.poll()
    left = set(processes)
    for process in left:
        poll.register(process, select.POLLIN)
    while left and (left_s := deadline - time.monotonic()) > 0:
        for process, _ in poll.poll(1000 * left_s):
            poll.unregister(process)
            left.discard(process)
    return len(left)


def read_oom_score(pid):
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


@pytest.mark.parametrize("stopped", [False, True], ids=["at rest", "with a hung worker"])
def test_no_process_outlives_a_service_that_is_killed(service, stopped):
    children = find_descendants(service.pid)
    commands = [read_command(child) for child in children]
    with contextlib.ExitStack() as held:
        processes = []
        for child in children:
            processes.append(os.pidfd_open(child))
            held.callback(os.close, processes[-1])
        if stopped:
            os.kill(find_worker(service), signal.SIGSTOP)
        service.process.kill()
        left = wait_for_ends(processes, END_S)

    assert all(any(kind in command for command in commands) for kind in KINDS)
    assert len(KINDS) == len(children)
    assert 0 == left


def test_no_process_writes_its_memory_to_disk(service):
    for pid in [service.pid, *find_descendants(service.pid)]:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
        [limits] = [line.split()[4:6] for line in lines if line.startswith("Max core file size")]
        assert ["0", "0"] == limits


def test_children_are_ended_before_the_service_when_memory_runs_out(service):
    scores = [read_oom_score(child) for child in find_descendants(service.pid)]

    assert read_oom_score(service.pid) < min(scores)
    assert read_oom_score(find_worker(service)) > min(scores)
