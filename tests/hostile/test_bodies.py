"""Bodies that no honest caller sends: the right 4xx, and nothing of them in the answer."""

import gzip
import json

import pytest

from tests.problems import assert_problem

CANARY = "canary7f3a"
URL = "/v1/samples"
JSON = {"Content-Type": "application/json"}


def with_count(literal: str) -> bytes:
    return b'{"model": "tiny", "num_samples": %s}' % literal.encode()


def with_field(**fields) -> bytes:
    return json.dumps({"model": "tiny", "num_samples": 1, **fields}).encode()


INVALID, MALFORMED = (422, "invalid-parameter"), (400, "malformed-body")

BODIES = {
    "zero": (with_count("0"), *INVALID),
    "negative": (with_count("-1"), *INVALID),
    "minus-zero": (with_count("-0"), *INVALID),
    "fraction": (with_count("1.5"), *INVALID),
    "whole-fraction": (with_count("1.0"), *INVALID),
    "text": (with_count('"2"'), *INVALID),
    "true": (with_count("true"), *INVALID),
    "null": (with_count("null"), *INVALID),
    "list": (with_count("[1]"), *INVALID),
    "overflow": (with_count("1e400"), *INVALID),
    "negative-overflow": (with_count("-1e400"), *INVALID),
    "nan": (with_count("NaN"), *MALFORMED),
    "infinity": (with_count("Infinity"), *MALFORMED),
    "negative-infinity": (with_count("-Infinity"), *MALFORMED),
    "5000-digits": (with_count("9" * 5000), *INVALID),
    "negative-5000-digits": (with_count("-" + "9" * 5000), *INVALID),
    "max-int": (with_count(str(2**63 - 1)), *INVALID),
    "leading-zero": (with_count("01"), *MALFORMED),
    "plus": (with_count("+1"), *MALFORMED),
    "hex": (with_count("0x10"), *MALFORMED),
    "arabic-digits": (with_count("\u0661"), *MALFORMED),
    "seed-too-large": (with_field(seed=2**63), *INVALID),
    "seed-negative": (with_field(seed=-1), *INVALID),
    "seed-text": (with_field(seed=CANARY), *INVALID),
    "seed-huge": (b'{"model":"tiny","num_samples":1,"seed":%s}' % (b"9" * 5000), *INVALID),
    "index-too-large": (with_field(first_index=2**63), *INVALID),
    "truncation-zero": (with_field(truncation=0), *INVALID),
    "truncation-large": (with_field(truncation=1.01), *INVALID),
    "truncation-huge-int": (b'{"model":"tiny","num_samples":1,"truncation":%s}' % (b"9" * 5000), *INVALID),
    "truncation-text": (with_field(truncation="1"), *INVALID),
    "unknown-model": (with_field(model=CANARY), 404, "model-not-found"),
    "model-traversal": (with_field(model=f"../{CANARY}"), *INVALID),
    "model-nul": (with_field(model="tiny\0"), *INVALID),
    "model-newline": (with_field(model="tiny\n"), *INVALID),
    "model-arabic-version": (with_field(model="tiny@\u0661"), *INVALID),
    "model-zero-version": (with_field(model="tiny@01"), *INVALID),
    "model-list": (with_field(model=[CANARY]), *INVALID),
    "model-long": (with_field(model="a" * 60_000), *INVALID),
    "model-missing": (b'{"num_samples": 1}', *INVALID),
    "unknown-field": (with_field(**{CANARY: 1}), *INVALID),
    "unknown-field-nul": (with_field(**{f"{CANARY}\0": 1}), *INVALID),
    "nested-unknown-field": (
        json.dumps({"model": "tiny", "balance": {"have": {"a": 1}, CANARY: 1}}).encode(),
        *INVALID,
    ),
    "unknown-class": (with_field(class_label=CANARY), 422, "unknown-class"),
    "class-number-too-large": (with_field(class_label=99_999), 422, "unknown-class"),
    "class-negative": (with_field(class_label=-1), *INVALID),
    "class-true": (with_field(class_label=True), *INVALID),
    "class-empty": (with_field(class_label=""), *INVALID),
    "class-long": (with_field(class_label=CANARY * 100), *INVALID),
    "class-arabic": (with_field(class_label="\u0661"), 422, "unknown-class"),
    "class-signed": (with_field(class_label="+1"), 422, "unknown-class"),
    "count-of-unknown-class": (
        json.dumps({"model": "tiny", "class_counts": {CANARY: 1}}).encode(),
        422,
        "unknown-class",
    ),
    "count-not-a-number": (json.dumps({"model": "tiny", "class_counts": {CANARY: "x"}}).encode(), *INVALID),
    "count-negative": (json.dumps({"model": "tiny", "class_counts": {CANARY: -1}}).encode(), *INVALID),
    "count-named-like-a-field": (json.dumps({"model": "tiny", "class_counts": {"model": -1}}).encode(), *INVALID),
    "counts-empty": (b'{"model": "tiny", "class_counts": {}}', *INVALID),
    "counts-list": (b'{"model": "tiny", "class_counts": []}', *INVALID),
    "balance-of-nothing": (b'{"model": "tiny", "balance": {"have": {}}}', *INVALID),
    "balance-to-text": (
        json.dumps({"model": "tiny", "balance": {"have": {"a": 1}, "to": CANARY}}).encode(),
        *INVALID,
    ),
    "format-unknown": (with_field(format=CANARY), *INVALID),
    "format-number": (with_field(format=1), *INVALID),
    "truncated": (b'{"model": "tiny", "num_sam', *MALFORMED),
    "empty": (b"", *MALFORMED),
    "blank": (b"  \n", *MALFORMED),
    "two-documents": (b"{} {}", *MALFORMED),
    "comment": (b'{"model": "tiny"} // ' + CANARY.encode(), *MALFORMED),
    "single-quotes": (f"{{'{CANARY}': 1}}".encode(), *MALFORMED),
    "array": (b"[]", *INVALID),
    "number": (b"1", *INVALID),
    "null-document": (b"null", *INVALID),
    "text-document": (json.dumps(CANARY).encode(), *INVALID),
    "deep-arrays": (b"[" * 60_000, *MALFORMED),
    "deep-objects": (b'{"a":' * 12_000, *MALFORMED),
    "deep-and-closed": (b'{"model":' + b"[" * 30_000 + b"]" * 30_000 + b"}", *MALFORMED),
    "many-keys": (json.dumps({f"{CANARY}{number}": 0 for number in range(3000)}).encode(), *INVALID),
    "duplicate-key": (f'{{"model": "tiny", "model": "{CANARY}", "num_samples": 1}}'.encode(), *MALFORMED),
    "duplicate-class": (b'{"model": "tiny", "class_counts": {"a": 1, "a": 2}}', *MALFORMED),
    "invalid-utf-8": (b'{"model": "\xff\xfe", "num_samples": 1}', *MALFORMED),
    "utf-16": ('{"model": "tiny", "num_samples": 1}'.encode("utf-16"), *MALFORMED),
    "byte-order-mark": (b'\xef\xbb\xbf{"model": "tiny", "num_samples": 1}', *MALFORMED),
    "lone-surrogate": (b'{"model": "\\ud800", "num_samples": 1}', *MALFORMED),
    "lone-surrogate-key": (b'{"\\udfff": 1}', *MALFORMED),
    "lone-surrogate-class": (b'{"model": "tiny", "class_counts": {"\\ud800": 1}}', *MALFORMED),
    "control-character": (b'{"model": "ti\x01ny", "num_samples": 1}', *MALFORMED),
    "too-long": (b'{"model": "' + CANARY.encode() * 7000 + b'"}', 413, "body-too-large"),
    "binary": (bytes(range(256)), *MALFORMED),
}


