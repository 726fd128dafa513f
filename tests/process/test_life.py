"""The life of the service: how it starts, how it goes, and what it leaves behind."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.factories import publish_tiny_model
from tests.rig.processes import find_descendants, read_command
from tests.rig.server import QUICK, VARIABLES, serve, wait_until
from tests.rig.wire import BrokenAnswerError, Wire, write_head

DEADLINE_S = 60
AT_ONCE_S = 2.0
URL = "/v1/samples"
HOST = ("Host", "x")
PROBE = write_head("GET", "/livez", [HOST])
READY = write_head("GET", "/readyz", [HOST])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    publish_tiny_model(path, height=16, width=16)
    return path


@pytest.fixture
def start(root):
    """Starts `fount serve` without waiting for it."""
    with contextlib.ExitStack() as stack:

        def start_one(*arguments, prefix=(), **variables):
            command = [*prefix, sys.executable, "-m", "app", "serve", "--port", "0", "--threads", "1", *arguments]
            environment = VARIABLES | QUICK | {"FOUNT_REPOSITORY__URL": str(root)} | variables
            process = stack.enter_context(
                subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            )
            stack.callback(process.kill)
            return process

        yield start_one


def ask(num_samples):
    body = json.dumps({"model": "tiny", "num_samples": num_samples, "seed": 1, "format": "npy"}).encode()
    fields = [HOST, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return write_head("POST", URL, fields) + body


def is_gone(processes):
    return wait_until(lambda: not any("app" in read_command(pid) for pid in processes), DEADLINE_S)


def test_while_it_leaves_requests_are_taken_and_probes_say_that_it_is_not_ready(root):
    with serve(root, FOUNT_HTTP__LAME_DUCK_S="1.5") as service, contextlib.ExitStack() as stack:
        idle, busy = (stack.enter_context(Wire(service.host, service.port)) for _ in range(2))
        idle.send(PROBE).read_answer()
        busy.send(ask(20_000)).receive(10)

        service.process.send_signal(signal.SIGTERM)
        service.wait_for(r'"event": "stopping"')
        with Wire(service.host, service.port) as new:
            ready = new.send(READY).read_answer()
        with Wire(service.host, service.port) as new:
            samples = new.send(ask(10)).read_answer()
        late = idle.send(PROBE).read_answer()

        assert (503, "not-ready") == (ready.status, ready.json()["code"])
        assert (200, 200) == (samples.status, late.status)
        assert ["close"] * 3 == [answer.headers["connection"] for answer in (ready, samples, late)]
        assert 0 == service.process.wait(DEADLINE_S)


def test_what_was_accepted_is_answered_after_the_port_is_closed(root):
    with serve(root, FOUNT_HTTP__LAME_DUCK_S="0") as service, Wire(service.host, service.port) as wire:
        wire.send(ask(200_000))
        begun = wire.receive(10)
        service.process.send_signal(signal.SIGTERM)

        def is_refused():
            with socket.socket() as probe:
                return probe.connect_ex((service.host, service.port)) != 0

        assert wait_until(is_refused)
        received = len(begun)
        while piece := wire.receive():
            received += len(piece)

        assert begun.startswith(b"HTTP/1.1 200")
        assert received > 200_000 * 16 * 16
        assert 0 == service.process.wait(DEADLINE_S)


def test_no_request_fails_while_it_leaves_under_load(root):
    """Callers keep their connections, and open another one when an answer or a quiet close tells them to."""
    outcomes, failures = [], []

    def call(service):
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                with Wire(service.host, service.port) as wire:
                    is_last = False
                    while not is_last:
                        try:
                            answer = wire.send(ask(3)).read_answer()
                        except (OSError, BrokenAnswerError) as error:
                            failures.append(repr(error))
                            return
                        outcomes.append(answer.status)
                        is_last = answer.headers.get("connection") == "close"

    with serve(root) as service:
        threads = [threading.Thread(target=call, args=[service]) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert wait_until(lambda: len(outcomes) > 50)
        service.process.send_signal(signal.SIGTERM)
        status = service.process.wait(DEADLINE_S)
        for thread in threads:
            thread.join(DEADLINE_S)

    assert (0, [], {200}) == (status, failures, set(outcomes))


def test_answers_that_take_longer_than_the_grace_are_broken_off(root):
    quick = {"FOUNT_HTTP__LAME_DUCK_S": "0", "FOUNT_HTTP__SHUTDOWN_GRACE_S": "1"}
    with serve(root, **quick) as service, Wire(service.host, service.port, receive_bytes=4096) as wire:
        wire.send(ask(1_000_000)).receive(10)
        started = time.monotonic()
        service.process.send_signal(signal.SIGTERM)

        assert 0 == service.process.wait(DEADLINE_S)
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once_with_all_its_processes(root, second):
    with serve(root) as service, Wire(service.host, service.port, receive_bytes=4096) as wire:
        wire.send(ask(1_000_000)).receive(10)
        children = find_descendants(service.pid)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for(r'"event": "stopping"')

        started = time.monotonic()
        service.process.send_signal(second)

        assert 128 + second == service.process.wait(DEADLINE_S)
        assert time.monotonic() - started < AT_ONCE_S
        assert children
        assert is_gone(children)


def test_children_end_with_a_service_that_is_killed(root):
    with serve(root) as service:
        children = find_descendants(service.pid)

        service.kill()

        assert children
        assert is_gone(children)


@pytest.mark.parametrize("delay_s", [0.05, 0.6, 1.2, 2.5])
def test_a_signal_during_the_start_ends_it_at_once(start, delay_s):
    process = start()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(delay_s)
    children = find_descendants(process.pid)

    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    status = process.wait(DEADLINE_S)

    assert time.monotonic() - started < AT_ONCE_S
    assert status in {0, -signal.SIGTERM}
    assert is_gone(children)


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("FOUNT_HOTS", "x", "FOUNT_HOTS"),
        ("FOUNT_HTTP__PROT", "80", "did you mean `FOUNT_HTTP__PORT`"),
        ("FOUNT_HTTP_PORT", "80", "did you mean `FOUNT_HTTP__PORT`"),
        ("FOUNT_HTTP__HEAD_TIMEOUT_S", "0", "FOUNT_HTTP__HEAD_TIMEOUT_S"),
        ("FOUNT_WORKER__BATCH_SIZES", "[16", "FOUNT_WORKER__BATCH_SIZES"),
        ("FOUNT_WORKER__BATCH_SIZES", "[64, 16]", "FOUNT_WORKER__BATCH_SIZES"),
        ("FOUNT_KEYS_FILE", "/absent/keys.json", "FOUNT_KEYS_FILE"),
        ("FOUNT_REPOSITORY__URL", "nowhere://models", "FOUNT_REPOSITORY__URL"),
        ("FOUNT_REPOSITORY__URL", __file__, "FOUNT_REPOSITORY__URL"),
    ],
    ids=["section", "name", "mark", "range", "list", "order", "keys", "scheme", "file"],
)
def test_settings_that_are_not_valid_end_the_start_at_once(start, variable, value, named):
    started = time.monotonic()
    process = start(**{variable: value})
    _, told = process.communicate(timeout=DEADLINE_S)
    seconds = time.monotonic() - started

    assert 1 == process.returncode
    assert named in told
    assert "Traceback" not in told
    assert seconds < 2 * AT_ONCE_S
