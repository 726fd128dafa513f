import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving.answers import MAX_HEAD_BYTES, Answer
from serving.load import SEED_MARK, Group, Load, Request, quantile

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 503 Busy\r\nTRANSFER-ENCODING: chunked\r\n\r\n5\r\nhello\r\n1a;x=y\r\n" + b"\n" * 26 + b"\r\n0\r\n\r\n"
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(asked)
        self.send_response(asked.get("status", 200))
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"12345678")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def run_load(server, *groups):
    return Load(server.server_port, groups).run(seconds=0.1, warm_s=0.02, patience_s=10)


@given(st.sampled_from([(LENGTH, 200, 5), (CHUNKED, 503, 31)]), st.lists(st.integers(1, 20), max_size=30))
def test_an_answer_is_over_with_its_last_byte_however_it_comes(case, sizes):
    content, status, num_bytes = case
    answer = Answer()
    ends = [False]

    for size in [*sizes, len(content)]:
        piece, content = content[:size], content[size:]
        if piece:
            ends.append(answer.feed(memoryview(piece)))

    assert (status, num_bytes) == (answer.status, answer.num_bytes)
    assert [False] * (len(ends) - 1) + [True] == ends


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        LENGTH + b"more",
        b"x" * (MAX_HEAD_BYTES + 1),
    ],
    ids=["old", "no-length", "too-long", "no-end"],
)
def test_what_is_no_answer_is_refused(content):
    with pytest.raises(ValueError, match="answer"):
        Answer().feed(memoryview(content))


def test_every_group_is_counted_for_itself():
    few = Group("few", Request("/", b"{}"), 1, 10, 8)
    many = Group("many", Request("/", b"{}"), 3, 1, 8)

    with serve() as server:
        tallies = run_load(server, few, many)

    assert 10 * len(tallies["few"].latencies) == tallies["few"].samples > 0
    assert len(tallies["many"].latencies) == tallies["many"].samples > 0
    assert 0 == tallies["few"].failed + tallies["many"].failed
    assert all(
        0 < first <= whole for first, whole in zip(tallies["few"].first_bytes, tallies["few"].latencies, strict=True)
    )
    assert tallies["many"].samples / tallies["many"].seconds == tallies["many"].samples_per_second


def test_wrong_answers_are_counted_by_what_is_wrong():
    busy = Group("busy", Request("/", b'{"status": 503}'), 1, 1, 8)
    short = Group("short", Request("/", b"{}"), 1, 1, 9)

    with serve() as server:
        tallies = run_load(server, busy, short)

    assert {"status 503"} == set(tallies["busy"].failures)
    assert {"too few bytes"} == set(tallies["short"].failures)
    assert (0, 0.0) == (tallies["short"].samples, tallies["short"].samples_per_second)


def test_every_request_gets_a_seed_of_its_own():
    request = Request("/", json.dumps({"seed": int(SEED_MARK)}).encode())

    with serve() as server:
        run_load(server, Group("seeded", request, 3, 1))

    seeds = [asked["seed"] for asked in server.seen]
    assert len(seeds) == len(set(seeds)) >= 3
    assert {len(SEED_MARK)} == {len(str(seed)) for seed in seeds}


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.51, 3.0), (0.99, 4.0), (1.0, 4.0)], ids=str)
def test_a_quantile_is_a_value_that_was_seen(share, expected):
    assert expected == quantile([4.0, 1.0, 3.0, 2.0], share)
    assert 0.0 == quantile([], share)