@pytest.mark.parametrize(("body", "status", "code"), BODIES.values(), ids=BODIES.keys())
async def test_a_hostile_body_gets_its_problem_and_no_echo(client, workers, body, status, code):
    response = await client.post(URL, content=body, headers=JSON)

    assert_problem(response, status, code)
    assert CANARY not in response.text
    assert CANARY not in str(response.headers)
    assert len(response.content) < 2000
    assert [] == workers.batches


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data", CANARY, "a;" * 9],
)
async def test_another_content_type_is_a_415(client, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}

    response = await client.post(URL, content=with_count("1"), headers=headers)

    assert_problem(response, 415, "unsupported-media-type")
    assert CANARY not in response.text


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "application/json;x"])
async def test_json_may_have_parameters(client, content_type):
    response = await client.post(URL, content=with_count("1"), headers={"Content-Type": content_type})

    assert 200 == response.status_code


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", CANARY])
async def test_a_compressed_body_is_refused_unread(client, encoding):
    body = gzip.compress(b"0" * 1_000_000)

    response = await client.post(URL, content=body, headers=JSON | {"Content-Encoding": encoding})

    assert_problem(response, 415, "unsupported-media-type")
    assert CANARY not in response.text


async def test_a_body_that_says_it_is_too_long_is_not_read(client):
    read = []

    async def body():
        read.append(True)
        yield b"{}"

    response = await client.post(URL, content=body(), headers=JSON | {"Content-Length": str(10 * 2**30)})

    assert_problem(response, 413, "body-too-large")
    assert [] == read


async def test_a_body_without_a_length_is_read_up_to_the_limit(client):
    read = []

    async def body():
        for _ in range(1000):
            read.append(True)
            yield b" " * 4096

    response = await client.post(URL, content=body(), headers=JSON)

    problem = assert_problem(response, 413, "body-too-large")
    assert 65536 == problem["limit"]
    assert len(read) <= 18


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "\u0663", "9" * 5000])
async def test_a_length_that_is_no_number_is_refused(client, length):
    response = await client.post(URL, content=b"{}", headers=JSON | {"Content-Length": length.encode()})

    assert response.status_code in {400, 413}
