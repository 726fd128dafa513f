"""What one connection may do: numbers that callers see from settings, and those that no caller of good will meets."""

from dataclasses import dataclass
from typing import Self

from app.core.settings import Settings

MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 100
"""Of a head; and again behind a body in chunks."""
MAX_CHUNKS = 16 * 1024
MAX_FRAMING_BYTES = 64 * 1024
"""Between the chunks of one body, beside what each chunk needs."""
CHUNK_FRAMING_BYTES = 32
MAX_AHEAD = 64
"""Requests that wait behind one that is being answered."""
PIECE_BYTES = 16 * 1024
"""Given to the parser at once, so that what is counted between two pieces is counted often enough."""

LINGER_S = 1.0
LINGER_BYTES = 2**20
HALF_CLOSED_S = 0.25
"""How long an answer may take when the caller will send no more: most such callers have left."""
PROBE_HEAD_S = 2.0
"""How long a connection beyond the number of them may take to ask for a probe."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What settings say about a connection; see there.

    Attributes:
        connections: Connections that may ask for anything.
        reserve: Further ones that may ask for probes; twice as many again may be on their way out.
        body_bytes: Of the largest body of any route.
        head_s: For a head.
        body_s: For a JSON body.
        upload_s: For a body with images.
        write_s: Until a reader takes something.
        keep_alive_s: Until another request.
    """

    connections: int
    reserve: int
    body_bytes: int
    head_s: float
    body_s: float
    upload_s: float
    write_s: float
    keep_alive_s: float

    @classmethod
    def of(cls, settings: Settings, *, connections: int, reserve: int) -> Self:
        """Collect what settings say."""
        http = settings.http
        return cls(
            connections=connections,
            reserve=reserve,
            body_bytes=max(settings.limits.upload_bytes, http.body_limit_bytes),
            head_s=http.head_timeout_s,
            body_s=http.body_timeout_s,
            upload_s=http.upload_timeout_s,
            write_s=http.write_timeout_s,
            keep_alive_s=http.keep_alive_s,
        )

    @property
    def tick_s(self) -> float:
        """How often connections are looked at: often enough for the shortest of their times."""
        times = (self.head_s, self.body_s, self.upload_s, self.write_s, self.keep_alive_s)
        return min(max(min(times) / 10, 0.02), 0.5)
