"""Callers who leave, stall, or have a bad line, at the bare port: table rows 29 to 31, 56, 60 and 61."""

import concurrent.futures
import contextlib
import json
import resource
import time

import httpx
import pytest

from tests.pictures import encode, make_pixels
from tests.rig.forms import form_type, write_augmentation
from tests.rig.kit import IS_LONG, JSON, expect
from tests.rig.processes import count_files, count_threads
from tests.rig.proxy import FaultProxy, Faults
from tests.rig.server import read_gauge, wait_until

SAMPLES, AUGMENTATIONS = "/v1/samples", "/v1/augmentations"
MANY = {"model": "tiny", "num_samples": 1_000_000, "seed": 1, "format": "npy"}
GAUGES = ["fount_queued_streams", "fount_queued_samples", "fount_batches_in_flight", "fount_upload_bytes"]
CALM_WITHIN_S = 3.0
TRIES = 20
REPEATS = 4 if not IS_LONG else 200
IDLE = 1000
DRIPPING = 200
SLOWEST_DEADLINE_S = 75.0
UNREAD_DEADLINE_S = 5 * SLOWEST_DEADLINE_S  # proxies before a service take megabytes before it notices


@pytest.fixture
def calm(kit):
    """Afterwards nothing is left to do, and no connection is kept, for those who have left."""
    before = count_files(kit.target.pid) if kit.is_ours else 0
    yield
    with kit.target.open_client(headers={"Authorization": f"Bearer {kit.key}"}) as client:
        assert wait_until(lambda: not any(read_gauge(client, name) for name in GAUGES), CALM_WITHIN_S)
    assert not kit.is_ours or wait_until(lambda: count_files(kit.target.pid) <= before + 8, CALM_WITHIN_S)


def leave(wire, how):
    if how == "reset":
        wire.reset()
    elif how == "half-close":
        wire.half_close()


def ask_for_many(kit):
    return kit.write("POST", SAMPLES, json.dumps(MANY).encode(), JSON)


def write_upload(kit, copies=100):
    form = write_augmentation(encode(make_pixels(height=256, width=256)), copies=copies, format="zip")
    return kit.write("POST", AUGMENTATIONS, form, form_type())


