"""HTTP that is none, or that two readers could read differently, at the bare port: table rows 32, 57 to 59 and 62.

What is right is said by RFC 9110 (semantics) and RFC 9112 (messages): what could be read in two ways is refused, and
the connection closed, so that no bytes of one request are taken for another.
"""

import concurrent.futures
import random
import time

import pytest

from tests.rig.kit import CANARY, IS_LONG, JSON, expect, expect_problem
from tests.rig.processes import MIB
from tests.rig.wire import BrokenAnswerError

SAMPLES = "/v1/samples"
BODY = b'{"model": "tiny", "num_samples": 1, "seed": 1, "format": "npy"}'
CHUNKED = ("Transfer-Encoding", "chunked")
SMUGGLED = b"GET /" + CANARY.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
REFUSALS = [400, 408, 411, 413, 414, 417, 431, 501, 505]


def chunks(*pieces):
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def ask_raw(kit, data, *, half_close=False):
    """Send bytes; return the answers until the service closes, or asks for more that never comes."""
    with kit.connect() as wire:
        wire.send(data)
        if half_close:
            wire.half_close()
        return wire.read_all()


def head_of(kit, *fields, method="POST", path=SAMPLES, kind=JSON):
    return kit.write(method, path, kind=kind, more=fields)


def test_fifty_requests_at_once_are_answered_in_their_order(kit):
    paths = [f"/v1/models/tiny/versions/1/samples/1/{number}.png" for number in range(50)]
    alone = [kit.ask("GET", path).body for path in paths]

    with kit.connect() as wire:
        wire.send(b"".join(kit.write("GET", path) for path in paths))
        answers = [wire.read_answer() for _ in paths]

    assert alone == [answer.body for answer in answers]
    assert {200} == {answer.status for answer in answers}


def test_requests_behind_one_another_are_bounded(kit):
    with kit.watch_memory(), kit.connect() as wire:
        wire.send(kit.write("GET", "/v1/models") * 5000)
        wire.half_close()
        answers = wire.read_all(limit=10_000)

    assert {200} >= {answer.status for answer in answers}


def test_bytes_behind_a_body_are_the_next_request(kit):
    request = kit.write("POST", SAMPLES, BODY, JSON)

    with kit.connect() as wire:
        wire.send(request + b"nonsense\r\n\r\n")
        first, second = wire.read_all()

    expect(first, [200])
    assert 400 == second.status


AMBIGUOUS = {
    "length-and-chunked": (("Content-Length", "6"), CHUNKED),
    "chunked-and-length": (CHUNKED, ("Content-Length", "6")),
    "two-lengths": (("Content-Length", "6"), ("Content-Length", "5")),
    "lengths-in-one": (("Content-Length", "6, 5"),),
    "negative-length": (("Content-Length", "-1"),),
    "signed-length": (("Content-Length", "+6"),),
    "hex-length": (("Content-Length", "0x6"),),
    "spaced-length": (("Content-Length", "6 6"),),
    "huge-length": (("Content-Length", "9" * 400),),
    "empty-length": (("Content-Length", ""),),
    "arabic-length": (("Content-Length", "\u0666"),),
    "chunked-twice": (("Transfer-Encoding", "chunked, chunked"),),
    "chunked-not-last": (("Transfer-Encoding", "chunked, identity"),),
    "chunked-fields": (CHUNKED, CHUNKED),
    "gzip-coding": (("Transfer-Encoding", "gzip, chunked"),),
    "unknown-coding": (("Transfer-Encoding", CANARY),),
    "tab-coding": (("Transfer-Encoding", "\x0bchunked"),),
    "quoted-coding": (("Transfer-Encoding", '"chunked"'),),
    "space-before-colon": (("Content-Length ", "6"),),
    "folded": (("Content-Length", b"6\r\n  5"),),
    "bare-newline-in-field": (("A", b"b\nContent-Length: 6"),),
    "bare-return-in-field": (("A", b"b\rContent-Length: 6"),),
    "nul-in-field": (("A", b"b\0c"),),
    "field-without-name": (("", "b"),),
    "field-of-odd-name": (("A\x01", "b"), ("Content-Length", "0")),
}


