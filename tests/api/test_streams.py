import asyncio
import json

import pytest

from app.api import answers
from app.api.gate import AnswerAbortedError
from app.imaging.formats.registry import FORMATS, Streamed
from app.main import create_app
from app.serving.engine import Engine
from tests.fakes import make_augmenters, make_decoders

DEADLINE_S = 60
STREAMED = [name for name, one in FORMATS.items() if isinstance(one, Streamed)]
BUFFERED = {"arrow", "parquet"}  # they gather samples into tables larger than these answers


class Exchange:
    """One request to the application at ASGI level, so that a caller can leave or stop reading."""

    def __init__(self, app, body):
        self.sent = []
        self.leave = asyncio.Event()
        self.first_piece = asyncio.Event()
        self.on_first_piece = lambda: None
        self.may_send = None
        self._app = app
        self._body = json.dumps(body).encode()
        self._asked = False

    async def receive(self):
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)
        if message.get("body"):
            if not self.first_piece.is_set():
                self.on_first_piece()
            self.first_piece.set()
            if self.may_send is not None:
                await self.may_send.wait()

    @property
    def content(self):
        return b"".join(message.get("body", b"") for message in self.sent)

    async def run(self):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/v1/samples",
            "raw_path": b"/v1/samples",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        async with asyncio.timeout(DEADLINE_S):
            await self._app(scope, self.receive, self.send)

    @property
    def is_whole(self):
        return bool(self.sent) and self.sent[-1].get("more_body") is False


@pytest.fixture
async def app(open_app, make_settings):
    return await open_app(make_settings())


def ask(app, **body):
    return Exchange(app, {"model": "tiny", "num_samples": 100, "seed": 1, **body})


@pytest.mark.parametrize("name", [name for name in STREAMED if name not in BUFFERED])
async def test_an_answer_is_sent_in_pieces_and_ends(app, engine, name):
    exchange = ask(app, format=name)

    await exchange.run()

    assert exchange.is_whole
    assert len([message for message in exchange.sent if message.get("body")]) >= 6
    assert 0 == engine.status().queued_streams


@pytest.mark.parametrize("name", STREAMED)
async def test_an_error_on_the_way_breaks_the_answer_off(app, engine, workers, name):
    exchange = ask(app, format=name)
    exchange.on_first_piece = workers.fail_batches

    with pytest.raises(AnswerAbortedError):
        await exchange.run()

    assert 200 == exchange.sent[0]["status"]
    assert not exchange.is_whole
    assert 0 == engine.status().queued_streams


@pytest.mark.parametrize("name", STREAMED)
async def test_a_caller_who_leaves_mid_answer_frees_the_engine(app, engine, workers, name):
    exchange = ask(app, format=name)
    exchange.on_first_piece = workers.hold
    running = asyncio.create_task(exchange.run())
    await asyncio.wait_for(exchange.first_piece.wait(), DEADLINE_S)

    exchange.leave.set()
    await running

    assert 0 == engine.status().queued_streams
    assert not exchange.is_whole


@pytest.mark.parametrize("name", ["json", "zip", "grid"])
async def test_a_caller_who_leaves_before_the_answer_frees_the_engine(app, engine, workers, name):
    workers.hold()
    exchange = ask(app, format=name, num_samples=8)
    running = asyncio.create_task(exchange.run())
    await workers.wait_for(lambda: workers.batches)

    exchange.leave.set()
    await running

    assert 0 == engine.status().queued_streams
    assert [] == exchange.sent


async def test_the_log_tells_of_a_caller_who_left(app, workers, capfd):
    workers.hold()
    exchange = ask(app, format="zip")
    exchange.leave.set()

    await exchange.run()

    assert "499" in "".join(capfd.readouterr())


async def test_a_slow_reader_holds_the_device_back(app, workers):
    exchange = ask(app, format="npy", num_samples=1000)
    exchange.may_send = asyncio.Event()
    running = asyncio.create_task(exchange.run())
    await asyncio.wait_for(exchange.first_piece.wait(), DEADLINE_S)

    computed = len(workers.batches)
    exchange.may_send.set()
    await running

    assert computed <= 4
    assert exchange.is_whole


@pytest.fixture
async def narrow(make_settings, repository, workers):
    """An application with a place for one request."""
    settings = make_settings(queue={"window_batches": 1, "requests": 1})
    engine = Engine(settings, repository, worker_factory=workers)
    app = create_app(settings, engine, make_decoders(settings), make_augmenters(settings))
    async with app.router.lifespan_context(app):
        yield app


@pytest.mark.parametrize("name", ["npy", "json"])
async def test_a_request_keeps_its_place_until_its_answer_is_taken(narrow, workers, monkeypatch, name):
    monkeypatch.setattr(answers, "MAX_PIECE_BYTES", 1000)
    slow = ask(narrow, format=name, num_samples=32)
    slow.may_send = asyncio.Event()
    running = asyncio.create_task(slow.run())
    await asyncio.wait_for(slow.first_piece.wait(), DEADLINE_S)
    await workers.wait_for(lambda: narrow.state.services.engine.status().samples == 32)

    other = ask(narrow, num_samples=1)
    await other.run()
    slow.may_send.set()
    await running
    again = ask(narrow, num_samples=1)
    await again.run()

    assert (503, 200, 200) == tuple(one.sent[0]["status"] for one in (other, slow, again))
    assert slow.is_whole
    assert (b"content-length", str(len(slow.content)).encode()) in slow.sent[0]["headers"]


async def test_a_worker_that_dies_costs_no_answer(app, workers):
    calm = ask(app, format="npz")
    await calm.run()
    deaths = iter([True])
    workers.kills_on = lambda batch: next(deaths, False)
    exchange = ask(app, format="npz")

    await exchange.run()

    assert calm.content == exchange.content
