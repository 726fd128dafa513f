"""What the service and its children say: a length of four bytes, then msgpack; files or their results follow."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

LENGTH_BYTES: Final = 4
MAX_MESSAGE_BYTES: Final = 65536

Chunk: TypeAlias = bytes | bytearray | memoryview
Fact: TypeAlias = str | int | float | bool | list[str]


class ChildReady(msgspec.Struct, frozen=True, tag="ready"):
    """First message of a child: its limits stand and it takes jobs."""


class Job(msgspec.Struct, frozen=True, tag="job"):
    """Do one thing.

    Attributes:
        head: What to do, as the handler reads it.
        sizes: Bytes of each file that follows.
        seconds: Processor time that it may take; the system ends the child then, by ``SIGXCPU``.
    """

    head: bytes
    sizes: list[int]
    seconds: float


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It is done: ``head`` says what, and ``num_bytes`` of it follow."""

    head: bytes
    num_bytes: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """What is wrong with a job; code and fields as in ``app.core.errors``."""

    code: str
    detail: str
    fields: dict[str, Fact]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The child's code is wrong, not the job: the error's class and where it was raised, nothing of what was sent."""

    error: str


FromChild: TypeAlias = ChildReady | Done | Refused | Failed

read_job: Callable[[bytes | bytearray], Job] = msgspec.msgpack.Decoder(Job).decode
read_answer: Callable[[bytes | bytearray], FromChild] = msgspec.msgpack.Decoder(FromChild).decode
write_head: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode


def write_message(message: Job | FromChild) -> bytes:
    """Write one message with its length."""
    body = write_head(message)
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def read_length(data: bytes | bytearray | memoryview) -> int:
    """Read the length of a message.

    Raises:
        ValueError: If neither side would send so long a one.
    """
    length = int.from_bytes(data, "little")
    if length > MAX_MESSAGE_BYTES:
        raise ValueError("a message is larger than any of this build")
    return length
