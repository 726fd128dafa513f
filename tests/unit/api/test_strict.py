import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.api.strict import HUGE, parse_json, read_body
from app.core.errors import MalformedBodyError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_what_is_json_is_read_as_such(value):
    assert value == parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8"))


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_malformed_body(body):
    try:
        document = parse_json(body)
    except MalformedBodyError:
        return

    assert isinstance(document, dict | list | str | int | float | bool | None)


@pytest.mark.parametrize(
    ("digits", "expected"), [(b"9" * 40, 10**40 - 1), (b"9" * 41, HUGE), (b"-" + b"9" * 60_000, -HUGE)]
)
def test_integers_that_no_field_takes_are_not_computed(digits, expected):
    assert expected == parse_json(digits)


def test_the_message_tells_where():
    with pytest.raises(MalformedBodyError, match="line 2, column 3"):
        parse_json(b"{\n  x: 1}")


async def test_a_body_that_does_not_come_is_given_up():
    async def receive():
        await asyncio.Event().wait()

    request = Request({"type": "http", "headers": []}, receive)

    with pytest.raises(HTTPException) as caught:
        await read_body(request, 100, deadline_s=0.01)

    assert 408 == caught.value.status_code
