import pytest
from starlette.requests import Request

from app.api.keys import Caller
from app.api.uploads import UploadMemory
from app.core.errors import QueueFullError

LARGEST = 500


def make_request(length=None, key="a"):
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    return Request({"type": "http", "headers": headers, "state": {"caller": Caller(key, frozenset())}})


@pytest.mark.parametrize(("length", "held"), [(20, 20), (0, 0), (9999, LARGEST), (None, LARGEST), ("-1", LARGEST)])
def test_room_is_kept_for_what_a_body_says_and_else_for_the_largest(length, held):
    memory = UploadMemory(1000)

    with memory.hold(make_request(length), LARGEST):
        assert held == memory.held_bytes

    assert 0 == memory.held_bytes


def test_one_body_alone_is_always_taken():
    memory = UploadMemory(10)

    with memory.hold(make_request(400), LARGEST):
        assert 400 == memory.held_bytes


def test_beyond_the_limit_bodies_are_refused_and_counted():
    memory = UploadMemory(1000)

    with (
        memory.hold(make_request(500), LARGEST),
        memory.hold(make_request(500), LARGEST),
        pytest.raises(QueueFullError) as caught,
        memory.hold(make_request(1), LARGEST),
    ):
        pass

    assert (1, 1, 0) == (caught.value.fields["retry_after_s"], memory.refused, memory.held_bytes)


def test_errors_give_the_room_back():
    memory = UploadMemory(1000)

    with pytest.raises(ZeroDivisionError), memory.hold(make_request(), LARGEST):
        raise ZeroDivisionError

    assert 0 == memory.held_bytes


def test_one_key_holds_no_more_than_is_free_for_others():
    memory = UploadMemory(1000, is_shared=True)

    with memory.hold(make_request(400), LARGEST):
        with pytest.raises(QueueFullError), memory.hold(make_request(300), LARGEST):
            pass
        with memory.hold(make_request(400, key="b"), LARGEST), memory.hold(make_request(200, key="c"), LARGEST):
            assert 1000 == memory.held_bytes

    assert 0 == memory.held_bytes
