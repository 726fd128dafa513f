"""Tokens that no service of ours has written: a problem, at bounded cost, and nothing of them in the answer."""

import base64
import hashlib
import zlib

import msgspec
import pytest

from app.api.datasets.recipe import Block, Recipe, Split
from app.api.datasets.token import decode_token, encode_token
from app.core.errors import NotFoundError
from app.schemas.samples import SampleFormat
from tests.problems import assert_problem

BLOCK = Block("tiny", 1, bytes(32), 3, 0, 1.0, 100, (50, 50))
RECIPE = Recipe((BLOCK,), (Split("train", 90), Split("test", 10)), 40, SampleFormat.TAR)
TOKEN = encode_token(RECIPE)


def pack(payload: bytes, *, checksum: bytes | None = None, tail: bytes = b"") -> str:
    """Write any bytes as a token with a right checksum."""
    packed = (checksum or hashlib.sha256(payload).digest()[:8]) + zlib.compress(payload, 9) + tail
    return "d1" + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def forge(block=None, **changes) -> str:
    blocks = (msgspec.structs.replace(BLOCK, **block),) if block else RECIPE.blocks
    return pack(msgspec.msgpack.encode(msgspec.structs.replace(RECIPE, blocks=blocks, **changes)))


def flip(text: str, place: int) -> str:
    return text[:place] + ("B" if text[place] == "A" else "A") + text[place + 1 :]


PAYLOAD = msgspec.msgpack.encode(RECIPE)
TOKENS = {
    "empty-recipe": pack(b""),
    "foreign-version": "d2" + TOKEN[2:],
    "no-version": TOKEN[2:],
    "short": "d1AAAA",
    "long": "d1" + "A" * 5000,
    "damaged-checksum": flip(TOKEN, 3),
    "damaged-middle": flip(TOKEN, len(TOKEN) // 2),
    "torn": TOKEN[:-6],
    "longer": TOKEN + "AAAA",
    "wrong-checksum": pack(PAYLOAD, checksum=b"12345678"),
    "tail": pack(PAYLOAD, tail=b"more"),
    "not-packed": "d1" + base64.urlsafe_b64encode(PAYLOAD).rstrip(b"=").decode(),
    "bomb": pack(bytes(2_000_000)),
    "not-a-recipe": pack(msgspec.msgpack.encode({"a": 1})),
    "not-msgpack": pack(b"\xc1" * 50),
    "nested": pack(b"\x91" * 2000 + b"\x90"),
    "more-fields": pack(msgspec.msgpack.encode([*msgspec.to_builtins(RECIPE), 1])),
    "second-spelling": pack(PAYLOAD.replace(b"\xcb\x3f\xf0" + bytes(6), b"\x01")),
    "no-blocks": forge(splits=(Split("train", 1),)),
    "traversal": forge({"model": "../../etc"}),
    "newline": forge({"model": "tiny\n"}),
    "version-zero": forge({"version": 0}),
    "short-digest": forge({"digest": b"12"}),
    "negative-seed": forge({"seed": -1}),
    "huge-seed": forge({"seed": 2**63}),
    "no-truncation": forge({"truncation": 0.0}),
    "nan-truncation": forge({"truncation": float("nan")}),
    "no-samples": forge({"num_samples": 0}),
    "splits-do-not-add-up": forge(splits=(Split("train", 99),)),
    "empty-split": forge(splits=(Split("train", 100), Split("test", 0))),
    "same-split-twice": forge(splits=(Split("train", 90), Split("train", 10))),
    "split-name": forge(splits=(Split("../x", 100),)),
    "shard-size-zero": forge(shard_size=0),
    "shard-size-huge": forge(shard_size=10**9),
    "format-of-one": forge(format=SampleFormat.PNG),
    "dots": "%2e%2e",
    "percent": "%00",
    "arabic": "d1\u0661\u0661" + "A" * 30,
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
def test_a_token_that_is_not_ours_is_not_read(token):
    with pytest.raises(NotFoundError) as caught:
        decode_token(token)

    assert token not in str(caught.value.detail)


@pytest.mark.parametrize("path", ["", "/shards/0.tar", "/croissant.json", "/README.md"])
async def test_a_token_that_is_not_ours_is_not_found(client, workers, path):
    for token in TOKENS.values():
        body = assert_problem(await client.get(f"/v1/datasets/{token}{path}"), 404, "not-found")
        assert token not in str(body)

    assert [] == workers.batches


@pytest.mark.parametrize(
    "block",
    [
        {"first_index": 2**63 - 1},
        {"class_counts": (1, 1)},
        {"class_counts": (0, 0)},
        {"class_counts": (0, 0, 0, 100)},
    ],
    ids=["index", "sum", "no-counts", "class"],
)
async def test_samples_that_a_version_cannot_have_are_not_found(client, repository, block):
    digest = bytes.fromhex(repository.read_manifest("tiny", 1).digest)
    token = forge({"digest": digest} | block)

    assert "counts" in assert_problem(await client.get(f"/v1/datasets/{token}"), 404, "not-found")["detail"]


@pytest.mark.parametrize(
    "name", ["99.tar", "-1.tar", "00.tar", "0.zip", "0.png", "0", "9999999999.tar", "\u0661.tar", "0.tar.gz"]
)
async def test_a_shard_that_is_not_there_is_not_found(client, repository, workers, name):
    digest = bytes.fromhex(repository.read_manifest("tiny", 1).digest)
    token = forge({"digest": digest})

    assert_problem(await client.get(f"/v1/datasets/{token}/shards/{name}"), 404, "not-found")
    assert [] == workers.batches


async def test_a_dataset_that_is_larger_than_allowed_is_refused(client, repository):
    digest = bytes.fromhex(repository.read_manifest("tiny", 1).digest)
    large = forge({"digest": digest, "num_samples": 10**9, "class_counts": ()}, splits=(Split("train", 10**9),))
    split = forge(
        {"digest": digest, "num_samples": 10**6, "class_counts": ()}, splits=(Split("a", 10**6),), shard_size=1
    )

    for token in (large, split):
        assert_problem(await client.get(f"/v1/datasets/{token}/shards/0.tar"), 422, "limit-exceeded")


@pytest.mark.parametrize("host", ['evil"><script>', "a b", "x" * 300, "[::1", "user@host"])
async def test_a_host_that_is_no_host_is_not_repeated(client, repository, host):
    token = forge({"digest": bytes.fromhex(repository.read_manifest("tiny", 1).digest)})

    response = await client.get(f"/v1/datasets/{token}/README.md", headers={"Host": host})

    assert host not in response.text
    assert "http://localhost/v1/datasets/" in response.text
