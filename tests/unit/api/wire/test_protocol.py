import pytest

from app.api.wire.limits import CHUNK_FRAMING_BYTES, LINGER_BYTES, MAX_AHEAD, MAX_CHUNKS, MAX_FRAMING_BYTES
from tests.unit.api.wire.connections import House, settle

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def house():
    return House()


def post(path, body, *fields):
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_request_may_come_in_any_pieces(house, size):
    line = house.open()
    data = post("/a", b"some body") + GET

    await line.send(*(data[start : start + size] for start in range(0, len(data), size)))

    assert [("POST", "/a", b"some body"), ("GET", "/a", b"")] == house.application.requests
    assert [200, 200] == line.statuses


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"nonsense\r\n\r\n", "malformed-request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "malformed-request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "malformed-request"),
        (b"GET /a\r\n\r\n", "malformed-request"),
        (b"GET /a HTTP/0.9\r\nHost: x\r\n\r\n", "malformed-request"),
        (b"GET /a HTTP/1.1\r\n\r\n", "malformed-request"),
        (b"GET /a HTTP/1.1\r\nHost:\r\n\r\n", "malformed-request"),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "malformed-request"),
        (b"GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n", "malformed-request"),
        (b"GET /a HTTP/1.1\r\nHost: u@x\r\n\r\n", "malformed-request"),
        (b"GET a HTTP/1.1\r\nHost: x\r\n\r\n", "malformed-request"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "malformed-request"),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", "malformed-request"),
        (b"GET ftp://x/a HTTP/1.1\r\nHost: x\r\n\r\n", "malformed-request"),
        (b"GET http://u:p@x/a HTTP/1.1\r\nHost: x\r\n\r\n", "malformed-request"),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "malformed-request"),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na", "malformed-request"),
        (
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "malformed-request",
        ),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "malformed-request"),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunkedx\r\n\r\n", "malformed-request"),
        (CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", "malformed-request"),
        (CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n", "malformed-request"),
        (CHUNKED + b"3\nabc\n0\n\n", "malformed-request"),
        (CHUNKED + b"3\r\nabcde\r\n0\r\n\r\n", "malformed-request"),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", "head-too-large"),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 80_000, "head-too-large"),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 66_000 + b"\r\n\r\n", "head-too-large"),
        (b"GET /" + b"a" * 80_000, "head-too-large"),
        (b"\r\n" * 40_000, "head-too-large"),
    ],
)
async def test_what_breaks_the_rules_is_refused_and_ends_the_connection(house, data, code):
    line = await house.open().send(data, GET)

    assert code == line.problem
    assert 1 == len(line.statuses)
    assert [] == house.application.requests
    assert ["eof"] == line.transport.ends


async def test_a_refusal_is_counted_and_repeats_nothing(house):
    line = await house.open().send(b"canary7f3a canary7f3a\r\n\r\n")

    assert b"canary7f3a" not in line.sent
    assert [("other", "unmatched", 400, "malformed-request")] == [
        (one.method, one.route, one.status, one.problem) for one in house.counted
    ]


async def test_the_id_of_a_request_that_is_refused_is_kept(house):
    line = await house.open().send(b"GET /a HTTP/1.1\r\nX-Request-ID: mine-1\r\n\r\n")

    assert b"\r\nx-request-id: mine-1\r\n" in line.sent


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://other:81/a?b=c", ("/a", b"b=c")),
        (b"HTTP://other:81", ("/", b"")),
        (b"http://other:81?b", ("/", b"b")),
    ],
)
async def test_the_host_of_an_absolute_target_goes_before_the_field(house, target, path):
    await house.open().send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n")

    scope = house.application.scope
    assert path == (scope["path"], scope["query_string"])
    assert [b"other:81"] == [value for name, value in scope["headers"] if name == b"host"]


@pytest.mark.parametrize("host", [b"x", b"x:80", b"[::1]:8000", b"a_b.c-d", b"127.0.0.1"])
async def test_hosts_are_taken(house, host):
    line = await house.open().send(b"GET /a HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")

    assert [200] == line.statuses


async def test_version_1_0_needs_no_host_and_ends_the_connection(house):
    line = await house.open().send(b"GET /a HTTP/1.0\r\n\r\n")

    assert [200] == line.statuses
    assert ["close"] == line.transport.ends


