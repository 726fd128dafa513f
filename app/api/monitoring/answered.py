"""One answered request, as those who count, trace and log it see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

ANYBODY = "anybody"
ENVIRONMENT = "environment"
FILE = "file"
UNMATCHED = "unmatched"
BROKEN_OFF = "answer-broken-off"  # a problem that no answer can carry: the head was out


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one request.

    Attributes:
        method: One of the methods of HTTP, or ``other``.
        route: Template of its route, never a caller's path; ``UNMATCHED`` without one.
        status: Of its answer; 499 for a caller who left before there was one.
        seconds: From its head to the end of its answer.
        caller: Id of its key.
        num_bytes: Of the answer's body.
        problem: Code of the problem that it was answered with, or ``BROKEN_OFF``; None for anything else.
    """

    method: str
    route: str
    status: int
    seconds: float
    caller: str
    num_bytes: int = 0
    problem: str | None = None


CountAnswer: TypeAlias = Callable[[Answered], None]


def name_key_class(caller: str) -> str:
    """Name the kind of key that a caller has: keys may be many, and their ids are nobody's labels."""
    return caller if caller in {ANYBODY, ENVIRONMENT} else FILE
