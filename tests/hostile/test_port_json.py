"""JSON that no honest caller sends, at the bare port: table rows 1 to 8 and 21 to 23."""

import gzip
import json
import time

import pytest

from tests.hostile.test_bodies import BODIES
from tests.rig.kit import CANARY, IS_LONG, JSON, expect
from tests.rig.wire import write_head

SAMPLES = "/v1/samples"
PREVIEW_OF_BOMB = 10 * 2**20 if not IS_LONG else 2**30

ROUTES = {
    "samples": ("POST", "/v1/samples"),
    "interpolations": ("POST", "/v1/interpolations"),
    "datasets": ("POST", "/v1/datasets"),
    "plan": ("POST", "/v1/augmentations/plan"),
    "inverse": ("POST", "/v1/augmentations/inverse"),
    "alias": ("PUT", "/v1/models/tiny/aliases/hostile"),
}
DOCUMENTS = {
    "nothing": b"",
    "brackets": b"[" * 60_000,
    "objects": b'{"a":' * 12_000,
    "closed": b'{"model":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "nan": b'{"model": NaN}',
    "overflow": b'{"model": 1e400, "seed": 1e400}',
    "digits": b'{"seed": ' + b"9" * 60_000 + b"}",
    "exponent": b'{"seed": 1e' + b"9" * 50_000 + b"}",
    "fraction": b'{"seed": 0.' + b"1" * 60_000 + b"}",
    "surrogate": b'{"model": "\\ud800", "\\udfff": 1}',
    "utf-8": b'{"model": "\xff\xfe"}',
    "nul": b'{"model": "a\\u0000b", "a\\u0000b": 1}',
    "twice": f'{{"{CANARY}": 1, "{CANARY}": 2}}'.encode(),
    "comment": f'{{"model": "tiny"}} /* {CANARY} */'.encode(),
    "two": b'{"model": "tiny"}{"model": "tiny"}',
    "array": json.dumps([CANARY]).encode(),
    "text": json.dumps(CANARY).encode(),
    "number": b"9" * 4000,
    "null": b"null",
    "names": json.dumps({f"{CANARY}{number}": 0 for number in range(2500)}).encode(),
    "long-name": json.dumps({CANARY * 5000: 1}).encode(),
    "markup": json.dumps({f"<script>{CANARY}": "\r\nSet-Cookie: a=b"}).encode(),
}


@pytest.mark.parametrize(("body", "status", "code"), BODIES.values(), ids=BODIES.keys())
def test_a_hostile_body_gets_its_problem(kit, body, status, code):
    expect(kit.post(SAMPLES, body), [status], code)


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_every_route_with_a_body_refuses_what_is_none(kit, document):
    for method, path in ROUTES.values():
        answer = kit.ask(method, path, document, JSON)
        expect(answer, [400, 422])


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'{"a":' * 400_000, b'{"model": "' + b"a" * 4_000_000 + b'"}', b"[" * 2_000_000],
    ids=["deep", "deep-objects", "text", "unclosed"],
)
def test_a_body_beyond_the_limit_is_refused_at_once(kit, body):
    started = time.monotonic()

    for method, path in ROUTES.values():
        expect(kit.ask(method, path, body, JSON), [413], "body-too-large")

    assert time.monotonic() - started < 0.5 * len(ROUTES)


def test_as_many_as_may_be_asked_for_are_given_and_one_more_is_not(kit):
    largest = kit.post(SAMPLES, {"model": "tiny", "num_samples": 64, "format": "json", "seed": 1})
    beyond = kit.post(SAMPLES, {"model": "tiny", "num_samples": 65, "format": "json", "seed": 1})

    assert 64 == len(expect(largest, [200]).json()["samples"])
    assert 64 == expect(beyond, [422], "limit-exceeded").json()["limit"]


@pytest.mark.parametrize(
    "fields",
    [
        {"num_samples": 10**9},
        {"num_samples": 1_000_001},
        {"num_samples": 2, "format": "png"},
        {"num_samples": 1025, "format": "grid"},
        {"class_counts": {"0": 10**9, "1": 10**9, "2": 10**9}},
        {"class_counts": {str(number): 10**9 for number in range(1000)}},
        {"balance": {"have": {"0": 0, "1": 10**9}}},
        {"num_samples": 10, "first_index": 2**63 - 5},
    ],
    ids=["most", "more", "files", "grid", "classes", "unknown-classes", "balance", "index"],
)
def test_more_than_may_be_asked_for_is_refused_before_work(kit, fields):
    expect(kit.post(SAMPLES, {"model": "tiny", "seed": 1, **fields}), [413, 422])


@pytest.mark.parametrize(
    "label", [99_999, 100_000, 2**63, -1, 0.5, True, [0], {}, "", " ", CANARY, "0\0", "\u0660", "0" * 100, "01"]
)
def test_a_class_that_there_is_not_is_refused(kit, label):
    body = {"model": "tiny", "num_samples": 1, "seed": 1, "class_label": label}

    answer = expect(kit.post(SAMPLES, body), [422])

    assert answer.json()["errors"][0]["pointer"].startswith("/class_label")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "scale", "factor": [0, 0]},
        {"op": "scale", "factor": [1e-300, 1e-300]},
        {"op": "rotate", "degrees": [1e9, 1e9]},
        {"op": "rotate", "degrees": [0, 1e308]},
        {"op": "shear", "degrees": [90, 90]},
        {"op": "crop", "height": 0, "width": 0},
        {"op": "crop", "height": 10**9, "width": 10**9},
        {"op": "resize", "height": 10**9, "width": 10**9},
        {"op": "pad", "px": 10**9},
        {"op": "blur", "sigma": [1e9, 1e9]},
        {"op": CANARY},
        {"op": {"op": "flip"}},
        {"op": "flip", "p": -0.1},
        {"op": "flip", "p": 2},
        {"op": "flip", CANARY: 1},
        {},
    ],
    ids=str,
)
def test_an_operation_that_degenerates_is_refused_or_defined(kit, operation):
    plan = {"policy": {"ops": [operation]}, "images": [{"height": 8, "width": 8}], "seed": 1}
    samples = {"model": "tiny", "num_samples": 1, "seed": 1, "augment": {"ops": [operation]}, "format": "npy"}

    expect(kit.post("/v1/augmentations/plan", plan), [200, 422])
    expect(kit.post(SAMPLES, samples), [200, 422])


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/xml", "application/jsonp", CANARY, "a/b;" * 500])
def test_another_content_type_is_refused_before_the_body_is_read(kit, kind):
    head = write_head(
        "POST", SAMPLES, kit.fields(*([] if kind is None else [("Content-Type", kind)]), ("Content-Length", "60000"))
    )

    with kit.connect() as wire:
        expect(wire.send(head).read_answer(), [415], "unsupported-media-type")


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", CANARY, "x" * 5000]
)
@pytest.mark.parametrize("route", ["/v1/samples", "/v1/augmentations", "/v1/verifications"])
def test_a_compressed_body_is_refused_and_not_inflated(kit, route, encoding):
    bomb = gzip.compress(bytes(PREVIEW_OF_BOMB), 1)[:60_000]
    kind = JSON if route == "/v1/samples" else "image/png"

    answer = kit.ask("POST", route, bomb, kind, more=[("Content-Encoding", encoding)])

    expect(answer, [415], "unsupported-media-type")
