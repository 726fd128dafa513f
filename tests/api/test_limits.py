import asyncio
import contextlib
import itertools

import httpx
import pytest

from app.api.keys import StoredKey, hash_key, write_keys_file
from app.main import create_app
from app.repository.manifest import utc_now
from app.schemas.limits import ServiceLimits
from app.serving.engine import Engine
from tests import fakes
from tests.problems import assert_problem

BODY = {"model": "tiny", "num_samples": 4, "seed": 1, "format": "npy"}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def keys_file(tmp_path):
    """Keys `plain`, as the service is set; `slow` with rates of its own; `free` without any."""
    common = {"scopes": ["read", "sample", "augment"], "created": utc_now()}
    rates = {
        "plain": {},
        "slow": {"requests_per_minute": 2, "device_seconds_per_minute": 0.5},
        "free": {"requests_per_minute": 0, "device_seconds_per_minute": 0},
    }
    keys = [StoredKey(id=name, sha256=hash_key(name), **common, **own) for name, own in rates.items()]
    path = tmp_path / "keys.json"
    write_keys_file(path, keys)
    return path


@pytest.fixture
async def limited(open_client, make_settings, keys_file):
    return await open_client(make_settings(keys_file=keys_file, rates={"requests_per_minute": 10}))


async def test_the_service_tells_its_limits(open_client, make_settings):
    settings = make_settings(queue={"requests": 7, "wait_s": 1.5})
    response = await (await open_client(settings)).get("/v1")

    told = ServiceLimits.model_validate_json(response.content, strict=True)
    assert (7, 1.5) == (told.queue.requests, told.queue.wait_s)
    assert settings.limits.samples_per_request == told.answers.samples_per_request
    assert (65536, settings.limits.upload_pixels) == (told.bodies.json_bytes, told.bodies.pixels_per_image)
    assert (None, None) == (told.rates.requests_per_minute, told.rates.device_s_per_minute)
    assert settings.http.connections == told.connections.open


@pytest.mark.parametrize(("key", "rates"), [("plain", (10, None)), ("slow", (2, 0.5)), ("free", (None, None))])
async def test_a_key_is_told_its_own_rates(limited, key, rates):
    told = (await limited.get("/v1", headers=bearer(key))).json()["rates"]

    assert rates == (told["requests_per_minute"], told["device_s_per_minute"])


async def test_of_a_hundred_requests_at_once_exactly_ten_are_accepted(limited):
    answers = await asyncio.gather(
        *(limited.post("/v1/samples", json=BODY, headers=bearer("plain")) for _ in range(100))
    )

    assert {200: 10, 429: 90} == {
        status: sum(one.status_code == status for one in answers) for status in {one.status_code for one in answers}
    }
    for one in answers:
        assert '"requests";q=10;w=60' == one.headers["ratelimit-policy"]
        if one.status_code == 429:
            problem = assert_problem(one, 429, "rate-limited")
            assert 1 <= int(one.headers["retry-after"]) <= 60
            assert ("requests", 10) == (problem["policy"], problem["limit"])
        assert one.headers["ratelimit"].startswith('"requests";r=0;t=')


async def test_one_key_does_not_use_up_what_another_has(limited):
    statuses = [(await limited.get("/v1", headers=bearer("slow"))).status_code for _ in range(4)]

    assert [200, 200, 429, 429] == statuses
    assert 200 == (await limited.get("/v1", headers=bearer("plain"))).status_code
    assert 200 == (await limited.get("/v1", headers=bearer("free"))).status_code


async def test_answers_without_bounds_tell_of_none(limited):
    headers = (await limited.get("/v1", headers=bearer("free"))).headers

    assert not {"ratelimit", "ratelimit-policy"} & headers.keys()


