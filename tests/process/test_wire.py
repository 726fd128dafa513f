"""The port as it is: bytes that no client of good will sends, and peers that do not send, read or go."""

import contextlib
import json
import re
import time

import pytest

from tests.factories import publish_tiny_model
from tests.problems import assert_problem
from tests.rig.canary import Canary
from tests.rig.server import read_gauge, serve, wait_until
from tests.rig.wire import Wire, write_head

DEADLINE_S = 0.4
SLACK_S = 3.0
LIVE_S = 0.25
QUICK = {
    "FOUNT_HTTP__HEAD_TIMEOUT_S": str(DEADLINE_S),
    "FOUNT_HTTP__BODY_TIMEOUT_S": str(DEADLINE_S),
    "FOUNT_HTTP__UPLOAD_TIMEOUT_S": str(2 * DEADLINE_S),
    "FOUNT_HTTP__WRITE_TIMEOUT_S": str(2 * DEADLINE_S),
    "FOUNT_HTTP__KEEP_ALIVE_S": "1",
    "FOUNT_LOG__LEVEL": "debug",
}
JSON = ("Content-Type", "application/json")
HOST = ("Host", "x")
PROBE = write_head("GET", "/livez", [HOST])
SAMPLE = json.dumps({"model": "tiny", "num_samples": 1, "seed": 1, "format": "png"}).encode()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    publish_tiny_model(path, height=16, width=16)
    return path


@pytest.fixture(scope="module")
def service(root):
    with serve(root, **QUICK) as one:
        yield one


@pytest.fixture
def client(service):
    with service.open_client() as one:
        yield one


@pytest.fixture
def open_wire(service):
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(Wire(service.host, service.port, **options))


def post(path, body, *fields):
    return write_head("POST", path, [HOST, JSON, ("Content-Length", str(len(body))), *fields]) + body


@pytest.mark.parametrize("head", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_is_answered_and_the_connection_closed(open_wire, head):
    started = time.monotonic()

    answer = open_wire().send(head).read_answer()

    assert_problem(answer, 408, "head-too-slow")
    assert DEADLINE_S <= time.monotonic() - started < DEADLINE_S + SLACK_S


def test_a_dripping_head_is_cut_off(open_wire):
    wire = open_wire()

    sent = wire.drip(b"GET /livez HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1000, pause_s=0.02)

    assert sent < 1000
    assert_problem(wire.read_answer(), 408, "head-too-slow")


@pytest.mark.parametrize(
    ("path", "kind"), [("/v1/samples", "application/json"), ("/v1/augmentations", "multipart/form-data; boundary=b")]
)
def test_a_body_that_does_not_come_is_answered_and_the_connection_closed(open_wire, path, kind):
    wire = open_wire().send(write_head("POST", path, [HOST, ("Content-Type", kind), ("Content-Length", "100")]))

    assert_problem(wire.read_answer(), 408, "body-too-slow")
    assert wire.wait_closed(SLACK_S) is not None


def test_a_slow_body_that_no_route_reads_ends_the_connection(open_wire):
    wire = open_wire().send(write_head("POST", "/nowhere", [HOST, ("Content-Length", "100000")]))

    assert_problem(wire.read_answer(), 404, "not-found")
    wire.drip(b"x" * 100_000, pause_s=0.05)
    assert wire.wait_closed(SLACK_S) is not None


def test_an_idle_connection_is_closed_without_an_answer(open_wire):
    wire = open_wire().send(PROBE)
    wire.read_answer()

    closed_s = wire.wait_closed(1 + SLACK_S)

    assert closed_s is not None
    assert closed_s > 0.5
    assert b"" == wire.receive()


def test_two_hundred_slow_connections_leave_the_service_alone(service, open_wire):
    with Canary(service.host, service.port) as canary:
        wires = [open_wire().send(b"GET /livez HTTP/1.1\r\n") for _ in range(100)]
        wires += [open_wire().send(post("/v1/samples", SAMPLE)[:-10]) for _ in range(100)]
        answers = [wire.read_answer() for wire in wires]
        report = canary.take()

    assert {408} == {answer.status for answer in answers}
    assert [] == report.failures
    assert report.worst_s < LIVE_S


def test_a_reader_that_takes_nothing_is_disconnected_and_its_work_dropped(service, client, open_wire):
    body = json.dumps({"model": "tiny", "num_samples": 1_000_000, "format": "npy"}).encode()
    wire = open_wire(receive_bytes=4096).send(post("/v1/samples", body))
    assert wait_until(lambda: read_gauge(client, "fount_queued_streams") > 0, SLACK_S)

    assert wait_until(lambda: read_gauge(client, "fount_queued_streams") == 0, 2 * DEADLINE_S + SLACK_S)

    assert 0 == read_gauge(client, "fount_queued_samples")
    assert wire.wait_closed(SLACK_S) is not None


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed-request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed-request"),
        (bytes(range(256)) * 40, 400, "malformed-request"),
        (write_head("GET", "/livez"), 400, "malformed-request"),
        (write_head("GET", "/livez", [HOST, HOST]), 400, "malformed-request"),
        (write_head("GET", "/livez", [HOST, ("Cookie", "a" * 80_000)]), 431, "head-too-large"),
        (write_head("GET", "/livez", [HOST, *[("A", "b")] * 20_000]), 431, "head-too-large"),
        (
            write_head("POST", "/v1/samples", [HOST, JSON, ("Transfer-Encoding", "chunked")])
            + b"1;"
            + b"a" * (4 * 2**20),
            413,
            "body-too-fragmented",
        ),
        (
            write_head("POST", "/v1/samples", [HOST, JSON, ("Transfer-Encoding", "chunked")])
            + b"1\r\na\r\n0\r\n"
            + b"A: b\r\n" * 50_000
            + b"\r\n",
            413,
            "body-too-fragmented",
        ),
    ],
    ids=["tls", "http2", "random", "no host", "two hosts", "long field", "many fields", "extension", "trailers"],
)
def test_what_nobody_means_is_refused_with_a_problem(open_wire, data, status, code):
    wire = open_wire().send(data)

    answer = wire.read_answer()

    assert_problem(answer, status, code)
    assert ("close", "nosniff") == (answer.headers["connection"], answer.headers["x-content-type-options"])
    assert [] == wire.read_all()