async def test_requests_sent_ahead_are_answered_in_order(house):
    await (line := house.open()).send(b"".join(post(f"/{number}", b"x") for number in range(50)))
    await settle()

    assert [200] * 50 == line.statuses
    assert [f"/{number}" for number in range(50)] == [path for _, path, _ in house.application.requests]


async def test_of_very_many_requests_sent_ahead_the_last_answers_say_that_they_are_the_last(house):
    line = await house.open().send(post("/hold", b"") + GET * 1000, GET)

    house.application.released.set()
    for _ in range(MAX_AHEAD):
        await settle()

    assert 1 + MAX_AHEAD == len(line.statuses)
    assert b"connection: close" in line.sent.rpartition(b"HTTP/1.1")[2]
    assert ["eof"] == line.transport.ends


async def test_an_answer_that_is_due_goes_before_a_refusal(house):
    line = await house.open().send(post("/hold", b"") + b"nonsense\r\n\r\n")
    before = line.sent

    house.application.released.set()
    await settle()

    assert b"" == before
    assert [200, 400] == line.statuses
    assert ["eof"] == line.transport.ends


async def test_a_request_that_waits_is_refused_for_its_body_behind_the_answers_before(house):
    line = await house.open().send(post("/hold", b"") + CHUNKED, b"zz\r\n")

    house.application.released.set()
    await settle()

    assert [200, 400] == line.statuses
    assert [("POST", "/hold", b"")] == house.application.requests


async def test_a_broken_body_ends_the_work_for_it(house):
    line = await house.open().send(CHUNKED, b"3\r\nabc\r\nzz")

    assert [400] == line.statuses
    assert ["/a"] == house.application.left


async def test_a_body_that_breaks_when_its_answer_is_out_gets_no_second_one(house):
    line = await house.open().send(CHUNKED.replace(b"/a", b"/early"))

    await line.send(b"zz\r\n")

    assert [200] == line.statuses
    assert ["eof"] == line.transport.ends


async def test_many_chunks_are_refused(house):
    line = await house.open().send(CHUNKED, b"1\r\nx\r\n" * (MAX_CHUNKS + 1))

    assert "body-too-fragmented" == line.problem
    assert [413] == line.statuses


@pytest.mark.parametrize("at_once", [True, False])
async def test_long_extensions_of_chunks_are_refused(house, at_once):
    extension = b"1;" + b"a" * (2 * MAX_FRAMING_BYTES)
    pieces = [extension] if at_once else [extension[start : start + 1000] for start in range(0, len(extension), 1000)]

    line = await house.open().send(CHUNKED, *pieces)

    assert "body-too-fragmented" == line.problem


async def test_small_chunks_with_extensions_are_taken_up_to_their_number(house):
    count = MAX_CHUNKS - 1
    extension = b"e" * (CHUNK_FRAMING_BYTES - 10)

    await house.open().send(CHUNKED, b"5;%b\r\nsmall\r\n" % extension * count + b"0\r\n\r\n")

    assert [("POST", "/a", b"small" * count)] == house.application.requests


async def test_fields_behind_a_body_are_counted_and_ignored(house):
    few, many = house.open(), house.open()

    await few.send(CHUNKED, b"0\r\nAuthorization: Bearer x\r\n\r\n")
    await many.send(CHUNKED, b"0\r\n" + b"A: b\r\n" * 101 + b"\r\n")

    assert [200] == few.statuses
    assert b"authorization" not in dict(house.application.scope["headers"])
    assert "body-too-fragmented" == many.problem


async def test_a_chunked_body_beyond_all_limits_is_refused(house):
    line = await house.open().send(CHUNKED, *[b"2710\r\n" + b"x" * 10_000 + b"\r\n"] * 11)

    assert "body-too-large" == line.problem
    assert b'"limit":100000' in line.sent.replace(b" ", b"")