async def test_callers_without_keys_are_one_key(open_client, make_settings):
    client = await open_client(make_settings(rates={"requests_per_minute": 3}))

    answers = [await client.get("/v1/models", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(5)]

    assert [200, 200, 200, 429, 429] == [one.status_code for one in answers]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/problems/rate-limited", "/openapi.json"])
async def test_probes_are_never_limited(open_client, make_settings, path):
    client = await open_client(make_settings(rates={"requests_per_minute": 1}))

    assert [200] * 5 == [(await client.get(path)).status_code for _ in range(5)]
    assert 200 == (await client.get("/v1")).status_code


async def test_a_refusal_costs_no_quota_and_strangers_cost_nobody_any(limited):
    for _ in range(20):
        assert_problem(await limited.get("/v1", headers=bearer("wrong")), 401, "missing-key")

    assert '"requests";r=9;t=60' == (await limited.get("/v1", headers=bearer("plain"))).headers["ratelimit"]


async def test_the_body_of_what_is_refused_is_not_read(limited):
    read = []

    async def body():
        read.append(True)
        yield b"{}"

    for _ in range(10):
        await limited.get("/v1", headers=bearer("plain"))
    response = await limited.post("/v1/samples", content=body(), headers=bearer("plain"))

    assert_problem(response, 429, "rate-limited")
    assert [] == read


async def test_device_time_is_limited_by_what_was_measured(open_client, make_settings, keys_file):
    client = await open_client(make_settings(keys_file=keys_file, rates={"device_s_per_minute": 0.004}))
    ask = {"json": {"model": "tiny", "num_samples": 16, "format": "npy"}, "headers": bearer("plain")}

    answers = [await client.post("/v1/samples", **ask) for _ in range(6)]  # a batch takes 0.001 s, by the fake worker

    assert [200, 200, 200, 200, 200, 429] == [one.status_code for one in answers]  # the first had no price yet
    assert "device" == assert_problem(answers[-1], 429, "rate-limited")["policy"]
    assert '"device";q=4;qu="device-milliseconds";w=60' == answers[-1].headers["ratelimit-policy"]
    assert 200 == (await client.get("/v1/models", headers=bearer("plain"))).status_code


async def test_more_device_time_than_a_minute_has_is_a_limit_and_no_reason_to_wait(
    open_client, make_settings, keys_file
):
    client = await open_client(make_settings(keys_file=keys_file, rates={"device_s_per_minute": 0.004}))
    ask = {"model": "tiny", "num_samples": 16, "format": "npy"}
    await client.post("/v1/samples", json=ask, headers=bearer("plain"))

    response = await client.post("/v1/samples", json=ask | {"num_samples": 640}, headers=bearer("plain"))

    assert 64 == assert_problem(response, 422, "limit-exceeded")["limit"]


@pytest.mark.parametrize("field", ["requests_per_minute", "device_s_per_minute"])
async def test_the_limits_are_described(limited, field):
    document = (await limited.get("/openapi.json")).json()

    assert "429" in document["paths"]["/v1"]["get"]["responses"]
    assert {"Retry-After", "RateLimit"} <= document["paths"]["/v1"]["get"]["responses"]["429"]["headers"].keys()
    assert field in document["components"]["schemas"]["RateLimits"]["properties"]


@pytest.fixture
async def open_busy(repository, workers, make_settings, keys_file):
    """Opens a client of a service whose queue has so many places, shared by keys."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(places, **sections):
            settings = make_settings(keys_file=keys_file, queue={"requests": places}, **sections)
            engine = Engine(settings, repository, worker_factory=workers)
            app = create_app(settings, engine, fakes.make_decoders(settings), fakes.make_augmenters(settings))
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            return await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://fount"))

        yield open_one


async def test_a_burst_of_the_largest_requests_is_answered_or_refused_and_probes_are_served(open_busy):
    client = await open_busy(16, limits={"samples_per_request": 512})
    largest = BODY | {"num_samples": 512}

    burst = [client.post("/v1/samples", json=largest, headers=bearer("plain")) for _ in range(300)]
    *answers, probe = await asyncio.gather(*burst, client.get("/livez"))

    statuses = [one.status_code for one in answers]
    assert {200: 8, 503: 292} == {status: statuses.count(status) for status in set(statuses)}
    assert all(1 <= int(one.headers["retry-after"]) for one in answers if one.status_code == 503)
    assert 200 == probe.status_code


async def test_while_one_key_floods_another_is_let_in(open_busy, workers):
    client = await open_busy(8)
    await client.post("/v1/samples", json=BODY, headers=bearer("plain"))
    workers.hold()

    flood = [asyncio.create_task(client.post("/v1/samples", json=BODY, headers=bearer("plain"))) for _ in range(20)]
    for answered in itertools.islice(asyncio.as_completed(flood, timeout=10), 16):
        await answered
    other = asyncio.create_task(client.post("/v1/samples", json=BODY, headers=bearer("free")))
    await workers.wait_for(lambda: workers.batches)
    workers.release()

    answers = await asyncio.gather(*flood)
    assert [200] * 4 + [503] * 16 == [one.status_code for one in answers]
    assert {"queue-full"} == {one.json()["code"] for one in answers if one.status_code == 503}
    assert 200 == (await other).status_code
