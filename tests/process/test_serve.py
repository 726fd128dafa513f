"""The service as it is run: `fount serve` in a process of its own, its worker, real sockets."""

import concurrent.futures
import contextlib
import io
import json
import os
import signal
import socket

import numpy as np
import pytest

from tests.factories import publish_tiny_model
from tests.rig.server import DEADLINE_S, find_worker, read_gauge, serve, wait_until

URL = "/v1/samples"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    publish_tiny_model(path, height=16, width=16)
    return path


@pytest.fixture(scope="module")
def service(root):
    with serve(root) as one:
        yield one


@pytest.fixture
def client(service):
    with service.open_client() as one:
        yield one


def ask(client, **body):
    response = client.post(URL, json={"model": "tiny", "seed": 1, "format": "npz", **body})
    assert 200 == response.status_code, response.text
    return response.content


def test_equal_requests_get_equal_bytes_while_others_ask(client):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        others = [pool.submit(ask, client, num_samples=30, seed=seed) for seed in range(24)]
        first, second = ask(client, num_samples=500), ask(client, num_samples=500)
        concurrent.futures.wait(others)

    assert first == second
    assert 24 == len({other.result() for other in others})


def test_ten_parts_join_to_the_whole(client):
    whole = np.load(io.BytesIO(ask(client, num_samples=500)))["images"]

    parts = [
        np.load(io.BytesIO(ask(client, num_samples=50, first_index=first)))["images"] for first in range(0, 500, 50)
    ]

    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_a_killed_worker_costs_no_answer_and_no_byte(service, client):
    expected = [ask(client, num_samples=400, seed=seed) for seed in range(8)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(ask, client, num_samples=400, seed=seed) for seed in range(8)]
        os.kill(find_worker(service), signal.SIGKILL)
        answers = [one.result() for one in running]

    assert expected == answers


def test_a_caller_who_leaves_frees_the_service(service, client):
    body = json.dumps({"model": "tiny", "num_samples": 1_000_000, "format": "npy"}).encode()
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        head = (
            f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        assert connection.recv(12).endswith(b"200")

    service.wait_for(r'("status": 499)')

    assert wait_until(lambda: not read_gauge(client, "fount_queued_streams"))


def send_raw(client, data) -> bytes:
    """Send bytes as they are; return what came back until the service closed the connection."""
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=DEADLINE_S) as connection:
        connection.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(4096):
                answer += piece
        return answer


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 80_000, b"431"),
        (b"GET /" + b"a" * 80_000, b"431"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
    ids=["field", "path", "fields", "two lengths", "nonsense"],
)
def test_heads_that_nobody_means_are_refused(client, head, status):
    answer = send_raw(client, head)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert 200 == client.get("/livez").status_code


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(client):
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(
            f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
            f"Content-Length: {10 * 2**30}\r\n\r\n".encode()
        )
        connection.settimeout(DEADLINE_S)

        assert connection.recv(12).endswith(b"413")


def test_head_on_a_real_connection_leaves_it_usable(client):
    url = "/v1/models/tiny/versions/1/samples/1/7.png"

    head, get = client.head(url), client.get(url)

    assert (b"", get.headers["content-length"]) == (head.content, head.headers["content-length"])


def test_a_new_version_is_served_without_a_restart(service, client, root):
    manifest = publish_tiny_model(root, "fresh", seed=5)

    service.wait_for(r'("model": "fresh", "version": 1, "state": "ready")')

    assert manifest.digest == client.post(URL, json={"model": "fresh", "num_samples": 1}).headers["fount-digest"]


def test_sigterm_finishes_what_runs_and_exits_with_zero(root):
    with serve(root) as service, service.open_client() as client:
        with client.stream("POST", URL, json={"model": "tiny", "num_samples": 5000, "format": "npy"}) as response:
            pieces = response.iter_bytes()
            received = len(next(pieces))
            service.process.send_signal(signal.SIGTERM)
            received += sum(map(len, pieces))

        assert int(response.headers["content-length"]) == received
        assert 0 == service.process.wait(DEADLINE_S)


def test_strangers_are_refused_on_a_real_connection(root):
    with serve(root, FOUNT_API_KEY="a-key-of-this-test") as service, service.open_client() as client:
        refused = client.get("/v1/models")
        allowed = client.get("/v1/models", headers={"Authorization": "Bearer a-key-of-this-test"})

        assert (401, 200) == (refused.status_code, allowed.status_code)
        assert 0 == service.stop()