async def test_a_declared_body_beyond_all_limits_is_the_last_of_its_connection(house):
    line = await house.open().send(
        b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 10737418240\r\n\r\n", b"x" * 100
    )

    assert [200] == line.statuses
    assert b"connection: close" in line.sent
    assert ["eof"] == line.transport.ends


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_a_wish_for_another_protocol_is_ignored(house, protocol):
    wish = b"Host: x\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n"
    line = house.open()

    await line.send(b"POST /a HTTP/1.1\r\n" + wish + b"Content-Length: 3\r\n\r\nabc" + GET)
    await line.send(b"POST /b HTTP/1.1\r\n" + wish + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nde\r\n0\r\n\r\n")
    await line.send(b"GET /c HTTP/1.1\r\n" + wish + b"\r\n")

    assert [("POST", "/a", b"abc"), ("GET", "/a", b""), ("POST", "/b", b"de"), ("GET", "/c", b"")] == (
        house.application.requests
    )
    assert [200] * 4 == line.statuses


@pytest.mark.parametrize("data", [b"", b"GET /a HT", b"GET /a HTTP/1.1\r\nHost: x\r\n", b"\r\n"])
async def test_a_head_that_does_not_come_is_given_up(house, data):
    line = await house.open().send(data)

    line.wait(0.9)
    before = line.sent
    line.wait(1.1)

    assert b"" == before
    assert "head-too-slow" == line.problem


async def test_the_time_of_a_head_begins_with_its_first_byte(house):
    line = await house.open().send(GET)

    line.wait(4.9)
    await line.send(b"G")
    line.wait(0.9)
    alive = line.statuses
    line.wait(1.1)

    assert ([200], [200, 408]) == (alive, line.statuses)


@pytest.mark.parametrize(("kind", "limit_s"), [("application/json", 2.0), ("Multipart/form-data; boundary=x", 4.0)])
async def test_a_body_that_does_not_come_is_given_up(house, kind, limit_s):
    line = await house.open().send(post("/a", b"x" * 100, f"Content-Type: {kind}")[:-50])

    line.wait(limit_s - 0.1)
    before = line.sent
    line.wait(limit_s + 0.2)
    await settle()

    assert b"" == before
    assert "body-too-slow" == line.problem
    assert ["/a"] == house.application.left


async def test_a_body_that_nobody_reads_must_come_in_time_too(house):
    line = await house.open().send(post("/early", b"x" * 100)[:-50])

    line.wait(2.2)

    assert [200] == line.statuses
    assert ["eof"] == line.transport.ends


async def test_nothing_is_expected_while_nothing_is_read(house):
    line = await house.open().send(post("/late", b"x" * 90_000)[:-50])

    line.wait(100)
    is_reading = line.transport.is_reading
    house.application.released.set()
    await line.send(b"x" * 50)

    assert not is_reading
    assert [200] == line.statuses


async def test_an_answer_may_take_its_time(house):
    line = await house.open().send(post("/hold", b""))

    line.wait(1000)
    house.application.released.set()
    await settle()

    assert [200] == line.statuses
    assert [] == line.transport.ends


async def test_an_idle_connection_is_closed(house, monkeypatch):
    line = await house.open().send(GET)
    unread = [True, False]
    monkeypatch.setattr(line.protocol, "_has_unread", unread.pop)

    line.wait(4.9)
    early = list(line.transport.ends)
    line.wait(5.1)
    closed = list(line.transport.ends)

    assert ([], ["close"]) == (early, closed)


async def test_an_idle_connection_with_bytes_that_were_not_seen_is_kept(house, monkeypatch):
    line = await house.open().send(GET)
    monkeypatch.setattr(line.protocol, "_has_unread", lambda: True)

    line.wait(5.1)

    assert [] == line.transport.ends


async def test_a_reader_that_takes_nothing_is_disconnected(house):
    line = await house.open().send(post("/begun", b""))
    now = line.protocol._since

    line.transport.unsent = 70_000
    line.protocol.check(now)
    line.transport.unsent = 60_000
    line.protocol.check(now + 2)
    line.protocol.check(now + 4.9)
    kept = list(line.transport.ends)
    line.protocol.check(now + 5.1)

    assert ([], ["abort"]) == (kept, line.transport.ends)


async def test_a_reader_that_takes_a_little_is_kept(house):
    line = await house.open().send(post("/begun", b""))
    now = line.protocol._since

    line.transport.unsent = 70_000
    for second in range(20):
        line.protocol.check(now + second)
        line.protocol.pause_writing()
        line.protocol.resume_writing()

    assert [] == line.transport.ends


async def test_a_lost_connection_ends_the_work_for_all_its_requests(house):
    line = await house.open().send(post("/a", b"x" * 100)[:-50])

    line.protocol.connection_lost(None)
    await settle()

    assert ["/a"] == house.application.left
    assert not house.state.connections


async def test_work_that_others_wait_behind_ends_with_its_connection(house):
    line = await house.open().send(post("/hold", b"") + GET)
    running = line.protocol._running

    line.protocol.connection_lost(None)

    assert running.disconnected
    assert not line.protocol.pipeline


async def test_who_sends_no_more_still_gets_an_answer_that_is_quick(house):
    line = house.open()

    line.protocol.data_received(GET)
    keeps_open = line.protocol.eof_received()
    await settle()

    assert keeps_open
    assert [200] == line.statuses
    assert ["close"] == line.transport.ends


@pytest.mark.parametrize("data", [b"", b"GET /a", post("/a", b"abc")[:-1], GET])
async def test_who_leaves_otherwise_is_let_go(house, data):
    line = await house.open().send(data)

    assert not line.protocol.eof_received()


async def test_connections_beyond_their_number_may_ask_for_probes_only():
    house = House(connections=1)
    first, probe, other = house.open(), house.open(), house.open()

    await first.send(GET)
    await probe.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    await other.send(GET)

    assert ([200], [200]) == (first.statuses, probe.statuses)
    assert b"connection: close" in probe.sent
    assert "too-many-connections" == other.problem
    assert b"\r\nretry-after: 1\r\n" in other.sent.lower()
    assert [] == first.transport.ends


async def test_beyond_the_reserve_those_who_have_waited_for_longest_are_turned_away():
    house = House(connections=1)
    lines = [house.open() for _ in range(6)]
    await lines[-1].send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")

    assert [[], [503], [503], [503], [], [200]] == [line.statuses for line in lines]
    assert [["eof"], ["eof"], ["eof", "close"]] == [line.transport.ends for line in lines[1:4]]


async def test_what_comes_behind_a_refusal_is_dropped_up_to_a_bound(house):
    line = await house.open().send(b"nonsense\r\n\r\n")

    await line.send(b"x" * LINGER_BYTES)
    reads_on = line.transport.is_reading
    await line.send(b"x")
    line.wait(1.1)

    assert (True, False) == (reads_on, line.transport.is_reading)
    assert ["eof", "close"] == line.transport.ends


async def test_while_the_server_leaves_answers_say_that_they_are_the_last(house):
    idle, busy = house.open(), house.open()
    await idle.send(GET)
    await busy.send(post("/hold", b""))

    house.door.is_leaving = True
    idle.protocol.leave()
    busy.protocol.leave()
    house.application.released.set()
    await idle.send(GET)

    assert [200, 200] == idle.statuses
    assert [b"connection: close" in line.sent.rpartition(b"HTTP")[2] for line in (idle, busy)] == [True, True]
    assert [["eof"], ["eof"]] == [line.transport.ends for line in (idle, busy)]


async def test_while_the_server_leaves_requests_sent_ahead_are_answered(house):
    line = await house.open().send(post("/hold", b""))

    house.door.is_leaving = True
    line.protocol.leave()
    await line.send(GET, GET)
    house.application.released.set()
    await settle()
    await settle()

    assert [200, 200, 200] == line.statuses
    assert 1 == line.sent.count(b"connection: close")


async def test_quiet_connections_are_dismissed_and_others_are_not(house, monkeypatch):
    new, idle, partial, busy = (house.open() for _ in range(4))
    await idle.send(GET)
    await partial.send(b"GET /")
    await busy.send(post("/hold", b""))
    for line in (new, idle, partial, busy):
        monkeypatch.setattr(line.protocol, "_has_unread", lambda: False)
        line.protocol.dismiss(line.protocol._since + 0.9, 1.0)
        assert [] == line.transport.ends
        line.protocol.dismiss(line.protocol._since + 1.1, 1.0)

    assert [True, True, False, False] == [bool(line.transport.ends) for line in (new, idle, partial, busy)]
