"""Both clients, on a service without a network."""

import time

import anyio
import httpx
import numpy as np
import pytest

from app.client.async_client import AsyncClient
from app.client.client import Client
from app.client.errors import CapacityError, FountError, InvalidRequestError, UnreachableError
from app.client.exchange import Request
from app.client.retrying import RetryPolicy

URL = "http://fount.test"
AT_ONCE = RetryPolicy(max_retries=3, base_s=0.0)
FULL = {"code": "queue-full", "detail": "full"}


@pytest.fixture
def client(transport):
    with Client(URL, retries=AT_ONCE, transport=transport) as one:
        yield one


@pytest.fixture
async def async_client(transport):
    async with AsyncClient(URL, retries=AT_ONCE, transport=transport) as one:
        yield one


@pytest.fixture
def waits(monkeypatch):
    """How long the client waited; it does not."""
    seen = []
    monkeypatch.setattr(time, "sleep", seen.append)
    return seen


def test_samples_are_arrays_with_what_they_are(client, images_of):
    samples = client.sample("tiny", num_samples=4, seed=5, first_index=10)

    np.testing.assert_array_equal(images_of(range(10, 14)), samples.images)
    assert [1, 2, 0, 1] == samples.labels.tolist()
    assert [10, 11, 12, 13] == samples.indices.tolist()
    assert ("tiny@2", "d" * 64, 5, ("a", "b", "7")) == (
        samples.model,
        samples.digest,
        samples.seed,
        samples.class_names,
    )


async def test_the_other_client_has_the_same_samples(client, async_client):
    here = client.sample("tiny", num_samples=4, seed=5)
    there = await async_client.sample("tiny", num_samples=4, seed=5)

    np.testing.assert_array_equal(here.images, there.images)
    assert here.origin == there.origin


def test_both_clients_have_the_same_methods():
    names = {name for name in vars(Client) if not name.startswith("_")}

    assert names - {"close"} == {name for name in vars(AsyncClient) if not name.startswith("_")} - {"aclose"}


def test_class_names_of_a_version_are_asked_for_once(client, service):
    for _ in range(3):
        client.sample("tiny", num_samples=1)

    assert 1 == sum(request.method == "GET" for request in service.requests)


def test_a_key_is_sent_as_a_bearer(service, transport):
    with Client(URL, "secret", transport=transport) as client:
        client.model("tiny")

    assert "Bearer secret" == service.requests[0].headers["authorization"]


@pytest.mark.parametrize("status", [429, 503])
def test_the_client_waits_as_long_as_it_is_told(client, service, waits, status):
    service.faults = [httpx.Response(status, json=FULL, headers={"retry-after": "3"})] * 2

    samples = client.sample("tiny", num_samples=2)

    assert 2 == len(samples)
    assert [3.0, 3.0] == waits


async def test_the_other_client_waits_as_well(async_client, service, monkeypatch):
    waits = []

    async def note(seconds):
        waits.append(seconds)

    monkeypatch.setattr(anyio, "sleep", note)
    service.faults = [httpx.Response(503, json=FULL, headers={"retry-after": "3"})]

    await async_client.sample("tiny", num_samples=2)

    assert [3.0] == waits


def test_a_service_that_stays_full_is_told_of(client, service, waits):
    service.faults = [httpx.Response(503, json=FULL)] * 4

    with pytest.raises(CapacityError, match="full"):
        client.sample("tiny", num_samples=2)

    assert 3 == len(waits)


def test_a_connection_that_breaks_is_tried_again(client, service, waits):
    service.faults = [httpx.ReadError("reset"), httpx.ConnectError("refused")]

    assert 2 == len(client.sample("tiny", num_samples=2))


def test_nobody_there_is_one_sentence(client, service, waits):
    service.faults = [httpx.ConnectError("refused")] * 4

    with pytest.raises(UnreachableError, match=r"nobody answers at http://fount.test"):
        client.sample("tiny", num_samples=2)


def test_a_move_that_may_have_happened_is_not_repeated(client, service, waits):
    service.faults = [httpx.ReadError("reset")]

    with pytest.raises(UnreachableError):
        client.promote("tiny", 2, expected=1)

    assert '"1"' == service.requests[0].headers["if-match"]
    assert [] == waits


def test_a_wrong_request_is_not_repeated(client, service):
    service.faults = [httpx.Response(422, json={"code": "unknown-class", "detail": "no"})]

    with pytest.raises(InvalidRequestError):
        client.sample("tiny", num_samples=2)

    assert 1 == len(service.requests)


def test_a_stream_has_the_samples_of_the_whole(client):
    whole = client.sample("tiny", class_counts={"7": 4, "a": 9}, seed=3)

    batches = list(client.stream("tiny", batch_size=5, class_counts={"7": 4, "a": 9}, seed=3))

    assert [5, 5, 3] == [len(batch) for batch in batches]
    assert [0, 5, 10] == [batch.first_offset for batch in batches]
    for name in ("images", "labels", "indices"):
        joined = np.concatenate([getattr(batch, name) for batch in batches])
        np.testing.assert_array_equal(getattr(whole, name), joined)


def test_a_stream_that_breaks_goes_on_behind_the_last_batch(client, service, waits):
    whole = client.sample("tiny", num_samples=40, seed=3)
    service.cut_at = [1600, 1300]

    batches = list(client.stream("tiny", batch_size=4, num_samples=40, seed=3))

    np.testing.assert_array_equal(whole.images, np.concatenate([batch.images for batch in batches]))
    np.testing.assert_array_equal(whole.labels, np.concatenate([batch.labels for batch in batches]))
    starts = [body.get("first_index", 0) for body in service.asked[1:]]
    assert 3 == len(starts)
    assert sorted(set(starts)) == starts
    assert {"tiny@2"} == {body["model"] for body in service.asked[1:]}


def test_a_stream_that_never_gets_on_ends(client, service, waits):
    service.cut_at = [100] * 9

    with pytest.raises(UnreachableError):
        list(client.stream("tiny", num_samples=40, seed=3))

    assert 4 == len(service.asked)


async def test_the_other_client_streams_the_same(async_client, service):
    service.cut_at = [1600]

    batches = [batch async for batch in async_client.stream("tiny", batch_size=4, num_samples=30, seed=3)]

    assert list(range(30)) == [index for batch in batches for index in batch.indices.tolist()]


def test_a_stream_without_a_seed_draws_one_for_all_of_it(client, service):
    batches = list(client.stream("tiny", batch_size=4, num_samples=9))

    assert 1 == len({batch.seed for batch in batches})
    assert batches[0].seed == service.asked[0]["seed"]


def test_a_file_is_there_when_all_of_it_is(client, service, waits, tmp_path):
    service.faults = [httpx.ReadError("reset"), httpx.Response(200, stream=httpx.ByteStream(b"all"))]
    target = tmp_path / "shard.tar"

    client.fetch(Request("GET", "/x"), target)

    assert b"all" == target.read_bytes()
    assert [target] == list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8000", "", "http://"])
def test_an_address_of_something_else_is_refused(url):
    with pytest.raises((ValueError, httpx.InvalidURL)):
        Client(url)


def test_errors_are_caught_by_one_name(client, service):
    service.faults = [httpx.Response(500, content=b"oops")]

    with pytest.raises(FountError, match="status 500"):
        client.models()
