import asyncio

import pytest
from starlette.requests import ClientDisconnect

from app.api.streaming import MAX_PIECE_BYTES, StreamedAnswer, until_disconnect


async def never_leaves():
    await asyncio.Event().wait()


async def leaves_at_once():
    return {"type": "http.disconnect"}


def make_answer(pieces, ended, **options):
    async def body():
        for piece in pieces:
            yield piece

    async def end():
        ended.append(True)

    return StreamedAnswer(body(), on_end=end, media_type="application/zip", headers={"Fount-Seed": "1"}, **options)


async def test_large_pieces_are_cut():
    sent, ended = [], []

    async def send(message):
        sent.append(message)

    await make_answer([b"x" * (MAX_PIECE_BYTES * 2 + 1), b"", b"y"], ended)({}, never_leaves, send)

    assert [MAX_PIECE_BYTES, MAX_PIECE_BYTES, 1, 1, 0] == [len(message["body"]) for message in sent[1:]]
    assert {(b"content-type", b"application/zip"), (b"fount-seed", b"1")} == set(sent[0]["headers"])
    assert [True] == ended


async def test_a_reader_that_stalls_is_given_up():
    ended = []

    async def send(message):
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    with pytest.raises(ClientDisconnect):
        await make_answer([b"x"], ended, deadline_s=0.01)({}, never_leaves, send)

    assert [True] == ended


async def test_an_answer_that_nobody_waits_for_ends():
    ended = []

    async def send(message):
        await asyncio.Event().wait()

    with pytest.raises(ClientDisconnect):
        await make_answer([b"x"], ended)({}, leaves_at_once, send)

    assert [True] == ended


async def test_work_is_cancelled_when_the_caller_leaves():
    cancelled = asyncio.Event()

    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(ClientDisconnect):
        await until_disconnect(leaves_at_once, work())

    assert cancelled.is_set()


async def test_an_error_of_the_work_is_its_own():
    async def work():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await until_disconnect(never_leaves, work())


async def test_an_error_of_the_channel_is_not_lost():
    async def receive():
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await until_disconnect(receive, never_leaves())


async def test_a_body_that_is_still_coming_is_no_disconnect():
    messages = [{"type": "http.request", "body": b"late"}, {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    with pytest.raises(ClientDisconnect):
        await until_disconnect(receive, never_leaves())

    assert [] == messages