def test_refusals_are_counted_and_thinned_in_the_log(service, client, open_wire):
    def count():
        text = client.get("/metrics").text
        found = re.search(
            r'^fount_http_requests_total\{[^}]*method="other"[^}]*status="400"[^}]*\} (\S+)', text, re.MULTILINE
        )
        return float(found[1]) if found else 0.0

    def find_lines():
        return [line for line in service.lines() if "connection_refused" in line and '"status": 400' in line]

    before, logged = count(), len(find_lines())

    for _ in range(200):
        open_wire().send(b"nonsense\r\n\r\n").read_answer()

    assert before + 200 == count()
    assert wait_until(find_lines, SLACK_S)
    assert len(find_lines()) - logged < 20
    assert not any("nonsense" in line for line in service.lines())


def test_a_million_tiny_chunks_do_not_stop_the_service(service, open_wire):
    head = write_head(
        "POST", "/v1/augmentations", [HOST, ("Content-Type", "image/png"), ("Transfer-Encoding", "chunked")]
    )
    with Canary(service.host, service.port) as canary:
        answer = open_wire().send(head, b"1\r\nx\r\n" * 1_000_000).read_answer()
        report = canary.take()

    assert_problem(answer, 413, "body-too-fragmented")
    assert [] == report.failures
    assert report.worst_s < LIVE_S


@pytest.mark.parametrize("declared", [str(10 * 2**30), str(2**20)])
def test_a_body_that_is_too_large_is_refused_from_its_head(open_wire, declared):
    fields = [HOST, JSON, ("Content-Length", declared), ("Expect", "100-continue")]

    wire = open_wire().send(write_head("POST", "/v1/samples", fields))

    assert wire.receive(12).startswith(b"HTTP/1.1 413")


def test_who_sends_a_body_that_is_too_large_can_read_why(open_wire):
    wire = open_wire().send(post("/v1/samples", b" " * (4 * 2**20)))

    assert_problem(wire.read_answer(), 413, "body-too-large")


def test_fifty_requests_sent_ahead_are_answered_in_order(open_wire):
    urls = [f"/v1/models/tiny/versions/1/samples/1/{index}.png" for index in range(50)]

    wire = open_wire().send(b"".join(write_head("GET", url, [HOST]) for url in urls))
    answers = [wire.read_answer() for _ in urls]

    assert [f'"{index}"' for index in range(50)] == [f'"{answer.headers["fount-first-index"]}"' for answer in answers]


def test_a_request_inside_a_refused_one_is_not_answered(open_wire):
    smuggled = b"0\r\n\r\n" + write_head("GET", "/livez", [HOST])

    wire = open_wire().send(
        write_head("POST", "/v1/samples", [HOST, ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]) + smuggled
    )

    assert [400] == [answer.status for answer in wire.read_all()]


def test_who_sends_no_more_still_gets_an_answer(open_wire):
    wire = open_wire().send(PROBE).half_close()

    assert [200] == [answer.status for answer in wire.read_all()]


def test_a_wish_for_another_protocol_is_ignored_with_its_body(open_wire):
    wish = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAoAAA")]

    wire = open_wire().send(post("/v1/samples", SAMPLE, *wish), PROBE)

    assert [200, 200] == [wire.read_answer().status, wire.read_answer().status]


def test_connections_beyond_their_number_are_told_and_probes_are_answered(root):
    with serve(root, FOUNT_HTTP__CONNECTIONS="8") as service, contextlib.ExitStack() as stack:
        held = [stack.enter_context(Wire(service.host, service.port)).send(PROBE) for _ in range(8)]
        for wire in held:
            wire.read_answer()

        for _ in range(3):
            with Wire(service.host, service.port) as wire:
                answer = wire.send(write_head("GET", "/v1/models", [HOST])).read_answer()
                assert_problem(answer, 503, "too-many-connections")
                assert answer.headers["retry-after"]
            for path in ("/livez", "/readyz", "/metrics"):
                with Wire(service.host, service.port) as wire:
                    assert 200 == wire.send(write_head("GET", path, [HOST])).read_answer().status
        flood = [stack.enter_context(Wire(service.host, service.port)) for _ in range(300)]
        refused = [wire.read_answer() for wire in flood]

        assert {503, 408} >= {answer.status for answer in refused}
        assert [200] * 8 == [wire.send(PROBE).read_answer().status for wire in held]
