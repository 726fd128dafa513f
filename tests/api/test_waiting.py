"""Who waits, for how long, and behind whom; and what is refused before it costs anything."""

import asyncio

import pytest

from app.api.keys import StoredKey, hash_key, write_keys_file
from app.repository.manifest import utc_now
from tests.pictures import encode, make_pixels
from tests.problems import assert_problem

LATE = 99
BATCH = 16
PICTURE = encode(make_pixels(height=8, width=8, channels=1))


def ask(client, seed, *, num_samples=BATCH, **options):
    body = {"model": "tiny", "num_samples": num_samples, "seed": seed, "format": "npy"}
    return client.post("/v1/samples", json=body, **options)


async def crowd(client, workers, seeds, **options):
    """Let requests wait that fill a batch each, behind those that the worker holds."""
    workers.hold()
    waiting = [asyncio.create_task(ask(client, seed, **options)) for seed in seeds]
    await workers.wait_for(lambda: workers.batches)
    return waiting


def seeds_of(workers):
    return [run.seed for batch in workers.batches for run in batch.runs]


async def count(client, name):
    lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


async def test_a_request_that_is_not_begun_in_time_is_answered_and_never_computed(client, workers):
    waiting = await crowd(client, workers, range(8))

    late = await ask(client, LATE, headers={"Fount-Timeout": "0.05"})
    workers.release()
    others = await asyncio.gather(*waiting)

    assert_problem(late, 503, "deadline-exceeded")
    assert "1" == late.headers["retry-after"]
    assert {200} == {response.status_code for response in others}
    assert LATE not in seeds_of(workers)
    assert 1 == await count(client, "fount_requests_overdue_total")
    assert 0 == await count(client, "fount_requests_failed_total")


async def test_a_request_that_would_be_too_late_is_refused_at_once(client, workers):
    await ask(client, 0)
    waiting = await crowd(client, workers, range(8))

    late = await ask(client, LATE, headers={"Fount-Timeout": "0.000001"})
    patient = asyncio.create_task(ask(client, LATE + 1, headers={"Fount-Timeout": "60"}))
    workers.release()
    await asyncio.gather(*waiting)

    assert_problem(late, 503, "deadline-exceeded")
    assert 200 == (await patient).status_code


@pytest.mark.parametrize("seconds", ["", "0", "0.0", "-1", "1e3", "nan", "inf", "2 s", "1234567", "\u0661"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/samples"), ("POST", "/v1/interpolations"), ("GET", "/v1/models/tiny/versions/1/samples/1/1.png")],
)
async def test_a_timeout_is_a_number_of_seconds(client, workers, method, path, seconds):
    bodies = {
        "/v1/samples": {"model": "tiny", "num_samples": 1},
        "/v1/interpolations": {
            "model": "tiny",
            "start": {"seed": 1, "index": 0},
            "end": {"seed": 1, "index": 1},
            "num_frames": 2,
        },
    }

    response = await client.request(
        method, path, json=bodies.get(path), headers={"Fount-Timeout": seconds.encode("utf-8")}
    )

    body = assert_problem(response, 422, "invalid-parameter")
    assert "/header/Fount-Timeout" == body["errors"][0]["pointer"]
    assert [] == workers.batches


async def test_a_key_with_many_requests_starves_no_other(open_client, make_settings, workers, tmp_path):
    names = ("many", "one")
    path = tmp_path / "keys.json"
    write_keys_file(
        path, [StoredKey(id=name, sha256=hash_key(name), scopes=["sample"], created=utc_now()) for name in names]
    )
    client = await open_client(make_settings(keys_file=path))
    many, one = [{"headers": {"Authorization": f"Bearer {name}"}} for name in names]
    waiting = await crowd(client, workers, range(40), **many)

    single = asyncio.create_task(ask(client, LATE, **one))
    gone = await ask(client, LATE + 1, headers=one["headers"] | {"Fount-Timeout": "0.05"})
    workers.release()
    await asyncio.gather(single, *waiting)

    assert_problem(gone, 503, "deadline-exceeded")
    assert seeds_of(workers).index(LATE) <= 6
    assert 41 == len(seeds_of(workers))


class Upload:
    """A file that is sent when it is told to."""

    def __init__(self, data=PICTURE):
        self.is_read = asyncio.Event()
        self.may_end = asyncio.Event()
        self._data = data

    @property
    def request(self):
        headers = {"Content-Type": "image/png", "Content-Length": str(len(self._data))}
        return {"content": self._send(), "headers": headers}

    async def _send(self):
        self.is_read.set()
        await self.may_end.wait()
        yield self._data


@pytest.fixture
async def small_memory(open_client, make_settings):
    limits = {"upload_bytes": 4096, "upload_memory_bytes": 1024}
    return await open_client(make_settings(limits=limits))


async def test_uploads_beyond_the_memory_are_refused_unread(small_memory):
    first, second = Upload(bytes(1000)), Upload()
    running = asyncio.create_task(small_memory.post("/v1/verifications", **first.request))
    await first.is_read.wait()

    refused = await small_memory.post("/v1/verifications", **second.request)
    held = await count(small_memory, "fount_upload_bytes")
    first.may_end.set()
    answered = await running

    assert_problem(refused, 503, "queue-full")
    assert "1" == refused.headers["retry-after"]
    assert not second.is_read.is_set()
    assert (1000, 200) == (held, answered.status_code)
    assert 1 == await count(small_memory, "fount_uploads_refused_total")
    assert 200 == (await small_memory.post("/v1/verifications", files={"image": PICTURE})).status_code


@pytest.mark.parametrize(
    "upload",
    [
        {"files": {"image": bytes(8192)}},
        {"files": {"image": b""}},
        {"content": b"no form", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"{}", "headers": {"Content-Type": "application/json"}},
    ],
    ids=["large", "empty", "broken", "json"],
)
@pytest.mark.parametrize("path", ["/v1/verifications", "/v1/variations"])
async def test_refused_uploads_leave_nothing_behind(small_memory, path, upload):
    response = await small_memory.post(path, **upload)

    assert response.status_code in {400, 413, 415, 422}
    assert 0 == await count(small_memory, "fount_upload_bytes")


async def test_a_caller_who_leaves_while_sending_leaves_nothing_behind(small_memory):
    upload = Upload()
    running = asyncio.create_task(small_memory.post("/v1/verifications", **upload.request))
    await upload.is_read.wait()

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert 0 == await count(small_memory, "fount_upload_bytes")