@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
@pytest.mark.parametrize("request_for", [ask_for_many, write_upload], ids=["samples", "upload"])
def test_a_caller_who_leaves_before_the_answer_costs_nothing_more(kit, calm, how, request_for):
    data = request_for(kit)

    for _ in range(REPEATS):
        with kit.connect() as wire:
            wire.send(data)
            leave(wire, how)

    expect(kit.ask("GET", "/v1/models"), [200])


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("request_for", [ask_for_many, write_upload], ids=["samples", "upload"])
def test_a_caller_who_leaves_in_the_middle_of_his_request_costs_nothing_more(kit, calm, how, request_for):
    data = request_for(kit)

    for share in range(1, 10):
        with kit.connect() as wire:
            wire.send(data[: len(data) * share // 10])
            leave(wire, how)

    expect(kit.ask("GET", "/v1/models"), [200])


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_caller_who_leaves_in_the_middle_of_an_answer_costs_nothing_more(kit, calm, how):
    for _ in range(REPEATS):
        with kit.connect() as wire:
            assert wire.send(ask_for_many(kit)).receive(1000).startswith(b"HTTP/1.1 200 ")
            leave(wire, how)

    expect(kit.ask("GET", "/v1/models"), [200])


def test_a_reader_who_never_reads_is_left_at_the_deadline_and_costs_bounded_memory(kit, calm):
    with contextlib.ExitStack() as stack:
        stack.enter_context(kit.watch_memory())
        readers = [stack.enter_context(kit.connect(receive_bytes=4096)) for _ in range(8)]
        for wire in readers:
            wire.send(ask_for_many(kit))

        with kit.target.open_client(headers={"Authorization": f"Bearer {kit.key}"}) as client:
            assert wait_until(lambda: not read_gauge(client, "fount_queued_streams"), UNREAD_DEADLINE_S)


def test_a_head_that_does_not_come_is_not_waited_for(kit, calm):
    with kit.connect() as silent, kit.connect() as begun, kit.connect() as dripping:
        begun.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        dripping.drip(b"GET /livez HTTP/1.1\r\nA: " + b"b" * 100_000, pause_s=0.1)

        for answer in [*begun.read_all(), *dripping.read_all()]:
            expect(answer, [400, 408])
        assert silent.wait_closed(SLOWEST_DEADLINE_S) is not None or not kit.is_ours


def test_a_body_that_drips_is_not_waited_for(kit, calm):
    kinds = {SAMPLES: JSON, AUGMENTATIONS: form_type(), "/v1/verifications": "image/png"}

    def drip(path):
        with kit.connect() as wire:
            started = time.monotonic()
            wire.send(kit.write("POST", path, kind=kinds[path], more=[("Content-Length", "60000")]))
            sent = wire.drip(b" " * 60_000, pause_s=0.05)
            return sent, wire.read_answer(), time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
        results = list(pool.map(drip, kinds))

    for sent, answer, seconds in results:
        assert sent < 60_000
        assert seconds < SLOWEST_DEADLINE_S
        expect(answer, [400, 408])


def test_a_thousand_idle_connections_cost_others_nothing(kit, calm):
    number = min(IDLE, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
    threads = count_threads(kit.target.pid) if kit.is_ours else 0

    with contextlib.ExitStack() as stack:
        stack.enter_context(kit.watch_memory())
        idle = [stack.enter_context(kit.connect()) for _ in range(number)]
        used = [wire.send(kit.write("GET", "/livez")).read_answer().status for wire in idle[:50]]
        started = time.monotonic()
        for _ in range(20):
            expect(kit.post(SAMPLES, MANY | {"num_samples": 64}), [200])
        seconds = time.monotonic() - started

    assert {200} == set(used)
    assert seconds < 5
    assert not kit.is_ours or count_threads(kit.target.pid) <= threads + 8


def test_two_hundred_dripping_uploads_are_all_left_at_the_deadline(kit, calm):
    head = kit.write("POST", AUGMENTATIONS, kind=form_type(), more=[("Content-Length", "100000")])

    with contextlib.ExitStack() as stack:
        stack.enter_context(kit.watch_memory())
        wires = [stack.enter_context(kit.connect()) for _ in range(DRIPPING)]
        for wire in wires:
            wire.send(head)
        deadline, open_ones = time.monotonic() + SLOWEST_DEADLINE_S, list(wires)
        while open_ones and time.monotonic() < deadline:
            for wire in open_ones:
                wire.send(b"-")
            open_ones = [wire for wire in open_ones if not wire.is_over()]
            expect(kit.ask("GET", "/v1/models"), [200])
        answers = [answer for wire in wires for answer in wire.read_all()]

    assert [] == open_ones
    for answer in answers:
        expect(answer, [400, 408, 429, 503])


BAD_LINES = {
    "slow": lambda number: Faults(delay_s=0.02),
    "narrow": lambda number: Faults(bytes_per_s=125_000),
    "reset-early": lambda number: Faults(cut_up_after=40, resets=True) if number < 2 else Faults(),
    "reset-late": lambda number: Faults(cut_down_after=700, resets=True) if number < 2 else Faults(),
    "cut": lambda number: Faults(cut_down_after=1500) if number < 2 else Faults(),
    "lost": lambda number: Faults(drops_answer=True) if number < 2 else Faults(),
    "half-open": lambda number: Faults(half_open=True) if number < 1 else Faults(),
}


@pytest.mark.parametrize("choose", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_what_is_asked_again_over_a_bad_line_has_the_same_bytes(kit, calm, choose):
    """Nothing is kept between tries: equal requests have equal bytes, so that asking again is always safe."""
    body = MANY | {"model": kit.model, "num_samples": 64}
    expected = kit.post(SAMPLES, body).body

    with FaultProxy(kit.target.host, kit.target.port, choose) as proxy:
        answers = [ask_until_answered(kit, proxy, body) for _ in range(2)]

    assert [expected, expected] == answers


def ask_until_answered(kit, proxy, body):
    options = {"base_url": proxy.url, "trust_env": False, "headers": {"Authorization": f"Bearer {kit.key}"}}
    for _ in range(TRIES):
        with contextlib.suppress(httpx.TransportError), httpx.Client(**options, timeout=3) as client:
            response = client.post(SAMPLES, json=body)
            assert httpx.codes.OK == response.status_code, response.text
            return response.content
    raise AssertionError("many tries over a bad line, and no answer")


def test_many_callers_on_bad_lines_get_the_bytes_that_they_asked_for(kit, calm):
    bodies = [MANY | {"model": kit.model, "num_samples": 40, "seed": seed} for seed in range(24)]
    expected = [kit.post(SAMPLES, body).body for body in bodies]
    faults = [Faults(cut_down_after=900, resets=True), Faults(drops_answer=True), Faults(delay_s=0.01), Faults()]

    with contextlib.ExitStack() as stack:
        proxy = FaultProxy(kit.target.host, kit.target.port, lambda number: faults[number % 4])
        stack.enter_context(proxy)
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(8))
        answers = list(pool.map(lambda body: ask_until_answered(kit, proxy, body), bodies))

    assert expected == answers