@pytest.mark.parametrize("fields", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_length_that_two_readers_read_differently_is_refused_and_nothing_is_smuggled(kit, fields):
    answers = ask_raw(kit, head_of(kit, *fields) + b"0\r\n\r\n" + SMUGGLED, half_close=True)

    assert len(answers) <= 1
    for answer in answers:
        expect(answer, [*REFUSALS, 422])


def test_chunks_are_read_as_one_body(kit):
    expected = expect(kit.post(SAMPLES, BODY), [200]).body
    pieces = [BODY[:7].replace(b'"tiny', b'"tiny'), BODY[7:]]
    for data in (chunks(*pieces), chunks(*[BODY[at : at + 1] for at in range(len(BODY))]),
                 b"%X;name=value\r\n%b\r\n0\r\nTrailer: a\r\n\r\n" % (len(BODY), BODY)):  # fmt: skip
        answer, *_ = ask_raw(kit, head_of(kit, CHUNKED, ("Connection", "close")) + data)
        assert not kit.is_ours or expected == expect(answer, [200]).body


BAD_CHUNKS = {
    "no-number": b"zz\r\n{}\r\n0\r\n\r\n",
    "negative": b"-2\r\n{}\r\n0\r\n\r\n",
    "signed": b"+2\r\n{}\r\n0\r\n\r\n",
    "prefixed": b"0x2\r\n{}\r\n0\r\n\r\n",
    "huge": b"f" * 16 + b"\r\n{}",
    "overflow": b"1" + b"0" * 16 + b"\r\n{}",
    "too-long": b"2\r\n{}}\r\n0\r\n\r\n",
    "space": b"2 \r\n{}\r\n0\r\n\r\n ",
    "no-end": b"2\r\n{}0\r\n\r\n",
    "empty-size": b"\r\n{}\r\n0\r\n\r\n",
    "bare-newline": b"2\n{}\n0\n\n",
    "nul": b"2\0\r\n{}\r\n0\r\n\r\n",
    "newline-in-extension": b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    "extension-of-4-mib": b"2;" + b"a" * 4 * MIB + b"\r\n{}\r\n0\r\n\r\n",
    "extensions": b"".join(b"1;" + b"a" * 1000 + b"\r\n{\r\n" for _ in range(2000)),
    "50000-trailers": b"2\r\n{}\r\n0\r\n" + b"A: b\r\n" * 50_000 + b"\r\n",
    "trailer-of-4-mib": b"2\r\n{}\r\n0\r\nA: " + b"b" * 4 * MIB + b"\r\n\r\n",
    "trailing-length": b"2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("data", BAD_CHUNKS.values(), ids=BAD_CHUNKS.keys())
def test_chunks_that_are_none_are_refused(kit, data):
    with kit.watch_memory():
        answers = ask_raw(kit, head_of(kit, CHUNKED) + data + SMUGGLED, half_close=True)

    assert len(answers) <= 2
    for answer in answers:
        assert answer.status in {*REFUSALS, 404, 422}
        expect_problem(answer)
    assert CANARY.encode() not in b"".join(answer.raw for answer in answers)


@pytest.mark.parametrize("size", [1, 2, 100, 65_536], ids=str)
def test_a_body_without_an_end_is_refused_at_the_limit(kit, size):
    piece = b"%x\r\n%b\r\n" % (size, b" " * size)
    batch = piece * max(65_536 // len(piece), 1)

    with kit.watch_memory(), kit.connect() as wire:
        wire.send(head_of(kit, CHUNKED))
        for _ in range(1_000_000 * len(piece) // len(batch) if size == 1 else 1 + 64 * MIB // len(batch)):
            wire.send(batch)
            if wire.is_over():
                break
        answer = wire.read_answer()

    expect(answer, [400, 413])


@pytest.mark.parametrize("length", [65_537, 2**31, 10 * 2**30, 2**63, 2**64, 10**30], ids=str)
@pytest.mark.parametrize("expectation", [(), (("Expect", "100-continue"),)], ids=["sent", "asked"])
def test_a_body_that_says_it_is_too_long_is_refused_from_its_head(kit, length, expectation):
    with kit.connect() as wire:
        started = time.monotonic()
        wire.send(head_of(kit, ("Content-Length", str(length)), *expectation))
        answer = wire.read_answer()

    assert time.monotonic() - started < 1
    expect(answer, [400, 413])


def test_a_body_that_is_waited_for_is_asked_for_once(kit):
    with kit.connect() as wire:
        wire.send(head_of(kit, ("Content-Length", str(len(BODY))), ("Expect", "100-continue"), ("Connection", "close")))
        assert wire.receive(25).startswith(b"HTTP/1.1 100 ")
        wire.send(BODY.replace(b"tiny", kit.model.encode()))
        assert not kit.is_ours or 200 == wire.read_answer().status


def test_an_expectation_that_nobody_knows_is_refused_or_ignored(kit):
    expect(kit.ask("GET", "/livez", more=[("Expect", CANARY)]), [200, 417])


HOSTS = {
    "none": b"",
    "two": b"Host: localhost\r\nHost: " + CANARY.encode() + b"\r\n",
    "empty": b"Host: \r\n",
    "markup": b'Host: "><script>' + CANARY.encode() + b"\r\n",
    "path": b"Host: localhost/" + CANARY.encode() + b"\r\n",
    "query": b"Host: localhost?" + CANARY.encode() + b"\r\n",
    "user": b"Host: " + CANARY.encode() + b"@localhost\r\n",
    "space": b"Host: local host\r\n",
    "long": b"Host: " + b"a" * 5000 + b"\r\n",
    "port": b"Host: localhost:99999999\r\n",
    "port-text": b"Host: localhost:" + CANARY.encode() + b"\r\n",
    "bracket": b"Host: [::1\r\n",
    "comma": b"Host: a, b\r\n",
    "bytes": b"Host: \xff\xfe\r\n",
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
def test_a_host_that_is_none_is_refused_or_ignored(kit, host):
    key = b"Authorization: Bearer " + kit.key.encode() + b"\r\nConnection: close\r\n"
    for path in (b"/v1/models", b"/docs", b"/openapi.json", b"/livez"):
        for answer in ask_raw(kit, b"GET " + path + b" HTTP/1.1\r\n" + host + key + b"\r\n", half_close=False):
            expect(answer, [200, 400, 431])


TARGETS = [
    "", "v1/models", "livez", "*", "http://", "http:///livez", f"http://{CANARY}@localhost/livez", "//livez", "\\livez",
    "ftp://localhost/livez", "http://localhost:x/livez", "?a=b", "#a", "/livez#a", "/livez\t", "/\x7f",
    "/livez HTTP/1.0", "localhost:80", "http://[::1/livez", "HTTP://LOCALHOST", "data:text/html,a", "javascript:a",
]  # fmt: skip


@pytest.mark.parametrize("address", TARGETS, ids=repr)
def test_a_target_that_is_none_is_refused_or_not_found(kit, address):
    for method in ("GET", "POST", "OPTIONS", "CONNECT"):
        data = kit.write(method, address, more=[("Connection", "close"), ("Content-Length", "0")])
        for answer in ask_raw(kit, data):
            assert CANARY.encode() not in answer.raw
            expect(answer, [200, 400, 401, 404, 405, 415, 501])


def test_an_absolute_address_is_one_of_ours_whatever_host_it_names(kit):
    answer = kit.ask("GET", "http://evil.example/livez")

    assert b"evil" not in answer.raw
    expect(answer, [200, 400])


def test_links_do_not_take_the_host_of_a_stranger(kit):
    body = b'{"samples": [{"model": "tiny", "num_samples": 4, "seed": 1}], "shard_size": 2, "format": "tar"}'
    body = body.replace(b'"tiny"', b'"%b"' % kit.model.encode())
    for field in (
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Prefix",
        "Forwarded",
        "X-Original-URL",
        "X-Rewrite-URL",
    ):
        answer = kit.ask("POST", "/v1/datasets", body, JSON, more=[(field, f"{CANARY}.example")])
        expect(answer, [201])


def other_protocols():
    shuffler = random.Random(3)
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(200)
    return {
        "tls": hello,
        "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
        "http2-upgrade": b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
        "websocket": b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        "http09": b"GET /livez\r\n\r\n",
        "http10": b"GET /livez HTTP/1.0\r\n\r\n",
        "http2-version": b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n",
        "http19-version": b"GET /livez HTTP/1.9\r\nHost: x\r\nConnection: close\r\n\r\n",
        "no-version": b"GET /livez HTTP/\r\n\r\n",
        "smtp": b"EHLO localhost\r\n",
        "redis": b"*1\r\n$4\r\nPING\r\n\r\n",
        "ssh": b"SSH-2.0-OpenSSH_9.0\r\n\r\n",
        "newlines": b"\r\n" * 100_000,
        "zeros": bytes(100_000),
        "long-method": b"A" * 100_000 + b" / HTTP/1.1\r\n\r\n",
        **{f"random-{number}": shuffler.randbytes(4096) for number in range(200 if IS_LONG else 8)},
    }


@pytest.mark.parametrize("data", other_protocols().values(), ids=other_protocols().keys())
def test_another_protocol_is_closed_at_once(kit, data):
    before = kit.target.num_logged if kit.is_ours else 0
    with kit.connect() as wire:
        wire.send(data)
        wire.half_close()
        try:
            answers = wire.read_all()
        except BrokenAnswerError:
            answers = None

    assert answers is not None
    for answer in answers:
        expect(answer, [200, 400, 401, 404, 408, 426, 431, 501, 505])
    assert not kit.is_ours or kit.target.num_logged - before < 20


def test_noise_on_the_port_does_not_fill_the_log(kit):
    if not kit.is_ours:
        pytest.skip("reads the log of the service, which runs elsewhere (FOUNT_TEST_URL)")
    before = kit.target.num_logged

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: ask_raw(kit, b"noise %d\r\n\r\n" % number, half_close=True), range(300)))

    assert kit.target.num_logged - before < 100


@pytest.mark.parametrize("number", [2, 8000], ids=str)
def test_ranges_of_an_answer_are_not_computed(kit, number):
    path = "/v1/models/tiny/versions/1/samples/1/7.png"
    expected = kit.ask("GET", path).body
    ranges = ",".join(f"{at}-{at}" for at in range(number))
    started = time.monotonic()

    for value in (f"bytes={ranges}", "bytes=-1", "bytes=0-", "bytes=9999999999-", f"{CANARY}=0-1"):
        answer = kit.ask("GET", path, more=[("Range", value)])
        assert answer.status != 200 or expected == answer.body
        expect(answer, [200, 416, 431])

    assert time.monotonic() - started < 2


HEADS = {
    "a-field-of-1-mib": lambda: [("A", "b" * MIB)],
    "20000-fields": lambda: [("A", "b")] * 20_000,
    "a-name-of-1-mib": lambda: [("A" * MIB, "b")],
    "a-cookie": lambda: [("Cookie", "a=b; " * 20_000)],
    "a-field-of-60-kb": lambda: [("A", "b" * 60_000)],
    "99-fields": lambda: [("A", "b")] * 90,
    "accept": lambda: [("Accept", ",".join(["a/b;q=0.1"] * 6000))],
    "accept-quality": lambda: [("Accept", "image/png;q=" + "9" * 50_000)],
    "if-none-match": lambda: [("If-None-Match", ",".join(['"a"'] * 12_000))],
    "connection": lambda: [("Connection", ",".join(["a"] * 20_000))],
    "forwarded": lambda: [("X-Forwarded-For", "1.2.3.4, " * 5000)],
}


@pytest.mark.parametrize("make", HEADS.values(), ids=HEADS.keys())
def test_a_large_head_is_refused_or_read_at_bounded_cost(kit, make):
    started = time.monotonic()
    data = kit.write("GET", "/v1/models/tiny/versions/1/samples/1/7.png", more=make())

    with kit.watch_memory():
        answer, *_ = ask_raw(kit, data, half_close=True)

    assert time.monotonic() - started < 2
    expect(answer, [200, 304, 400, 406, 431])


def test_an_answer_to_head_has_no_body_on_the_connection(kit):
    path = "/v1/models/tiny/versions/1/samples/1/7.png"
    with kit.connect() as wire:
        wire.send(kit.write("HEAD", path) + kit.write("GET", path))
        head, get = wire.read_answer(is_head=True), wire.read_answer()

    assert str(len(get.body)) == head.headers["content-length"]


def test_a_caller_who_says_no_more_is_answered_or_left(kit):
    with kit.connect() as wire:
        answers = wire.send(kit.write("GET", "/livez")).half_close().read_all()

    assert {200} >= {answer.status for answer in answers}
