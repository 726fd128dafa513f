"""Bodies that become large, at the one address of a dialect that reads coded ones, and at all others."""

import gzip
import json

import pytest

from tests.rig.kit import CANARY, JSON, expect

INFER = "/v2/models/tiny/infer"
BOMB = gzip.compress(b"\0" * 2**25, 9, mtime=0)


def post(kit, path, body, coding="gzip"):
    return kit.ask("POST", path, body, JSON, more=[("Content-Encoding", coding)])


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (BOMB, [413]),
        (gzip.compress(BOMB, 9, mtime=0), [400]),
        (gzip.compress(b"[" * 60_000, mtime=0), [400]),
        (gzip.compress(json.dumps({"parameters": {CANARY: CANARY}}).encode(), mtime=0), [400]),
        (gzip.compress(b"{}", mtime=0)[:-4], [400]),
        (b"\x1f\x8b" + b"\xff" * 1000, [400]),
    ],
    ids=["bomb", "bomb-in-bomb", "nested", "unknown", "cut-off", "noise"],
)
def test_a_coded_body_costs_no_more_than_a_plain_one(kit, body, statuses):
    with kit.watch_memory():
        for _ in range(20):
            answer = post(kit, INFER, body)

    assert answer.status in statuses
    assert ["error"] == list(json.loads(answer.body))
    assert CANARY.encode() not in answer.body


@pytest.mark.parametrize("path", ["/v1/samples", "/v1/augmentations", "/v1/datasets"])
def test_no_other_address_reads_one(kit, path):
    expect(post(kit, path, BOMB), [415], "unsupported-media-type")
