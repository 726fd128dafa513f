"""Callers without the right key, at the bare port: table rows 73, 75 and 76."""

import re
import time

import pytest

from tests.rig.kit import CANARY, IS_LONG, JSON, expect
from tests.rig.models import make_key

OPEN = ["/livez", "/readyz", "/docs", "/openapi.json", "/problems/not-found"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ODD_KEYS = {
    "none": None,
    "nothing": "",
    "scheme-only": "Bearer",
    "space": "Bearer ",
    "another-scheme": "Basic Zm91bnQ6Zm91bnQ=",
    "wrong": f"Bearer fount_{CANARY}",
    "huge": "Bearer " + "a" * 7000,
    "nul": "Bearer a\0b",
    "bytes": b"Bearer \xff\xfe\xed\xa0\x80",
    "two": f"Bearer {CANARY} {CANARY}",
    "quoted": f'Bearer "{CANARY}"',
    "digest": "Bearer " + "0" * 64,
    "comma": f"Bearer {CANARY}, Bearer {CANARY}",
    "markup": f"Bearer <script>{CANARY}</script>",
    "query": "bearer=" + CANARY,
}


@pytest.fixture(autouse=True)
def needs_keys(running_kit):
    if not running_kit.is_ours:
        pytest.skip("needs keys of this kit, which a service elsewhere (FOUNT_TEST_URL) does not know")


def with_key(name):
    return {"key": make_key(name)}


@pytest.fixture(scope="module")
def operations(running_kit):
    """All operations of the interface, with an address that exists where there are such."""
    document = running_kit.ask("GET", "/openapi.json").json()
    values = {"name": "tiny", "version": "1", "alias": "production", "seed": "1", "index": "1", "ext": "png"}
    values |= {"token": "d1", "k": "0", "code": "not-found", "number": "0"}
    found = []
    for template, item in document["paths"].items():
        path = re.sub(r"{(\w+)}", lambda part: values.get(part[1], "x"), template)
        found += [(method.upper(), path) for method in item if method.upper() in METHODS]
    return found


@pytest.mark.parametrize("value", ODD_KEYS.values(), ids=ODD_KEYS.keys())
def test_a_key_that_is_none_opens_nothing(kit, operations, value):
    more = [] if value is None else [("Authorization", value)]

    for method, path in operations:
        answer = kit.ask(method, path, key=None, more=more)
        malformed = [400] if value == ODD_KEYS["nul"] else []
        expect(answer, [200, *malformed] if path in OPEN else [401, *malformed])


def test_without_a_key_nothing_is_open_by_any_method(kit, operations):
    for path in dict.fromkeys(path for _, path in operations if path not in OPEN):
        for method in [*METHODS, "TRACE", "PROPFIND", CANARY]:
            answer = kit.ask(method, path, key=None)
            assert answer.status in {400, 401, 405, 501}, (method, path, answer)
            assert "allow" not in answer.headers or answer.status == 405


def test_a_key_of_the_data_plane_moves_no_alias_by_any_method(kit):
    path = "/v1/models/tiny/aliases/stolen"
    for name in ("reader", "sampler", "augmenter"):
        for method, body in (("PUT", b'{"version": 2}'), ("DELETE", None)):
            expect(kit.ask(method, path, body, JSON, **with_key(name)), [403], "missing-scope")
        for method in ("POST", "PATCH", "OPTIONS"):
            expect(kit.ask(method, path, b'{"version": 2}', JSON, **with_key(name)), [403, 405])
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = kit.ask("GET", path, more=[(name, "DELETE")], **with_key("reader"))
        expect(answer, [404])

    assert 404 == kit.ask("GET", path).status


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("reader", ["/v1/samples", "/v1/interpolations", "/v1/augmentations", "/v1/variations", "/v1/verifications"]),
        ("augmenter", ["/v1/samples", "/v1/interpolations", "/v1/variations", "/v1/verifications", "/v1/models"]),
        ("sampler", ["/v1/augmentations", "/v1/augmentations/preview"]),
    ],
)
def test_a_key_opens_what_it_is_for_and_no_more(kit, name, refused):
    for path in refused:
        method = "GET" if path == "/v1/models" else "POST"
        answer = kit.ask(method, path, b'{"model": "tiny", "num_samples": 1}', JSON, **with_key(name))
        expect(answer, [403, 415, 422])
        assert answer.status != 200


def test_a_stranger_is_refused_before_his_body_is_read(kit):
    head = kit.write(
        "POST", "/v1/augmentations", kind="image/png", key=None, more=[("Content-Length", str(30 * 2**20))]
    )

    with kit.connect() as wire:
        started = time.monotonic()
        expect(wire.send(head).read_answer(), [401], "missing-key")

    assert time.monotonic() - started < 1


def test_a_key_in_an_address_is_no_key(kit):
    key = make_key("operator")
    for path in (f"/v1/models?key={key}", f"/v1/models?access_token={key}", f"/v1/models/{key}", f"/{key}/v1/models"):
        answer = expect(kit.ask("GET", path, key=None), [401])
        assert key.encode() not in answer.raw
    for path in (f"/v1/models?key={key}", f"/v1/models/{key}"):
        assert key.encode() not in expect(kit.ask("GET", path), [404, 422]).raw


def test_no_secret_and_nothing_that_was_sent_is_in_the_log(kit):
    """Whatever other cases have sent: the log knows neither keys, nor what was in requests."""
    for name, value in ODD_KEYS.items():
        kit.ask("GET", f"/v1/models/{CANARY}?{CANARY}={name}", key=None, more=[("Authorization", value or "")])
    kit.post("/v1/samples", {"model": CANARY, CANARY: 1})
    kit.ask(
        "GET", "/v1/models", more=[("User-Agent", CANARY), ("Referer", CANARY), ("X-Request-ID", "seen-in-the-log")]
    )
    kit.target.wait_for("seen-in-the-log")

    logged = "".join(kit.target.lines())

    assert [] == [name for name in ("reader", "operator") if make_key(name) in logged]
    assert CANARY not in logged


def test_how_long_a_refusal_takes_says_nothing_of_the_key(kit):
    """A key that shares all but its end with a right one is refused as fast as any other."""
    right, rounds = make_key("operator"), 400 if IS_LONG else 60
    seconds = {right[:-1] + "x": [], "x" * len(right): []}
    with kit.connect() as wire:
        for _ in range(rounds):
            for key, times in seconds.items():
                started = time.perf_counter()
                wire.send(kit.write("GET", "/v1/models", key=key))
                assert 401 == wire.read_answer().status
                times.append(time.perf_counter() - started)

    near, far = (sorted(times)[rounds // 2] for times in seconds.values())
    assert abs(near - far) < 0.005
