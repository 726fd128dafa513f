import asyncio

import pytest

from app.api.wire.transport import MAX_JOINED_BYTES, JoiningTransport


class FakeTransport:
    def __init__(self):
        self.written = []
        self.closed = []

    def write(self, data):
        self.written.append(bytes(data))

    def close(self):
        self.closed.append("close")

    def abort(self):
        self.closed.append("abort")

    def is_closing(self):
        return bool(self.closed)

    def get_extra_info(self, name, default=None):
        return {"peername": ("127.0.0.1", 1)}.get(name, default)


@pytest.fixture
def transport():
    return FakeTransport()


async def test_a_head_and_a_small_body_are_sent_at_once(transport):
    joining = JoiningTransport(transport)

    joining.write(b"head ")
    joining.write(b"body")
    await asyncio.sleep(0)

    assert [b"head body"] == transport.written


async def test_what_nothing_follows_is_sent_at_the_end_of_the_turn(transport):
    joining = JoiningTransport(transport)

    joining.write(b"head")
    before = list(transport.written)
    await asyncio.sleep(0)

    assert [] == before
    assert [b"head"] == transport.written


async def test_large_pieces_are_not_held(transport):
    joining = JoiningTransport(transport)
    large = b"x" * (MAX_JOINED_BYTES + 1)

    joining.write(large)

    assert [large] == transport.written


async def test_pieces_stay_in_order(transport):
    joining = JoiningTransport(transport)
    pieces = [b"a", b"b", b"c", b"d" * (MAX_JOINED_BYTES + 1), b"e"]

    for piece in pieces:
        joining.write(piece)
    await asyncio.sleep(0)

    assert b"".join(pieces) == b"".join(transport.written)


async def test_closing_sends_what_is_held_and_aborting_drops_it(transport):
    joining = JoiningTransport(transport)
    other = FakeTransport()
    aborted = JoiningTransport(other)

    joining.write(b"last")
    joining.close()
    aborted.write(b"lost")
    aborted.abort()
    await asyncio.sleep(0)

    assert ([b"last"], ["close"], True) == (transport.written, transport.closed, joining.is_closing())
    assert ([], ["abort"]) == (other.written, other.closed)


def test_it_tells_of_the_connection_what_the_other_knows(transport):
    assert ("127.0.0.1", 1) == JoiningTransport(transport).get_extra_info("peername")
