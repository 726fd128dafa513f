"""Every line that a service writes can be read by a machine, and says what an operator asks of it."""

import json
import os
import signal

import pytest

from tests.factories import publish_tiny_model
from tests.rig.server import find_worker, read_gauge, serve, wait_until

PNG = b"\x89PNG\r\n\x1a\nnothing more"


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """All lines of a session: answers, refusals, a broken upload, a worker that is killed, an alias, the end."""
    root = tmp_path_factory.mktemp("models")
    publish_tiny_model(root, height=16, width=16)
    with serve(root) as service:
        with service.open_client() as client:
            ask = {"model": "tiny", "num_samples": 3}
            client.post("/v1/samples", json=ask, headers={"X-Request-ID": "first"}).raise_for_status()
            client.post("/v1/samples", json={"model": "absent", "num_samples": 1}, headers={"X-Request-ID": "refused"})
            client.post("/v1/augmentations", files={"images": PNG}, headers={"X-Request-ID": "broken"})
            client.put("/v1/models/tiny/aliases/candidate", json={"version": 1}, headers={"X-Request-ID": "moved"})
            os.kill(find_worker(service), signal.SIGKILL)
            assert wait_until(lambda: read_gauge(client, "fount_worker_restarts_total") == 1)
            assert wait_until(lambda: client.get("/readyz").status_code == 200)
            client.post("/v1/samples", json=ask | {"seed": 1}).raise_for_status()
        assert 0 == service.stop()
        assert wait_until(lambda: service.process.stderr.closed)
        return [json.loads(line) for line in service.lines()]


def find(lines, **facts):
    return [line for line in lines if facts.items() <= line.items()]


def test_every_line_says_when_what_where_and_how_bad(lines):
    assert len(lines) > 10
    for line in lines:
        assert {"timestamp", "event", "component", "level"} <= line.keys(), line
        assert line["level"] in {"debug", "info", "warning", "error", "critical"}


def test_every_request_has_a_line_with_its_id(lines):
    requests = find(lines, component="http", event="request")

    assert {"first": 200, "refused": 404, "moved": 201} == {
        line["request_id"]: line["status"] for line in requests if line["request_id"] in {"first", "refused", "moved"}
    }
    assert all(line["request_id"] for line in requests)
    assert ["model-not-found"] == [line["code"] for line in find(requests, request_id="refused")]


def test_a_moved_alias_is_in_the_audit_with_the_request_that_moved_it(lines):
    [line] = find(lines, component="audit")

    assert ("moved", "alias-moved", "tiny@candidate", None, 1, "done") == tuple(
        line[name] for name in ("request_id", "action", "target", "from", "to", "outcome")
    )


def test_the_end_of_a_worker_names_its_process_and_how_it_ended(lines):
    first, second = (line["pid"] for line in find(lines, event="worker-ready"))

    assert [-signal.SIGKILL] == [line["status"] for line in find(lines, event="worker-ended", pid=first)]
    assert first != second


def test_lines_of_a_request_that_is_no_more_are_not_those_of_another(lines):
    assert not [line for line in find(lines, component="app.serving.supervisor") if "request_id" in line]
