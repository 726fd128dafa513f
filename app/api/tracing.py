"""What a trace is told of a request while it is answered; costs a look where there is no trace."""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from app.api.monitoring.answered import Answered

_NS = 1e9


@dataclass(slots=True, eq=False)
class TraceNotes:
    """Facts of one request, gathered where they are known.

    Attributes:
        answered: What became of it; None until it is over.
        headers: What its answer's headers say of its samples.
        times: Seconds by phase, in the order of the phases.
        phases_end: When the last phase was over, in nanoseconds since the epoch.
    """

    answered: Answered | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    phases_end: int = 0

    def phases(self, begin: int) -> list[tuple[str, int, int]]:
        """Lay the phases out so that the last one ends when it did, and none begins before the request.

        Args:
            begin: When the request began, in nanoseconds since the epoch.

        Returns:
            Name, begin and end of each.
        """
        laid = []
        end = self.phases_end
        for name, seconds in reversed(list(self.times.items())):
            start = max(begin, end - round(seconds * _NS))
            laid.append((name, start, end))
            end = start
        return laid[::-1]


notes: ContextVar[TraceNotes | None] = ContextVar("trace_notes", default=None)
"""Of the request that is answered in this context; None where it is not traced."""


def note_order(times: Mapping[str, float], headers: Mapping[str, str]) -> None:
    """Note how long the samples of an answer took, and what they are."""
    present = notes.get()
    if present is not None:
        present.times = times
        present.headers = headers
        present.phases_end = time.time_ns()


def note_answered(answered: Answered) -> None:
    """Note what became of a request."""
    present = notes.get()
    if present is not None:
        present.answered = answered
